//! Import of Parquet and Arrow IPC (file or stream), batch by batch.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::sync::Arc;

use arrow::array::cast::AsArray;
use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::cell_parser::{self, CellError, ParsedNumber};
use super::chunk::{ChunkBuilder, ImportChunk, ImportRow, MAX_CHUNK_ROWS, StreamRef, row_error};
use super::columns::{ImportColumns, ImportDestination, StreamColumns};
use crate::domain::job::ImportUnit;
use crate::domain::{Error, Micros, Result};

type BatchIterator = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// Reader of a Parquet or Arrow file that is being imported.
pub struct BatchFile {
    batches: BatchIterator,
    columns: ImportColumns,
    /// Batch whose rows are not all in a chunk yet.
    batch: Option<BatchCursor>,
    /// Number of the next data row, counted from 1.
    next_row: u64,
    length: FileLength,
}

/// Length of a file as known without reading it.
enum FileLength {
    Rows(u64),
    /// Bytes, and a handle that shares its position with the reader.
    Bytes(u64, File),
}

impl BatchFile {
    /// Opens a Parquet file at a data row, counted from 1; its footer says whether the file has so many.
    pub fn parquet(file: File, destination: ImportDestination, from_row: u64) -> Result<Self> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged("Parquet", e))?;
        let columns = columns(builder.schema(), destination)?;
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        let skipped = usize::try_from(from_row - 1).ok().filter(|_| from_row - 1 <= rows);
        let skipped = skipped.ok_or_else(|| ends_after(rows))?;
        let reader = builder.with_offset(skipped).with_batch_size(MAX_CHUNK_ROWS).build();
        let batches = Box::new(reader.map_err(|e| damaged("Parquet", e))?);
        Ok(BatchFile { batches, columns, batch: None, next_row: from_row, length: FileLength::Rows(rows) })
    }

    /// Opens an Arrow IPC file (with a footer), as pandas and polars write it.
    pub fn arrow_file(file: File, destination: ImportDestination, from_row: u64) -> Result<Self> {
        let length = FileLength::bytes(&file)?;
        let reader = FileReader::try_new_buffered(file, None).map_err(|e| damaged("Arrow", e))?;
        let columns = columns(&reader.schema(), destination)?;
        BatchFile { batches: Box::new(reader), columns, batch: None, next_row: 1, length }.skip_to(from_row)
    }

    /// Opens an Arrow IPC stream.
    pub fn arrow_stream(file: File, destination: ImportDestination, from_row: u64) -> Result<Self> {
        let length = FileLength::bytes(&file)?;
        let reader = StreamReader::try_new(BufReader::new(file), None).map_err(|e| damaged("Arrow", e))?;
        let columns = columns(&reader.schema(), destination)?;
        BatchFile { batches: Box::new(reader), columns, batch: None, next_row: 1, length }.skip_to(from_row)
    }

    fn skip_to(mut self, from_row: u64) -> Result<Self> {
        while self.next_row < from_row {
            let (wanted, before) = (from_row - self.next_row, self.next_row - 1);
            let cells = self.cells()?.ok_or_else(|| ends_after(before))?;
            let left = cells.rows - cells.at;
            let skipped = usize::try_from(wanted).map_or(left, |wanted| wanted.min(left));
            cells.at += skipped;
            self.next_row += skipped as u64;
        }
        Ok(self)
    }

    /// Reads the next rows. An error names its row; nothing of its chunk may be sent.
    pub fn next_chunk(&mut self) -> Result<Option<ImportChunk>> {
        let mut builder = ChunkBuilder::new(self.next_row, self.columns.stream);
        while !builder.is_full() {
            let number = self.next_row;
            let Some(cells) = self.cells()? else { break };
            let row = cells.row().map_err(|why| row_error(number, &why))?;
            builder.push(row);
            cells.at += 1;
            self.next_row += 1;
        }
        builder.finish()
    }

    /// Returns the positions of the columns of readings in the file's schema.
    pub fn columns(&self) -> &ImportColumns {
        &self.columns
    }

    /// Returns the length of the file in its `unit`, the end of `position`.
    pub fn size(&self) -> u64 {
        match &self.length {
            FileLength::Rows(rows) => *rows,
            FileLength::Bytes(bytes, _) => *bytes,
        }
    }

    /// Returns the unit of size and position: rows of Parquet, whose footer counts them, and bytes of Arrow.
    pub fn unit(&self) -> ImportUnit {
        match &self.length {
            FileLength::Rows(_) => ImportUnit::Rows,
            FileLength::Bytes(..) => ImportUnit::Bytes,
        }
    }

    /// Returns how much has been read, in `unit`, for the display of progress.
    pub fn position(&self) -> u64 {
        match &self.length {
            FileLength::Rows(_) => self.next_row - 1,
            FileLength::Bytes(_, file) => (&mut &*file).stream_position().unwrap_or_default(),
        }
    }

    /// Returns a batch with unread rows, or `None` at the end of the file.
    fn cells(&mut self) -> Result<Option<&mut BatchCursor>> {
        while self.batch.as_ref().is_none_or(|cells| cells.at == cells.rows) {
            let Some(batch) = self.batches.next() else { return Ok(None) };
            let batch = batch.map_err(|e| Error::invalid(format!("the file is damaged: {e}")))?;
            self.batch = Some(BatchCursor::new(&batch, &self.columns)?);
        }
        Ok(self.batch.as_mut())
    }
}

