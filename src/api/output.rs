//! Batches as bytes, in the form a client accepts, as they come: no answer is held whole.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::error::Fault;
use crate::app::sql::Answer;
use crate::domain::{Error, Result};

/// ISO-8601; digits of a second as many as are not zero.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.f";
const TIME_UTC: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// The forms an answer can take, as media types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Ndjson,
    Csv,
    Arrow,
    Parquet,
}

impl Format {
    const ALL: [Format; 5] = [Format::Json, Format::Ndjson, Format::Csv, Format::Arrow, Format::Parquet];

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Csv => "text/csv",
            Format::Arrow => "application/vnd.apache.arrow.stream",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The first form of the highest weight that `Accept` names; without the header, JSON.
    pub fn accepted(headers: &HeaderMap) -> Result<Format, Fault> {
        let mut best: Option<(f32, Format)> = None;
        let values = headers.get_all(header::ACCEPT);
        let ranges = values.iter().flat_map(|v| v.to_str().unwrap_or_default().split(','));
        let mut has_range = false;
        for range in ranges.map(str::trim).filter(|r| !r.is_empty()) {
            has_range = true;
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|p| p.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let covers = |f: &Format| {
                let own = f.media_type();
                let family = own.split('/').next().unwrap_or_default();
                media == own || media == "*/*" || media == format!("{family}/*")
            };
            if let Some(format) = Format::ALL.into_iter().find(covers)
                && weight > 0.0
                && best.is_none_or(|(known, _)| weight > known)
            {
                best = Some((weight, format));
            }
        }
        match best {
            Some((_, format)) => Ok(format),
            None if has_range => Err(Fault::NotAcceptable),
            None => Ok(Format::Json),
        }
    }
}

/// An answer as a response whose body is computed as it is read. The first rows are written before: a type that the
/// format cannot carry is refused. A failure after that cuts the connection: a short answer never looks whole.
pub async fn respond(format: Format, mut answer: Answer) -> Result<Response> {
    let schema = utc_schema(&answer.schema);
    let mut encoder = Encoder::new(format, &schema)?;
    let first = match answer.batches.try_next().await? {
        Some(batch) => encoder.write(&schema, &batch)?,
        None => Bytes::new(),
    };
    let rest = stream::unfold((Some(encoder), answer.batches), move |(encoder, mut batches)| {
        let schema = schema.clone();
        async move {
            let mut encoder = encoder?;
            let piece = match batches.next().await {
                Some(Ok(batch)) => encoder.write(&schema, &batch),
                Some(Err(e)) => Err(e),
                None => return Some((encoder.finish(), (None, batches))),
            };
            let left = piece.is_ok().then_some(encoder);
            Some((piece, (left, batches)))
        }
    });
    let bytes = stream::iter([Ok(first)]).chain(rest);
    let mut response = Response::new(Body::from_stream(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    Ok(response)
}

/// Zoned timestamps are shown in UTC, whatever zone an expression gave them.
pub(super) fn utc_schema(schema: &SchemaRef) -> SchemaRef {
    let to_utc = |field: &Arc<Field>| match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let utc = DataType::Timestamp(*unit, Some("UTC".into()));
            Arc::new(field.as_ref().clone().with_data_type(utc))
        }
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(to_utc).collect::<Vec<_>>()))
}

/// Bytes written by an encoder and not yet sent.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock()).into()
    }
}

enum Writer {
    Json(arrow::json::Writer<Sink, JsonArray>),
    Ndjson(arrow::json::Writer<Sink, LineDelimited>),
    Csv(Box<arrow::csv::Writer<Sink>>),
    Arrow(StreamWriter<Sink>),
    Parquet(Box<ArrowWriter<Sink>>),
}

struct Encoder {
    sink: Sink,
    writer: Writer,
}

/// How rows become JSON objects.
pub(super) fn json() -> WriterBuilder {
    WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_format(TIME.to_owned())
        .with_timestamp_tz_format(TIME_UTC.to_owned())
}

impl Encoder {
    fn new(format: Format, schema: &SchemaRef) -> Result<Encoder> {
        let sink = Sink::default();
        let out = sink.clone();
        let writer = match format {
            Format::Json => Writer::Json(json().build::<_, JsonArray>(out)),
            Format::Ndjson => Writer::Ndjson(json().build::<_, LineDelimited>(out)),
            Format::Csv => {
                let builder = arrow::csv::WriterBuilder::new().with_header(true);
                let builder = builder.with_timestamp_format(TIME.to_owned());
                let mut writer = builder.with_timestamp_tz_format(TIME_UTC.to_owned()).build(out);
                // The header comes with the first batch: an answer without rows still has columns.
                writer.write(&RecordBatch::new_empty(schema.clone())).map_err(unwritable)?;
                Writer::Csv(Box::new(writer))
            }
            Format::Arrow => Writer::Arrow(StreamWriter::try_new(out, schema).map_err(unwritable)?),
            Format::Parquet => {
                let zstd = ZstdLevel::try_new(1).expect("1 is a zstd level");
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(zstd)).build();
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(|e| unwritable(e.into()))?))
            }
        };
        Ok(Encoder { sink, writer })
    }

    fn write(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<Bytes> {
        let batch = &in_utc(schema, batch).map_err(unwritable)?;
        match &mut self.writer {
            Writer::Json(writer) => writer.write(batch).map_err(unwritable)?,
            Writer::Ndjson(writer) => writer.write(batch).map_err(unwritable)?,
            Writer::Csv(writer) => writer.write(batch).map_err(unwritable)?,
            Writer::Arrow(writer) => writer.write(batch).map_err(unwritable)?,
            Writer::Parquet(writer) => writer.write(batch).map_err(|e| unwritable(e.into()))?,
        }
        Ok(self.sink.take())
    }

    fn finish(self) -> Result<Bytes> {
        match self.writer {
            Writer::Json(mut writer) => writer.finish().map_err(unwritable)?,
            Writer::Ndjson(mut writer) => writer.finish().map_err(unwritable)?,
            Writer::Csv(_) => {}
            Writer::Arrow(mut writer) => writer.finish().map_err(unwritable)?,
            Writer::Parquet(writer) => drop(writer.close().map_err(|e| unwritable(e.into()))?),
        }
        Ok(self.sink.take())
    }
}

pub(super) fn in_utc(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Vec<ArrayRef> = columns
        .map(|(column, field)| match column.data_type() == field.data_type() {
            true => Ok(column.clone()),
            false => cast(column, field.data_type()),
        })
        .collect::<Result<_, ArrowError>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

pub(super) fn unwritable(e: ArrowError) -> Error {
    Error::invalid(format!("the answer cannot be written in this format: {e}")).because(e)
}
