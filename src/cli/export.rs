//! `basalt export`: writes readings to a file in chunks that fit in memory, with the same queries locally and remotely.
//!
//! Each chunk is one query and therefore consistent in itself. Rows written or changed during an export may or may not
//! be included; every other row is included exactly once.

pub(in crate::cli) mod atomic_file;
mod chunking;
mod inventory;

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::stream::{self, StreamExt};
use futures::{TryStreamExt, future};

use super::args::{self, ExportFormat};
use super::print;
use super::progress::ProgressReporter;
use super::row_writer::{self, RowFormat};
use super::target::CommandTarget;
use crate::domain::{Error, Micros, Result};
use atomic_file::AtomicFile;
use chunking::{ExportChunk, ExportRange};

/// Exports readings, or the devices when the arguments or the file's name ask for them.
pub async fn run(args: args::Export) -> Result<()> {
    if let Some(form) = inventory::requested_format(&args)? {
        let target = CommandTarget::open_or_connect(&args.elsewhere, &args.place, &args.org).await?;
        let exported = inventory::export(&target, &args, form).await;
        let closed = target.close().await;
        return exported.and(closed);
    }
    let form = choose_format(&args.file, args.format)?;
    let range = parse_range(args.from.as_deref(), args.to.as_deref())?;
    let target = CommandTarget::open_or_connect(&args.elsewhere, &args.place, &args.org).await?;
    let exported = export(&target, &args, form, range).await;
    let closed = target.close().await;
    exported.and(closed)
}

async fn export(
    target: &CommandTarget,
    args: &args::Export,
    form: RowFormat,
    range: ExportRange,
) -> Result<()> {
    let parts = chunking::plan_chunks(target, &args.streams, range).await?;
    if is_standard_output(&args.file) {
        return write(target, parts, form, io::stdout(), "export").await.map(drop);
    }
    let name = args.file.display().to_string();
    let about = |error: Error| Error { message: format!("{name}: {}", error.message), ..error };
    let (aside, file) = AtomicFile::create(&args.file).map_err(about)?;
    let (rows, file) = write(target, parts, form, file, &name).await.map_err(about)?;
    aside.commit(file).map_err(about)?;
    print::line(&format!("{rows} rows to {name}"))
}

/// Writes every chunk; returns the number of rows and the output.
async fn write<W: Write + Send>(
    target: &CommandTarget,
    parts: Vec<ExportChunk>,
    form: RowFormat,
    out: W,
    name: &str,
) -> Result<(u64, W)> {
    let mut shown = ProgressReporter::new(name, parts.iter().map(|part| part.rows).sum());
    let mut written = 0;
    let batches = stream::iter(parts).then(|part| async move { fetch(target, &part).await });
    let batches = batches.map_ok(|part| stream::iter(part.into_iter().map(Ok))).try_flatten();
    let batches = batches.inspect_ok(|batch: &RecordBatch| {
        written += batch.num_rows() as u64;
        shown.advance(written, &format!("{written} rows"));
    });
    let out = row_writer::write_rows(&schema(), batches.boxed(), form, out).await?;
    shown.finish();
    Ok((written, out))
}

/// Fetches the rows of one chunk, all of them before any is written: a slow reader must not hold a query open.
async fn fetch(target: &CommandTarget, part: &ExportChunk) -> Result<Vec<RecordBatch>> {
    let answer = target.sql(&part.query()).await?;
    let batches = answer.batches.and_then(|batch| {
        let batch = RecordBatch::try_new(schema(), batch.columns().to_vec());
        future::ready(batch.map_err(|e| Error::internal("readings have unexpected columns").with_source(e)))
    });
    batches.try_collect().await
}