impl FileLength {
    fn bytes(file: &File) -> Result<FileLength> {
        let known = || -> std::io::Result<FileLength> {
            Ok(FileLength::Bytes(file.metadata()?.len(), file.try_clone()?))
        };
        known().map_err(|e| Error::invalid(format!("cannot be read: {e}")))
    }
}

fn columns(schema: &Schema, destination: ImportDestination) -> Result<ImportColumns> {
    let names: Vec<_> = schema.fields().iter().map(|f| f.name().clone()).collect();
    ImportColumns::find(&names, destination)
}

fn ends_after(rows: u64) -> Error {
    Error::field("from-row", format!("the file ends after row {rows}"))
}

/// Columns of one batch in the few types that remain after reading, and the position of the next row.
struct BatchCursor {
    of: StreamCells,
    ts: TypedColumn,
    value: Option<TypedColumn>,
    text: Option<StringArray>,
    quality: Option<StringArray>,
    at: usize,
    rows: usize,
}

enum StreamCells {
    Fixed(i32),
    Id(StringArray),
    Names { device: StringArray, stream: StringArray },
}

/// A column of times or numbers: typed, or as text that is parsed like a CSV cell.
enum TypedColumn {
    Micros(ArrayRef),
    Number(ArrayRef),
    Text(StringArray),
}

impl BatchCursor {
    fn new(batch: &RecordBatch, columns: &ImportColumns) -> Result<BatchCursor> {
        let text = |column: usize| to_text(batch.schema_ref().field(column).name(), batch.column(column));
        let of = match columns.stream {
            StreamColumns::Fixed(stream) => StreamCells::Fixed(stream.0),
            StreamColumns::Id { column } => StreamCells::Id(text(column)?),
            StreamColumns::Names { device, stream } => {
                StreamCells::Names { device: text(device)?, stream: text(stream)? }
            }
        };
        Ok(BatchCursor {
            of,
            ts: to_times(batch.column(columns.ts))?,
            value: columns.value.map(|column| to_numbers(batch.column(column))).transpose()?,
            text: columns.text.map(text).transpose()?,
            quality: columns.quality.map(text).transpose()?,
            at: 0,
            rows: batch.num_rows(),
        })
    }

    fn row(&self) -> Result<ImportRow<'_>, CellError> {
        let at = self.at;
        let of = match &self.of {
            StreamCells::Fixed(id) => StreamRef::Id(*id),
            StreamCells::Id(ids) => {
                StreamRef::Id(cell_parser::parse_stream_id(text_at(ids, at).unwrap_or("null"))?)
            }
            StreamCells::Names { device, stream } => StreamRef::Names {
                device: text_at(device, at).ok_or("device: there is none")?,
                stream: text_at(stream, at).ok_or("stream: there is none")?,
            },
        };
        Ok(ImportRow {
            stream: of,
            ts: self.ts.time(at)?,
            value: self.value.as_ref().map_or(Ok(None), |value| value.number(at))?,
            text: self.text.as_ref().and_then(|text| text_at(text, at)),
            quality: match self.quality.as_ref().and_then(|quality| text_at(quality, at)) {
                Some(text) => cell_parser::parse_quality(text)?,
                None => "good",
            },
        })
    }
}

