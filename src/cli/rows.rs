//! Rows as a table for the eye, JSON, NDJSON, CSV, Arrow or Parquet, written as they arrive.
//!
//! An answer comes as Arrow however it was asked, so that it is written the same beside a server and without one.

use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::csv;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::{FileWriter, StreamWriter};
use arrow::json::WriterBuilder;
use arrow::json::writer::{JsonArray, LineDelimited};
use arrow::util::pretty::pretty_format_batches_with_schema;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::args;
use crate::domain::{Error, Result};

/// Rows of a row group of Parquet: what its writer holds in memory.
const ROW_GROUP_ROWS: usize = 128 << 10;

/// The forms rows are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Table,
    Json,
    /// One object a line.
    Ndjson,
    Csv,
    /// Arrow IPC for a file, with a footer (Feather).
    ArrowFile,
    /// Arrow IPC for a pipe.
    ArrowStream,
    Parquet,
}

impl From<args::Format> for Form {
    fn from(format: args::Format) -> Self {
        match format {
            args::Format::Table => Form::Table,
            args::Format::Json => Form::Json,
            args::Format::Csv => Form::Csv,
            args::Format::Parquet => Form::Parquet,
        }
    }
}

/// Batches as they come, each with the columns of one schema.
pub type Batches<'a> = BoxStream<'a, Result<RecordBatch>>;

/// Writes rows as they arrive and gives the output back, flushed; only a table is held whole, because its columns are
/// as wide as their widest cell.
pub async fn write<W: Write + Send>(
    schema: &SchemaRef,
    mut batches: Batches<'_>,
    form: Form,
    out: W,
) -> Result<W> {
    if form == Form::Table {
        return write_table(schema, batches, out).await;
    }
    let mut writer = Writer::new(form, schema, BufWriter::new(out))?;
    while let Some(batch) = batches.try_next().await? {
        writer.write(&batch)?;
    }
    writer.finish()?.into_inner().map_err(|e| failed(e.into_error()))
}

async fn write_table<W: Write>(schema: &SchemaRef, batches: Batches<'_>, mut out: W) -> Result<W> {
    let batches: Vec<_> = batches.try_collect().await?;
    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    let table = pretty_format_batches_with_schema(schema.clone(), &batches).map_err(unwritable)?;
    let noun = if rows == 1 { "row" } else { "rows" };
    writeln!(out, "{table}\n({rows} {noun})").and_then(|()| out.flush()).map_err(failed)?;
    Ok(out)
}

/// The forms that need no more than the batch at hand.
enum Writer<W: Write + Send> {
    Json(arrow::json::Writer<W, JsonArray>),
    Ndjson(arrow::json::Writer<W, LineDelimited>),
    Csv(Box<csv::Writer<W>>),
    ArrowFile(FileWriter<W>),
    ArrowStream(StreamWriter<W>),
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> Writer<W> {
    fn new(form: Form, schema: &SchemaRef, out: W) -> Result<Self> {
        let json = || WriterBuilder::new().with_explicit_nulls(true);
        Ok(match form {
            Form::Table => return Err(Error::internal("a table is not written row by row")),
            Form::Json => Writer::Json(json().build(out)),
            Form::Ndjson => Writer::Ndjson(json().build(out)),
            Form::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // The header comes with the first batch: an answer without rows still has columns.
                writer.write(&RecordBatch::new_empty(schema.clone())).map_err(unwritable)?;
                Writer::Csv(Box::new(writer))
            }
            Form::ArrowFile => Writer::ArrowFile(FileWriter::try_new(out, schema).map_err(unwritable)?),
            Form::ArrowStream => Writer::ArrowStream(StreamWriter::try_new(out, schema).map_err(unwritable)?),
            Form::Parquet => {
                let fast = ZstdLevel::try_new(1).map_err(unparquetable)?;
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(fast))
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .build();
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(unparquetable)?))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Writer::Json(writer) => writer.write(batch).map_err(unwritable),
            Writer::Ndjson(writer) => writer.write(batch).map_err(unwritable),
            Writer::Csv(writer) => writer.write(batch).map_err(unwritable),
            Writer::ArrowFile(writer) => writer.write(batch).map_err(unwritable),
            Writer::ArrowStream(writer) => writer.write(batch).map_err(unwritable),
            Writer::Parquet(writer) => writer.write(batch).map_err(unparquetable),
        }
    }

    /// Writes what ends the form.
    fn finish(self) -> Result<W> {
        match self {
            Writer::Json(mut writer) => {
                writer.finish().map_err(unwritable)?;
                let mut out = writer.into_inner();
                writeln!(out).map_err(failed)?;
                Ok(out)
            }
            Writer::Ndjson(mut writer) => {
                writer.finish().map_err(unwritable)?;
                Ok(writer.into_inner())
            }
            Writer::Csv(writer) => Ok(writer.into_inner()),
            Writer::ArrowFile(writer) => writer.into_inner().map_err(unwritable),
            Writer::ArrowStream(writer) => writer.into_inner().map_err(unwritable),
            Writer::Parquet(writer) => writer.into_inner().map_err(unparquetable),
        }
    }
}

fn unwritable(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, io) => failed(io),
        ArrowError::CsvError(text) if text.contains("Broken pipe") => {
            failed(io::ErrorKind::BrokenPipe.into())
        }
        // The csv writer hands on the text of an error of the system.
        ArrowError::CsvError(text) if text.contains("os error") => failed(io::Error::other(text)),
        other => Error::internal("the rows cannot be written in this form").because(other),
    }
}

/// An error of whatever the rows are written to.
fn failed(error: io::Error) -> Error {
    Error::unavailable("the rows cannot be written").because(error)
}

fn unparquetable(error: ParquetError) -> Error {
    Error::internal("the rows cannot be written as Parquet").because(error)
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
