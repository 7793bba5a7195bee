//! A chunk: rows written together, as one Arrow batch with the columns of /ingest.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Builder, Int32Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::columns::Address;
use super::field::Number;
use crate::domain::{Error, Micros, Result};

/// Most rows of a chunk.
pub const ROWS: usize = 50_000;
/// Past this many bytes of text a chunk is closed early: requests have a limit.
const TEXT_BYTES: usize = 16 << 20;

/// Rows of a file from `first_row` on, counted from 1.
#[derive(Debug)]
pub struct Chunk {
    pub first_row: u64,
    pub batch: RecordBatch,
}

impl Chunk {
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }
}

/// The stream of a row.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    Id(i32),
    Names { device: &'a str, stream: &'a str },
}

/// One row, checked.
#[derive(Debug)]
pub struct Row<'a> {
    pub of: Of<'a>,
    pub ts: Micros,
    pub value: Option<Number>,
    pub text: Option<&'a str>,
    pub quality: &'static str,
}

/// Collects the rows of one chunk.
pub struct Builder {
    first_row: u64,
    is_by_name: bool,
    id: Int32Builder,
    device: StringBuilder,
    stream: StringBuilder,
    ts: TimestampMicrosecondBuilder,
    value: Float64Builder,
    text: StringBuilder,
    quality: StringBuilder,
    rows: usize,
    text_bytes: usize,
}

impl Builder {
    pub fn new(first_row: u64, address: Address) -> Builder {
        Builder {
            first_row,
            is_by_name: matches!(address, Address::Names { .. }),
            id: Int32Builder::new(),
            device: StringBuilder::new(),
            stream: StringBuilder::new(),
            ts: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            value: Float64Builder::new(),
            text: StringBuilder::new(),
            quality: StringBuilder::new(),
            rows: 0,
            text_bytes: 0,
        }
    }

    pub fn is_full(&self) -> bool {
        self.rows >= ROWS || self.text_bytes >= TEXT_BYTES
    }

    pub fn push(&mut self, row: Row<'_>) {
        match row.of {
            Of::Id(id) => self.id.append_value(id),
            Of::Names { device, stream } => {
                self.text_bytes += device.len() + stream.len();
                self.device.append_value(device);
                self.stream.append_value(stream);
            }
        }
        let (value, exact) = row.value.map_or((None, None), |n| (Some(n.value), n.exact));
        let text = row.text.or(exact.as_deref());
        self.text_bytes += text.map_or(0, str::len);
        self.rows += 1;
        self.ts.append_value(row.ts.0);
        self.value.append_option(value);
        self.text.append_option(text);
        self.quality.append_value(row.quality);
    }

    /// The chunk, or `None` when there is no row in it.
    pub fn finish(mut self) -> Result<Option<Chunk>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let mut columns: Vec<(Field, ArrayRef)> = match self.is_by_name {
            true => vec![
                (Field::new("device", DataType::Utf8, false), Arc::new(self.device.finish())),
                (Field::new("stream", DataType::Utf8, false), Arc::new(self.stream.finish())),
            ],
            false => vec![(Field::new("stream_id", DataType::Int32, false), Arc::new(self.id.finish()))],
        };
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        columns.push((Field::new("ts", micros, false), Arc::new(self.ts.finish())));
        columns.push((Field::new("value", DataType::Float64, true), Arc::new(self.value.finish())));
        let text = self.text.finish();
        // Numbers alone are the common case, and the server takes them in by whole columns.
        if text.null_count() < text.len() {
            columns.push((Field::new("text", DataType::Utf8, true), Arc::new(text)));
        }
        columns.push((Field::new("quality", DataType::Utf8, false), Arc::new(self.quality.finish())));
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|e| Error::internal("rows could not be put in columns").because(e))?;
        Ok(Some(Chunk { first_row: self.first_row, batch }))
    }
}

/// Row `number` of a file is wrong.
pub fn wrong_row(number: u64, why: &str) -> Error {
    Error::invalid(format!("row {number}: {why}"))
}
