//! Streaming encoder of query results in the format that the client accepts; no result is buffered whole.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef};
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

use super::compression::Compressible;
use super::error::HttpError;
use super::time_text::with_time_texts;
use crate::app::bulk_work;
use crate::app::sql::SqlResult;
use crate::domain::named_enum::named_enum;
use crate::domain::{Error, Result};

/// Batches up to this size are encoded in some milliseconds; bytes. Those of numbers have less.
const LARGE_BATCH_BYTES: usize = 768 << 10;
/// Format of times within lists and structures: the one in which [`with_time_texts`] writes those of columns.
const TIMESTAMP_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.f";
const TIMESTAMP_UTC_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

named_enum! {
    /// Result formats, chosen by media type. The name is also the ending of files.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ResultFormat {
        Json = "json",
        Ndjson = "ndjson",
        Csv = "csv",
        Arrow = "arrow",
        Parquet = "parquet",
    }
}

impl ResultFormat {
    /// Returns the media type by which `Accept` chooses the format, and which its responses carry.
    pub fn media_type(self) -> &'static str {
        match self {
            ResultFormat::Json => "application/json",
            ResultFormat::Ndjson => "application/x-ndjson",
            ResultFormat::Csv => "text/csv",
            ResultFormat::Arrow => "application/vnd.apache.arrow.stream",
            ResultFormat::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Returns the format of this name, as URLs give it.
    ///
    /// # Errors
    /// `Invalid` that lists the names.
    pub fn named(name: &str) -> Result<ResultFormat> {
        ResultFormat::from_name(name).ok_or_else(|| {
            let names = ResultFormat::ALL.map(ResultFormat::name).join(", ");
            Error::field("format", format!("there is no format `{name}`: there are {names}"))
        })
    }

    /// Returns the first format of the highest weight in `Accept`; JSON without the header.
    pub fn negotiate(headers: &HeaderMap) -> Result<ResultFormat, HttpError> {
        let mut best: Option<(f32, ResultFormat)> = None;
        let values = headers.get_all(header::ACCEPT);
        let ranges = values.iter().flat_map(|v| v.to_str().unwrap_or_default().split(','));
        let mut has_range = false;
        for range in ranges.map(str::trim).filter(|r| !r.is_empty()) {
            has_range = true;
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|p| p.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let covers = |f: &ResultFormat| {
                let own = f.media_type();
                let family = own.split('/').next().unwrap_or_default();
                media == own || media == "*/*" || media == format!("{family}/*")
            };
            if let Some(format) = ResultFormat::ALL.into_iter().find(covers)
                && weight > 0.0
                && best.is_none_or(|(known, _)| weight > known)
            {
                best = Some((weight, format));
            }
        }
        match best {
            Some((_, format)) => Ok(format),
            None if has_range => Err(HttpError::NotAcceptable),
            None => Ok(ResultFormat::Json),
        }
    }
}

/// Responds with a result whose body is computed as it is read. The first rows are encoded before the response begins,
/// so that a type the format does not support is an error response. A later failure aborts the connection: a truncated
/// result never looks complete. It is logged, since whoever asked does not see why.
pub async fn respond(format: ResultFormat, mut answer: SqlResult) -> Result<Response> {
    let schema = with_utc_timestamps(&answer.schema);
    let encoder = ResultEncoder::new(format, &schema)?;
    let (encoder, first) = match answer.batches.try_next().await? {
        Some(batch) => encoder.write_any_size(&schema, batch).await?,
        None => (encoder, Bytes::new()),
    };
    let rest = stream::unfold((Some(encoder), answer.batches), move |(encoder, mut batches)| {
        let schema = schema.clone();
        async move {
            let encoder = encoder?;
            let written = match batches.next().await {
                Some(Ok(batch)) => encoder.write_any_size(&schema, batch).await,
                Some(Err(e)) => Err(e),
                None => return Some((encoder.finish(), (None, batches))),
            };
            match written {
                Ok((encoder, piece)) => Some((Ok(piece), (Some(encoder), batches))),
                Err(error) => {
                    tracing::warn!(%error, "the answer of a query was cut off");
                    Some((Err(error), (None, batches)))
                }
            }
        }
    });
    let bytes = stream::iter([Ok(first)]).chain(rest);
    let mut response = Response::new(Body::from_stream(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    // Statements only read.
    response.extensions_mut().insert(Compressible);
    Ok(response)
}

/// Casts zoned timestamps to UTC, whatever zone an expression gave them.
pub(super) fn with_utc_timestamps(schema: &SchemaRef) -> SchemaRef {
    let to_utc = |field: &Arc<Field>| match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let utc = DataType::Timestamp(*unit, Some("UTC".into()));
            Arc::new(field.as_ref().clone().with_data_type(utc))
        }
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(to_utc).collect::<Vec<_>>()))
}

