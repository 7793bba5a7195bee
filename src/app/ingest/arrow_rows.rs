//! Decodes Arrow IPC streams, Parquet files and record batches column by column.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use arrow::ipc::reader::StreamReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::parquet_check::CheckedFile;
use super::readings_builder::{InputNumber, InputRow, ReadingsBuilder};
use super::size;
use crate::domain::reading::{Quality, Readings};
use crate::domain::{Error, Micros, Result};

const BATCH_ROWS: usize = 65_536;

/// Decodes a whole IPC stream that has been checked.
pub fn decode_stream(rows: &mut ReadingsBuilder, body: &[u8]) -> Result<()> {
    let unreadable = |e: arrow::error::ArrowError| {
        Error::invalid(format!("the Arrow stream cannot be read: {e}")).with_source(e)
    };
    let mut at = body;
    let reader = StreamReader::try_new(&mut at, None).map_err(unreadable)?;
    let schema = reader.schema();
    size::check_types(&schema)?;
    size::check_names(&schema)?;
    for batch in reader {
        add(rows, &batch.map_err(unreadable)?)?;
    }
    // The reader treats the end of input as the end of the stream; a truncated stream has no end marker.
    if !body.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]) {
        return Err(Error::invalid("the Arrow stream is cut short: it has no end-of-stream marker"));
    }
    Ok(())
}

/// Decodes a whole Parquet file that has been checked.
pub fn decode_parquet(rows: &mut ReadingsBuilder, file: CheckedFile) -> Result<()> {
    let unreadable = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::invalid(format!("the Parquet file cannot be read: {e}")).with_source(e)
    };
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.body, file.metadata);
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(|e| unreadable(e.into()))?;
    for batch in reader {
        add(rows, &batch.map_err(|e| unreadable(e.into()))?)?;
    }
    Ok(())
}

/// Adds a batch with the column names of /ingest.
pub fn add(rows: &mut ReadingsBuilder, batch: &RecordBatch) -> Result<()> {
    let bytes = size::check_batch(batch)?;
    // Memory for the columns as received and as converted, beside the rows collected so far.
    rows.reserve(bytes.saturating_mul(2))?;
    let columns = ArrowColumns::read(batch, rows.seen())?;
    let is_named = columns.device.is_some() || columns.stream.is_some();
    let plain = !is_named && columns.text.is_none() && !columns.is_wide();
    if plain && columns.has_no_null() {
        return rows.extend(columns.readings(rows.seen())?);
    }
    for i in 0..batch.num_rows() {
        match columns.row(i) {
            Ok(row) => rows.push(row)?,
            Err(problem) => rows.refuse(problem)?,
        }
    }
    Ok(())
}

/// A batch's columns, cast to the internal types.
struct ArrowColumns {
    stream_id: Option<ArrayRef>,
    device: Option<ArrayRef>,
    stream: Option<ArrayRef>,
    ts: ArrayRef,
    /// f64, or the original i64 or u64, which may not be exact as f64.
    value: Option<ArrayRef>,
    text: Option<ArrayRef>,
    quality: Option<ArrayRef>,
}

impl ArrowColumns {
    /// `before` is the number of rows of the request before this batch, for row numbers in errors.
    fn read(batch: &RecordBatch, before: usize) -> Result<ArrowColumns> {
        size::check_names(&batch.schema())?;
        let find = |names: &[&str]| names.iter().find_map(|n| batch.column_by_name(n).cloned());
        let ts = find(&["ts", "timestamp", "time"]);
        let ts = ts.ok_or_else(|| Error::field("ts", "there is no such column"))?;
        let texts =
            |name: &'static str| find(&[name]).map(|a| to_type(name, &a, &DataType::Utf8)).transpose();
        Ok(ArrowColumns {
            stream_id: find(&["stream_id"])
                .map(|a| to_type("stream_id", &a, &DataType::Int32))
                .transpose()?,
            device: texts("device")?,
            stream: texts("stream")?,
            ts: to_micros(&ts, before)?,
            value: find(&["value"]).map(to_value).transpose()?,
            text: texts("text")?,
            quality: texts("quality")?,
        })
    }

    fn is_wide(&self) -> bool {
        self.value.as_ref().is_some_and(|v| v.data_type() != &DataType::Float64)
    }