/// Columns of an export of readings.
fn schema() -> SchemaRef {
    let ts = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    SchemaRef::new(Schema::new(vec![
        Field::new("stream_id", DataType::Int32, false),
        Field::new("ts", ts, false),
        Field::new("value", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("quality", DataType::Utf8, false),
    ]))
}

fn is_standard_output(file: &Path) -> bool {
    file == Path::new("-")
}

/// Returns the requested format, or else the format of the file's extension.
fn choose_format(file: &Path, requested: Option<ExportFormat>) -> Result<RowFormat> {
    let ending = file.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let by_ending = match ending.as_deref() {
        Some("parquet") => Some(ExportFormat::Parquet),
        Some("csv") => Some(ExportFormat::Csv),
        Some("ndjson" | "jsonl") => Some(ExportFormat::Ndjson),
        Some("arrow") => Some(ExportFormat::Arrow),
        _ => None,
    };
    let to_pipe = is_standard_output(file);
    let Some(format) = requested.or(by_ending) else {
        return Err(match to_pipe {
            true => Error::field("format", "standard output needs --format csv, ndjson or arrow"),
            false => Error::field(
                "file",
                format!(
                    "the ending of `{}` says no form: use .parquet, .csv, .ndjson, .jsonl or .arrow",
                    file.display()
                ),
            ),
        });
    };
    match format {
        ExportFormat::Csv => Ok(RowFormat::Csv),
        ExportFormat::Yaml => Err(Error::field("format", "readings are not written as YAML")),
        ExportFormat::Ndjson => Ok(RowFormat::Ndjson),
        ExportFormat::Parquet if to_pipe => {
            Err(Error::field("format", "Parquet is for files: name one, or use csv, ndjson or arrow"))
        }
        ExportFormat::Parquet => Ok(RowFormat::Parquet),
        ExportFormat::Arrow if to_pipe && io::stdout().is_terminal() => {
            Err(Error::field("format", "Arrow is binary: pipe it to a program with |"))
        }
        ExportFormat::Arrow if to_pipe => Ok(RowFormat::ArrowStream),
        ExportFormat::Arrow => Ok(RowFormat::ArrowFile),
    }
}

fn parse_range(from: Option<&str>, to: Option<&str>) -> Result<ExportRange> {
    let time = |field: &'static str, text: &str| {
        Micros::parse(text).ok_or_else(|| {
            Error::field(
                field,
                format!("`{text}` is not a time of 1970 to 2261: use ISO-8601, such as 2026-04-28T12:00:00Z"),
            )
        })
    };
    let from = from.map(|text| time("from", text)).transpose()?;
    let to = to.map(|text| time("to", text)).transpose()?;
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Error::field("to", "has to be after --from: rows at --to are not in the export"));
    }
    Ok(ExportRange { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_form_unless_one_is_asked_for() {
        let rows: [(&str, Option<ExportFormat>, Result<RowFormat, &str>); 9] = [
            ("a.parquet", None, Ok(RowFormat::Parquet)),
            ("a.CSV", None, Ok(RowFormat::Csv)),
            ("a.ndjson", None, Ok(RowFormat::Ndjson)),
            ("a.jsonl", None, Ok(RowFormat::Ndjson)),
            ("a.arrow", None, Ok(RowFormat::ArrowFile)),
            ("a.data", Some(ExportFormat::Csv), Ok(RowFormat::Csv)),
            ("a.data", None, Err("`a.data` says no form")),
            ("-", None, Err("--format")),
            ("-", Some(ExportFormat::Parquet), Err("Parquet is for files")),
        ];
        for (file, requested, expected) in rows {
            match (choose_format(Path::new(file), requested), expected) {
                (Ok(form), Ok(expected)) => assert_eq!(form, expected, "{file}"),
                (Err(error), Err(part)) => assert!(error.message.contains(part), "{file}: {error}"),
                (got, _) => panic!("{file}: {got:?}"),
            }
        }
    }

    #[test]
    fn a_range_that_holds_nothing_is_refused() {
        for (from, to, field) in [
            ("yesterday", "2026-01-01", "from"),
            ("2026-01-01", "tomorrow", "to"),
            ("2026-01-01", "2026-01-01", "to"),
            ("2026-01-02", "2026-01-01", "to"),
        ] {
            let error = parse_range(Some(from), Some(to)).expect_err(from);
            assert_eq!(error.fields[0].field, field, "{from} {to}");
        }
        assert!(parse_range(Some("2026-01-01"), Some("2026-01-02")).is_ok());
        assert!(parse_range(None, None).is_ok());
    }
}