/// Checks that columns can be members of an object.
///
/// # Errors
/// `Invalid` for two columns of one name: a reader of the object would see one of them.
pub(super) fn check_member_names(schema: &Schema) -> Result<()> {
    let mut names = HashSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        None => Ok(()),
        Some(field) => {
            let name = field.name();
            let message = format!(
                "selects two columns `{name}`, which an object cannot have: give one of them another name with AS"
            );
            Err(Error::field("query", message))
        }
    }
}

/// Checks that a format has the types of all columns, before anything of the result is computed.
///
/// # Errors
/// `Invalid` that names the first column of another type.
fn check_types(format: ResultFormat, schema: &Schema) -> Result<()> {
    let is_missing = |field: &&Arc<Field>| match format {
        ResultFormat::Csv => field.data_type().is_nested(),
        ResultFormat::Parquet => {
            matches!(field.data_type(), DataType::Interval(IntervalUnit::MonthDayNano))
        }
        ResultFormat::Json | ResultFormat::Ndjson | ResultFormat::Arrow => false,
    };
    let Some(field) = schema.fields().iter().find(is_missing) else { return Ok(()) };
    let (column, format) = (field.name(), format.name());
    let kind = if field.data_type().is_nested() { "a list or a structure" } else { "an interval" };
    let message = format!(
        "the column `{column}` is {kind}, which {format} does not have: cast it to text, or use another format"
    );
    Err(Error::field("query", message))
}

/// Encoded bytes not yet sent, shared with the encoder.
#[derive(Clone, Default)]
struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SharedBuffer {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock()).into()
    }
}

enum FormatWriter {
    Json(arrow::json::Writer<SharedBuffer, JsonArray>),
    Ndjson(arrow::json::Writer<SharedBuffer, LineDelimited>),
    Csv(Box<arrow::csv::Writer<SharedBuffer>>),
    Arrow(StreamWriter<SharedBuffer>),
    Parquet(Box<ArrowWriter<SharedBuffer>>),
}

struct ResultEncoder {
    sink: SharedBuffer,
    writer: FormatWriter,
}

/// JSON writer settings of all row encodings.
pub(super) fn json_writer() -> WriterBuilder {
    WriterBuilder::new()
        .with_explicit_nulls(true)
        .with_timestamp_format(TIMESTAMP_FORMAT.to_owned())
        .with_timestamp_tz_format(TIMESTAMP_UTC_FORMAT.to_owned())
}

