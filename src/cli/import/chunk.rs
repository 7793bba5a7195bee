//! Import chunk: rows written together, as one Arrow batch with the columns of /ingest.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Builder, Int32Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::cell_parser::ParsedNumber;
use super::columns::StreamColumns;
use crate::domain::{Error, Micros, Result};

/// Maximum number of rows per chunk.
pub const MAX_CHUNK_ROWS: usize = 50_000;
/// Bytes of text above which a chunk is closed early, because requests have a size limit.
const MAX_CHUNK_TEXT_BYTES: usize = 16 << 20;

/// Rows of a file starting at `first_row`, counted from 1.
#[derive(Debug)]
pub struct ImportChunk {
    pub first_row: u64,
    pub batch: RecordBatch,
}

impl ImportChunk {
    /// Returns the number of rows, which is above 0.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }
}

/// Stream of a row.
#[derive(Debug, Clone, Copy)]
pub enum StreamRef<'a> {
    Id(i32),
    Names { device: &'a str, stream: &'a str },
}

/// One validated row.
#[derive(Debug)]
pub struct ImportRow<'a> {
    pub stream: StreamRef<'a>,
    pub ts: Micros,
    pub value: Option<ParsedNumber>,
    pub text: Option<&'a str>,
    pub quality: &'static str,
}

/// Collects the rows of one chunk.
pub struct ChunkBuilder {
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

impl ChunkBuilder {
    /// Starts a chunk; `address` decides whether it has a column of stream ids, or those of device and stream names.
    pub fn new(first_row: u64, address: StreamColumns) -> ChunkBuilder {
        ChunkBuilder {
            first_row,
            is_by_name: matches!(address, StreamColumns::Names { .. }),
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

    /// Whether the chunk has reached its limit of rows or of text.
    pub fn is_full(&self) -> bool {
        self.rows >= MAX_CHUNK_ROWS || self.text_bytes >= MAX_CHUNK_TEXT_BYTES
    }

    /// Appends a row, which names its stream as the chunk's address says. A number that f64 cannot hold keeps its digits as text.
    pub fn push(&mut self, row: ImportRow<'_>) {
        match row.stream {
            StreamRef::Id(id) => self.id.append_value(id),
            StreamRef::Names { device, stream } => {
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

    /// Returns the chunk, or `None` if it has no rows.
    pub fn finish(mut self) -> Result<Option<ImportChunk>> {
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
        // Most chunks have numbers only, and the server ingests those by whole columns.
        if text.null_count() < text.len() {
            columns.push((Field::new("text", DataType::Utf8, true), Arc::new(text)));
        }
        columns.push((Field::new("quality", DataType::Utf8, false), Arc::new(self.quality.finish())));
        let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|e| Error::internal("rows could not be put in columns").with_source(e))?;
        Ok(Some(ImportChunk { first_row: self.first_row, batch }))
    }
}

/// Builds the error for row `number` of a file.
pub fn row_error(number: u64, why: &str) -> Error {
    Error::invalid(format!("row {number}: {why}"))
}
