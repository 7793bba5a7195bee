//! A file of batches, read one by one: Parquet, or Arrow IPC as a file or as a stream.

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

use super::chunk::{Builder, Chunk, Of, ROWS, Row, wrong_row};
use super::columns::{Address, Columns, Destination};
use super::field::{self, Number, Wrong};
use crate::domain::{Error, Micros, Result};

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

pub struct BatchFile {
    batches: Batches,
    columns: Columns,
    /// Read and not yet in a chunk.
    batch: Option<Cells>,
    /// The data row to be handed out next, counted from 1.
    next_row: u64,
    length: Length,
}

/// How far a file goes: what is known of it without reading it.
enum Length {
    Rows(u64),
    /// And the handle that shares its position with the reader.
    Bytes(u64, File),
}

impl BatchFile {
    pub fn parquet(file: File, destination: Destination, from_row: u64) -> Result<Self> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged("Parquet", e))?;
        let columns = columns(builder.schema(), destination)?;
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
        let skipped = usize::try_from(from_row - 1).ok().filter(|_| from_row - 1 <= rows);
        let skipped = skipped.ok_or_else(|| ends_after(rows))?;
        let reader = builder.with_offset(skipped).with_batch_size(ROWS).build();
        let batches = Box::new(reader.map_err(|e| damaged("Parquet", e))?);
        Ok(BatchFile { batches, columns, batch: None, next_row: from_row, length: Length::Rows(rows) })
    }

    /// Arrow IPC with a footer, as pandas and polars write it to files.
    pub fn arrow_file(file: File, destination: Destination, from_row: u64) -> Result<Self> {
        let length = Length::bytes(&file)?;
        let reader = FileReader::try_new_buffered(file, None).map_err(|e| damaged("Arrow", e))?;
        let columns = columns(&reader.schema(), destination)?;
        BatchFile { batches: Box::new(reader), columns, batch: None, next_row: 1, length }.skip_to(from_row)
    }

    /// Arrow IPC as it comes over a wire.
    pub fn arrow_stream(file: File, destination: Destination, from_row: u64) -> Result<Self> {
        let length = Length::bytes(&file)?;
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

    /// The next rows. A wrong row is an error naming it; nothing of its chunk is to be sent.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let mut builder = Builder::new(self.next_row, self.columns.address);
        while !builder.is_full() {
            let number = self.next_row;
            let Some(cells) = self.cells()? else { break };
            let row = cells.row().map_err(|why| wrong_row(number, &why))?;
            builder.push(row);
            cells.at += 1;
            self.next_row += 1;
        }
        builder.finish()
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub fn size(&self) -> u64 {
        match &self.length {
            Length::Rows(rows) => *rows,
            Length::Bytes(bytes, _) => *bytes,
        }
    }

    pub fn position(&self) -> u64 {
        match &self.length {
            Length::Rows(_) => self.next_row - 1,
            Length::Bytes(_, file) => (&mut &*file).stream_position().unwrap_or_default(),
        }
    }

    /// A batch with a row left in it; `None` at the end of the file.
    fn cells(&mut self) -> Result<Option<&mut Cells>> {
        while self.batch.as_ref().is_none_or(|cells| cells.at == cells.rows) {
            let Some(batch) = self.batches.next() else { return Ok(None) };
            let batch = batch.map_err(|e| Error::invalid(format!("the file is damaged: {e}")))?;
            self.batch = Some(Cells::new(&batch, &self.columns)?);
        }
        Ok(self.batch.as_mut())
    }
}

impl Length {
    fn bytes(file: &File) -> Result<Length> {
        let known =
            || -> std::io::Result<Length> { Ok(Length::Bytes(file.metadata()?.len(), file.try_clone()?)) };
        known().map_err(|e| Error::invalid(format!("cannot be read: {e}")))
    }
}

fn columns(schema: &Schema, destination: Destination) -> Result<Columns> {
    let names: Vec<_> = schema.fields().iter().map(|f| f.name().clone()).collect();
    Columns::find(&names, destination)
}

fn ends_after(rows: u64) -> Error {
    Error::field("from-row", format!("the file ends after row {rows}"))
}

/// The columns of one batch in the few types that remain after reading, and the row to be taken next.
struct Cells {
    of: Streams,
    ts: Cell,
    value: Option<Cell>,
    text: Option<StringArray>,
    quality: Option<StringArray>,
    at: usize,
    rows: usize,
}

enum Streams {
    Fixed(i32),
    Id(StringArray),
    Names { device: StringArray, stream: StringArray },
}

/// A column of times or numbers: as such, or as text to be read like a cell of CSV.
enum Cell {
    Micros(ArrayRef),
    Number(ArrayRef),
    Text(StringArray),
}

