//! Writes rows as a table, JSON, NDJSON, CSV, Arrow or Parquet, as they arrive.
//!
//! Results are always Arrow, so the output is the same with and without a server.

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

use super::args;
use crate::app::export::parquet_file::ParquetFile;
use crate::domain::{Error, Result};

/// Output formats of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    Table,
    Json,
    /// One JSON object per line.
    Ndjson,
    Csv,
    /// Arrow IPC file format, with a footer (Feather).
    ArrowFile,
    /// Arrow IPC stream format, for a pipe.
    ArrowStream,
    Parquet,
}

impl From<args::OutputFormat> for RowFormat {
    fn from(format: args::OutputFormat) -> Self {
        match format {
            args::OutputFormat::Table => RowFormat::Table,
            args::OutputFormat::Json => RowFormat::Json,
            args::OutputFormat::Csv => RowFormat::Csv,
            args::OutputFormat::Parquet => RowFormat::Parquet,
        }
    }
}

/// Batches as they arrive, all of one schema.
pub type BatchStream<'a> = BoxStream<'a, Result<RecordBatch>>;

/// Writes rows as they arrive and returns the flushed output. Only a table is held in memory whole, because each column
/// is as wide as its widest cell.
pub async fn write_rows<W: Write + Send>(
    schema: &SchemaRef,
    mut batches: BatchStream<'_>,
    form: RowFormat,
    out: W,
) -> Result<W> {
    if form == RowFormat::Table {
        return write_table(schema, batches, out).await;
    }
    let mut writer = FormatWriter::new(form, schema, BufWriter::new(out))?;
    while let Some(batch) = batches.try_next().await? {
        writer.write(&batch)?;
    }
    writer.finish()?.into_inner().map_err(|e| failed(e.into_error()))
}

async fn write_table<W: Write>(schema: &SchemaRef, batches: BatchStream<'_>, mut out: W) -> Result<W> {
    let batches: Vec<_> = batches.try_collect().await?;
    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    let table = pretty_format_batches_with_schema(schema.clone(), &batches).map_err(arrow_error)?;
    let noun = if rows == 1 { "row" } else { "rows" };
    writeln!(out, "{table}\n({rows} {noun})").and_then(|()| out.flush()).map_err(failed)?;
    Ok(out)
}

/// Formats that hold no more than the current batch.
enum FormatWriter<W: Write + Send> {
    Json(arrow::json::Writer<W, JsonArray>),
    Ndjson(arrow::json::Writer<W, LineDelimited>),
    Csv(Box<csv::Writer<W>>),
    ArrowFile(FileWriter<W>),
    ArrowStream(StreamWriter<W>),
    Parquet(Box<ParquetFile<W>>),
}

impl<W: Write + Send> FormatWriter<W> {
    fn new(form: RowFormat, schema: &SchemaRef, out: W) -> Result<Self> {
        let json = || WriterBuilder::new().with_explicit_nulls(true);
        Ok(match form {
            RowFormat::Table => return Err(Error::internal("a table is not written row by row")),
            RowFormat::Json => FormatWriter::Json(json().build(out)),
            RowFormat::Ndjson => FormatWriter::Ndjson(json().build(out)),
            RowFormat::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // The header is written with the first batch, and a result without rows needs its columns too.
                writer.write(&RecordBatch::new_empty(schema.clone())).map_err(arrow_error)?;
                FormatWriter::Csv(Box::new(writer))
            }
            RowFormat::ArrowFile => {
                FormatWriter::ArrowFile(FileWriter::try_new(out, schema).map_err(arrow_error)?)
            }
            RowFormat::ArrowStream => {
                FormatWriter::ArrowStream(StreamWriter::try_new(out, schema).map_err(arrow_error)?)
            }
            RowFormat::Parquet => FormatWriter::Parquet(Box::new(ParquetFile::new(out, schema)?)),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            FormatWriter::Json(writer) => writer.write(batch).map_err(arrow_error),
            FormatWriter::Ndjson(writer) => writer.write(batch).map_err(arrow_error),
            FormatWriter::Csv(writer) => writer.write(batch).map_err(arrow_error),
            FormatWriter::ArrowFile(writer) => writer.write(batch).map_err(arrow_error),
            FormatWriter::ArrowStream(writer) => writer.write(batch).map_err(arrow_error),
            FormatWriter::Parquet(writer) => writer.write(batch),
        }
    }

    /// Writes the end of the format.
    fn finish(self) -> Result<W> {
        match self {
            FormatWriter::Json(mut writer) => {
                writer.finish().map_err(arrow_error)?;
                let mut out = writer.into_inner();
                writeln!(out).map_err(failed)?;
                Ok(out)
            }
            FormatWriter::Ndjson(mut writer) => {
                writer.finish().map_err(arrow_error)?;
                Ok(writer.into_inner())
            }
            FormatWriter::Csv(writer) => Ok(writer.into_inner()),
            FormatWriter::ArrowFile(writer) => writer.into_inner().map_err(arrow_error),
            FormatWriter::ArrowStream(writer) => writer.into_inner().map_err(arrow_error),
            FormatWriter::Parquet(writer) => writer.finish().map(|(out, _)| out),
        }
    }
}

fn arrow_error(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, io) => failed(io),
        ArrowError::CsvError(text) if text.contains("Broken pipe") => {
            failed(io::ErrorKind::BrokenPipe.into())
        }
        // The CSV writer passes on only the text of an I/O error.
        ArrowError::CsvError(text) if text.contains("os error") => failed(io::Error::other(text)),
        other => Error::internal("the rows cannot be written in this form").with_source(other),
    }
}

/// Converts a write error of the output.
fn failed(error: io::Error) -> Error {
    Error::unavailable("the rows cannot be written").with_source(error)
}

#[cfg(test)]
#[path = "row_writer_tests.rs"]
mod tests;