    fn has_no_null(&self) -> bool {
        let needed = [&self.stream_id, &self.value, &Some(self.ts.clone())];
        let has_all = needed.iter().all(|c| c.as_ref().is_some_and(|a| a.null_count() == 0));
        has_all && self.quality.as_ref().is_none_or(|q| q.null_count() == 0)
    }

    /// Returns whole columns as readings; valid only without nulls and texts.
    fn readings(&self, before: usize) -> Result<Readings> {
        let (Some(ids), Some(values)) = (&self.stream_id, &self.value) else {
            return Err(Error::internal("columns were checked before"));
        };
        let len = self.ts.len();
        let quality = match &self.quality {
            None => vec![Quality::Good as u8; len],
            Some(names) => names
                .as_string::<i32>()
                .iter()
                .enumerate()
                .map(|(i, name)| {
                    let quality = name.unwrap_or_default().parse::<Quality>().map(|q| q as u8);
                    quality.map_err(|e| Error::field(format!("row {}", before + i + 1), e.message))
                })
                .collect::<Result<_>>()?,
        };
        Ok(Readings {
            stream: ids.as_primitive::<Int32Type>().values().to_vec(),
            ts: self.ts.as_primitive::<TimestampMicrosecondType>().values().to_vec(),
            value: values.as_primitive::<Float64Type>().values().to_vec(),
            quality,
            text: Vec::new(),
        })
    }

    fn row(&self, i: usize) -> Result<InputRow<'_>, String> {
        let quality = text_at(&self.quality, i).map_or(Ok(Quality::Good), str::parse::<Quality>);
        let ids = self.stream_id.as_ref().filter(|a| a.is_valid(i));
        let ts = self.ts.is_valid(i).then(|| self.ts.as_primitive::<TimestampMicrosecondType>().value(i));
        Ok(InputRow {
            stream_id: ids.map(|a| a.as_primitive::<Int32Type>().value(i)),
            device: text_at(&self.device, i),
            stream: text_at(&self.stream, i),
            ts: ts.map(Micros),
            value: self.value.as_ref().filter(|a| a.is_valid(i)).map(|a| number_at(a, i)),
            text: text_at(&self.text, i),
            quality: quality.map_err(|e| e.message)?,
        })
    }
}

fn text_at(column: &Option<ArrayRef>, i: usize) -> Option<&str> {
    column.as_ref().filter(|a| a.is_valid(i)).map(|a| a.as_string::<i32>().value(i))
}

fn number_at(column: &ArrayRef, i: usize) -> InputNumber {
    match column.data_type() {
        DataType::Int64 => InputNumber::Int(column.as_primitive::<Int64Type>().value(i)),
        DataType::UInt64 => InputNumber::Uint(column.as_primitive::<UInt64Type>().value(i)),
        _ => InputNumber::Float(column.as_primitive::<Float64Type>().value(i)),
    }
}

fn to_type(name: &'static str, array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array.clone());
    }
    // Safe casting would turn a value that does not fit into a null; here it is an error.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|e| {
        let message = format!("cannot be read from {} as {to}: {e}", array.data_type());
        Error::field(name, message).with_source(e)
    })
}

/// Converts booleans to 0 and 1; 64-bit integers stay as they are.
fn to_value(array: ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Int64 | DataType::UInt64 => Ok(array),
        DataType::Null => Ok(std::sync::Arc::new(Float64Array::new_null(array.len()))),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Err(Error::field("value", "must be a number column; texts go into the column `text`"))
        }
        _ => to_type("value", &array, &DataType::Float64),
    }
}

/// Converts timestamps of any unit and zone; texts and numbers are parsed as in every API (ISO-8601, epoch seconds).
fn to_micros(array: &ArrayRef, before: usize) -> Result<ArrayRef> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match array.data_type() {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => to_type("ts", array, &micros),
        _ => {
            let texts = to_type("ts", array, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            let parsed = texts.iter().enumerate().map(|(i, text)| {
                let Some(text) = text else { return Ok(None) };
                let row = || format!("row {}", before + i + 1);
                let message = || Error::field(row(), format!("ts: `{text}` is not a time"));
                Micros::parse(text).map(|t| Some(t.0)).ok_or_else(message)
            });
            let parsed: Vec<Option<i64>> = parsed.collect::<Result<_>>()?;
            let array = arrow::array::TimestampMicrosecondArray::from(parsed);
            Ok(std::sync::Arc::new(array.with_timezone("UTC")))
        }
    }
}