impl Cells {
    fn new(batch: &RecordBatch, columns: &Columns) -> Result<Cells> {
        let text = |column: usize| to_text(batch.schema_ref().field(column).name(), batch.column(column));
        let of = match columns.address {
            Address::Fixed(stream) => Streams::Fixed(stream.0),
            Address::Id { column } => Streams::Id(text(column)?),
            Address::Names { device, stream } => {
                Streams::Names { device: text(device)?, stream: text(stream)? }
            }
        };
        Ok(Cells {
            of,
            ts: to_times(batch.column(columns.ts))?,
            value: columns.value.map(|column| to_numbers(batch.column(column))).transpose()?,
            text: columns.text.map(text).transpose()?,
            quality: columns.quality.map(text).transpose()?,
            at: 0,
            rows: batch.num_rows(),
        })
    }

    fn row(&self) -> Result<Row<'_>, Wrong> {
        let at = self.at;
        let of = match &self.of {
            Streams::Fixed(id) => Of::Id(*id),
            Streams::Id(ids) => Of::Id(field::id(cell(ids, at).unwrap_or("null"))?),
            Streams::Names { device, stream } => Of::Names {
                device: cell(device, at).ok_or("device: there is none")?,
                stream: cell(stream, at).ok_or("stream: there is none")?,
            },
        };
        Ok(Row {
            of,
            ts: self.ts.time(at)?,
            value: self.value.as_ref().map_or(Ok(None), |value| value.number(at))?,
            text: self.text.as_ref().and_then(|text| cell(text, at)),
            quality: match self.quality.as_ref().and_then(|quality| cell(quality, at)) {
                Some(text) => field::quality(text)?,
                None => "good",
            },
        })
    }
}

impl Cell {
    fn time(&self, at: usize) -> Result<Micros, Wrong> {
        match self {
            Cell::Micros(times) => {
                let times = times.as_primitive::<TimestampMicrosecondType>();
                let ts = times.is_valid(at).then(|| Micros(times.value(at)));
                let ts = ts.ok_or("ts: there is none")?;
                if ts.is_storable() { Ok(ts) } else { field::time(&ts.to_iso()) }
            }
            Cell::Text(texts) => field::time(cell(texts, at).ok_or("ts: there is none")?),
            Cell::Number(_) => Err("ts: this is not a time".to_owned()),
        }
    }

    fn number(&self, at: usize) -> Result<Option<Number>, Wrong> {
        match self {
            Cell::Number(numbers) => {
                let numbers = numbers.as_primitive::<Float64Type>();
                let value = numbers.is_valid(at).then(|| numbers.value(at));
                match value {
                    Some(value) if !value.is_finite() => Err(format!("value: `{value}` is not finite")),
                    value => Ok(value.map(|value| Number { value, exact: None })),
                }
            }
            Cell::Text(texts) => cell(texts, at).map(field::number).transpose(),
            Cell::Micros(_) => Err("value: a time is not a number".to_owned()),
        }
    }
}

fn cell(texts: &StringArray, at: usize) -> Option<&str> {
    texts.is_valid(at).then(|| texts.value(at))
}

/// Times of any unit as microseconds UTC, whatever zone they carry; whole numbers stay text: seconds since 1970.
fn to_times(column: &ArrayRef) -> Result<Cell> {
    match column.data_type() {
        DataType::Timestamp(unit, _) => {
            // Zone or none, the numbers count from 1970 UTC: only the unit is to be changed.
            let counts = cast("ts", column, &DataType::Int64)?;
            let counts = counts.as_primitive::<Int64Type>();
            let micros = counts.unary_opt::<_, TimestampMicrosecondType>(|n| to_micros(*unit, n));
            if micros.null_count() > counts.null_count() {
                return Err(Error::invalid("ts: a time is out of all bounds"));
            }
            Ok(Cell::Micros(Arc::new(micros)))
        }
        DataType::Date32 | DataType::Date64 => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            Ok(Cell::Micros(cast("ts", column, &micros)?))
        }
        _ => Ok(Cell::Text(to_text("ts", column)?)),
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

/// Numbers as f64, but 64-bit integers and words as text: those have to stay exact, these to be refused by row.
fn to_numbers(column: &ArrayRef) -> Result<Cell> {
    match column.data_type() {
        DataType::Int64
        | DataType::UInt64
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Dictionary(..) => Ok(Cell::Text(to_text("value", column)?)),
        _ => Ok(Cell::Number(cast("value", column, &DataType::Float64)?)),
    }
}

fn to_text(name: &str, column: &ArrayRef) -> Result<StringArray> {
    Ok(cast(name, column, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn cast(name: &str, column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, to, &options).map_err(|error| {
        Error::invalid(format!("{name}: a column of type {} cannot be used", column.data_type()))
            .because(error)
    })
}

fn damaged(form: &str, error: impl std::fmt::Display) -> Error {
    Error::invalid(format!("this is not a whole {form} file: {error}"))
}
