//! `basalt sql`: one question, its answer as a table, JSON, CSV or Parquet.
//!
//! The answer comes as Arrow however it was asked, so that it is written the same beside a server and without one.

use std::io::{self, IsTerminal, Write};

use arrow::csv;
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::JsonArray;
use arrow::util::pretty::pretty_format_batches_with_schema;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::args::{Format, Sql};
use super::door::Door;
use super::print;
use crate::app::sql::Answer;
use crate::domain::{Error, Result};

pub async fn run(args: Sql) -> Result<()> {
    if args.format == Format::Parquet && io::stdout().is_terminal() {
        return Err(Error::invalid("Parquet is not for the eye: send it to a file with > answer.parquet"));
    }
    let door = Door::open_or_elsewhere(&args.elsewhere, &args.place, &args.org).await?;
    let written = match door.sql(&args.query).await {
        Ok(answer) => write(answer, args.format, io::stdout()).await,
        Err(error) => Err(error),
    };
    door.close().await?;
    written
}

/// Writes an answer as it arrives; only a table is held whole, because its columns are as wide as their widest cell.
async fn write<W: Write + Send>(answer: Answer, format: Format, out: W) -> Result<()> {
    match format {
        Format::Table => write_table(answer, out).await,
        Format::Json => write_json(answer, out).await,
        Format::Csv => write_csv(answer, out).await,
        Format::Parquet => write_parquet(answer, out).await,
    }
}

async fn write_table(answer: Answer, mut out: impl Write) -> Result<()> {
    let batches: Vec<_> = answer.batches.try_collect().await?;
    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    let table = pretty_format_batches_with_schema(answer.schema, &batches).map_err(unwritable)?;
    let noun = if rows == 1 { "row" } else { "rows" };
    writeln!(out, "{table}\n({rows} {noun})").and_then(|()| out.flush()).map_err(print::failed)
}

async fn write_json(mut answer: Answer, out: impl Write) -> Result<()> {
    let mut out = io::BufWriter::new(out);
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(&mut out);
    while let Some(batch) = answer.batches.try_next().await? {
        writer.write(&batch).map_err(unwritable)?;
    }
    writer.finish().map_err(unwritable)?;
    drop(writer);
    writeln!(out).and_then(|()| out.flush()).map_err(print::failed)
}

async fn write_csv(mut answer: Answer, out: impl Write) -> Result<()> {
    let mut out = io::BufWriter::new(out);
    let mut writer = csv::WriterBuilder::new().with_header(true).build(&mut out);
    // The header comes with the first batch: an answer without rows still has columns.
    writer.write(&arrow::array::RecordBatch::new_empty(answer.schema.clone())).map_err(unwritable)?;
    while let Some(batch) = answer.batches.try_next().await? {
        writer.write(&batch).map_err(unwritable)?;
    }
    drop(writer);
    out.flush().map_err(print::failed)
}

async fn write_parquet<W: Write + Send>(mut answer: Answer, out: W) -> Result<()> {
    let fast = ZstdLevel::try_new(1).map_err(unparquetable)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(fast)).build();
    let mut writer =
        ArrowWriter::try_new(out, answer.schema.clone(), Some(properties)).map_err(unparquetable)?;
    while let Some(batch) = answer.batches.try_next().await? {
        writer.write(&batch).map_err(unparquetable)?;
    }
    let mut out = writer.into_inner().map_err(unparquetable)?;
    out.flush().map_err(print::failed)
}

fn unwritable(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, io) => print::failed(io),
        ArrowError::CsvError(text) if text.contains("Broken pipe") => {
            print::failed(io::ErrorKind::BrokenPipe.into())
        }
        other => Error::internal("the answer cannot be written in this format").because(other),
    }
}

fn unparquetable(error: ParquetError) -> Error {
    Error::internal("the answer cannot be written as Parquet").because(error)
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