impl TypedColumn {
    fn time(&self, at: usize) -> Result<Micros, CellError> {
        match self {
            TypedColumn::Micros(times) => {
                let times = times.as_primitive::<TimestampMicrosecondType>();
                let ts = times.is_valid(at).then(|| Micros(times.value(at)));
                let ts = ts.ok_or("ts: there is none")?;
                if ts.is_storable() { Ok(ts) } else { cell_parser::parse_time(&ts.to_iso()) }
            }
            TypedColumn::Text(texts) => {
                cell_parser::parse_time(text_at(texts, at).ok_or("ts: there is none")?)
            }
            TypedColumn::Number(_) => Err("ts: this is not a time".to_owned()),
        }
    }

    fn number(&self, at: usize) -> Result<Option<ParsedNumber>, CellError> {
        match self {
            TypedColumn::Number(numbers) => {
                let numbers = numbers.as_primitive::<Float64Type>();
                let value = numbers.is_valid(at).then(|| numbers.value(at));
                match value {
                    Some(value) if !value.is_finite() => Err(format!("value: `{value}` is not finite")),
                    value => Ok(value.map(|value| ParsedNumber { value, exact: None })),
                }
            }
            TypedColumn::Text(texts) => text_at(texts, at).map(cell_parser::parse_number).transpose(),
            TypedColumn::Micros(_) => Err("value: a time is not a number".to_owned()),
        }
    }
}

fn text_at(texts: &StringArray, at: usize) -> Option<&str> {
    texts.is_valid(at).then(|| texts.value(at))
}

/// Converts times of any unit to microseconds UTC, whatever zone they carry; whole numbers become text: Unix seconds.
fn to_times(column: &ArrayRef) -> Result<TypedColumn> {
    match column.data_type() {
        DataType::Timestamp(unit, _) => {
            // With or without a zone, values count from 1970 UTC: only the unit has to change.
            let counts = cast("ts", column, &DataType::Int64)?;
            let counts = counts.as_primitive::<Int64Type>();
            let micros = counts.unary_opt::<_, TimestampMicrosecondType>(|n| to_micros(*unit, n));
            if micros.null_count() > counts.null_count() {
                return Err(Error::invalid("ts: a time is out of all bounds"));
            }
            Ok(TypedColumn::Micros(Arc::new(micros)))
        }
        DataType::Date32 | DataType::Date64 => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            Ok(TypedColumn::Micros(cast("ts", column, &micros)?))
        }
        _ => Ok(TypedColumn::Text(to_text("ts", column)?)),
    }
}

fn to_micros(unit: TimeUnit, count: i64) -> Option<i64> {
    match unit {
        TimeUnit::Second => count.checked_mul(1_000_000),
        TimeUnit::Millisecond => count.checked_mul(1000),
        TimeUnit::Microsecond => Some(count),
        TimeUnit::Nanosecond => Some(count.div_euclid(1000)),
    }
}

/// Converts numbers to f64; 64-bit integers become text to stay exact, and so does text, to be refused by row.
fn to_numbers(column: &ArrayRef) -> Result<TypedColumn> {
    match column.data_type() {
        DataType::Int64
        | DataType::UInt64
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Dictionary(..) => Ok(TypedColumn::Text(to_text("value", column)?)),
        _ => Ok(TypedColumn::Number(cast("value", column, &DataType::Float64)?)),
    }
}

fn to_text(name: &str, column: &ArrayRef) -> Result<StringArray> {
    Ok(cast(name, column, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn cast(name: &str, column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, to, &options).map_err(|error| {
        Error::invalid(format!("{name}: a column of type {} cannot be used", column.data_type()))
            .with_source(error)
    })
}

fn damaged(form: &str, error: impl std::fmt::Display) -> Error {
    Error::invalid(format!("this is not a whole {form} file: {error}"))
}