impl ResultEncoder {
    fn new(format: ResultFormat, schema: &SchemaRef) -> Result<ResultEncoder> {
        if matches!(format, ResultFormat::Json | ResultFormat::Ndjson) {
            check_member_names(schema)?;
        }
        check_types(format, schema)?;
        let sink = SharedBuffer::default();
        let out = sink.clone();
        let writer = match format {
            ResultFormat::Json => FormatWriter::Json(json_writer().build::<_, JsonArray>(out)),
            ResultFormat::Ndjson => FormatWriter::Ndjson(json_writer().build::<_, LineDelimited>(out)),
            ResultFormat::Csv => {
                let builder = arrow::csv::WriterBuilder::new().with_header(true);
                let mut writer = builder.build(out);
                // The CSV header comes with the first batch, and a result without rows still has columns.
                writer.write(&RecordBatch::new_empty(schema.clone())).map_err(encode_error)?;
                FormatWriter::Csv(Box::new(writer))
            }
            ResultFormat::Arrow => {
                FormatWriter::Arrow(StreamWriter::try_new(out, schema).map_err(encode_error)?)
            }
            ResultFormat::Parquet => {
                let zstd = ZstdLevel::try_new(1).expect("1 is a zstd level");
                let properties = WriterProperties::builder().set_compression(Compression::ZSTD(zstd)).build();
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties));
                FormatWriter::Parquet(Box::new(writer.map_err(|e| encode_error(e.into()))?))
            }
        };
        Ok(ResultEncoder { sink, writer })
    }

    /// Encodes a batch; a large one, which has long texts, on the threads for large work.
    async fn write_any_size(mut self, schema: &SchemaRef, batch: RecordBatch) -> Result<(Self, Bytes)> {
        let (is_small, schema) = (bulk_work::batch_bytes(&batch) <= LARGE_BATCH_BYTES, schema.clone());
        bulk_work::run(is_small, move || self.write(&schema, &batch).map(|bytes| (self, bytes))).await?
    }

    fn write(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<Bytes> {
        let batch = cast_to_schema(schema, batch).map_err(encode_error)?;
        let as_texts = |batch| with_time_texts(batch).map_err(encode_error);
        match &mut self.writer {
            FormatWriter::Json(writer) => writer.write(&as_texts(batch)?).map_err(encode_error)?,
            FormatWriter::Ndjson(writer) => writer.write(&as_texts(batch)?).map_err(encode_error)?,
            FormatWriter::Csv(writer) => writer.write(&as_texts(batch)?).map_err(encode_error)?,
            FormatWriter::Arrow(writer) => writer.write(&batch).map_err(encode_error)?,
            FormatWriter::Parquet(writer) => writer.write(&batch).map_err(|e| encode_error(e.into()))?,
        }
        Ok(self.sink.take())
    }

    fn finish(self) -> Result<Bytes> {
        match self.writer {
            FormatWriter::Json(mut writer) => writer.finish().map_err(encode_error)?,
            FormatWriter::Ndjson(mut writer) => writer.finish().map_err(encode_error)?,
            FormatWriter::Csv(_) => {}
            FormatWriter::Arrow(mut writer) => writer.finish().map_err(encode_error)?,
            FormatWriter::Parquet(writer) => drop(writer.close().map_err(|e| encode_error(e.into()))?),
        }
        Ok(self.sink.take())
    }
}

pub(super) fn cast_to_schema(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
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

pub(super) fn encode_error(e: ArrowError) -> Error {
    Error::invalid(format!("the answer cannot be written in this format: {e}")).with_source(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_without_the_type_of_a_column_is_refused_by_its_name() {
        let list = Field::new("item", DataType::Int64, true);
        let list = Field::new("numbers", DataType::List(Arc::new(list)), true);
        let span = Field::new("span", DataType::Interval(IntervalUnit::MonthDayNano), true);
        for (format, field, is_refused) in [
            (ResultFormat::Csv, &list, true),
            (ResultFormat::Csv, &span, false),
            (ResultFormat::Parquet, &list, false),
            (ResultFormat::Parquet, &span, true),
            (ResultFormat::Json, &list, false),
            (ResultFormat::Ndjson, &span, false),
            (ResultFormat::Arrow, &span, false),
        ] {
            let schema = Arc::new(Schema::new(vec![field.clone()]));
            let refused = ResultEncoder::new(format, &schema).err().map(|error| error.full_message());
            assert_eq!(refused.is_some(), is_refused, "{format:?} {}: {refused:?}", field.name());
            let names_column = |message: &String| message.contains(&format!("the column `{}`", field.name()));
            assert!(refused.iter().all(names_column), "{refused:?}");
        }
    }
}
