//! `basalt export`: readings to a file, in parts small enough to be held, through the same questions wherever they are.
//!
//! Each part is one answer, so it is consistent in itself. Rows written or changed while an export runs may or may not
//! be in it; every other row is, once.

mod aside;
mod inventory;
mod parts;

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures::stream::{self, StreamExt};
use futures::{TryStreamExt, future};

use super::args::{self, ExportFormat};
use super::door::Door;
use super::print;
use super::progress::Shown;
use super::rows::{self, Form};
use crate::domain::{Error, Micros, Result};
use aside::Aside;
use parts::{Part, Range};

pub async fn run(args: args::Export) -> Result<()> {
    if let Some(form) = inventory::form_of(&args)? {
        let door = Door::open_or_elsewhere(&args.elsewhere, &args.place, &args.org).await?;
        let exported = inventory::export(&door, &args, form).await;
        let closed = door.close().await;
        return exported.and(closed);
    }
    let form = form(&args.file, args.format)?;
    let range = range(args.from.as_deref(), args.to.as_deref())?;
    let door = Door::open_or_elsewhere(&args.elsewhere, &args.place, &args.org).await?;
    let exported = export(&door, &args, form, range).await;
    let closed = door.close().await;
    exported.and(closed)
}

async fn export(door: &Door, args: &args::Export, form: Form, range: Range) -> Result<()> {
    let parts = parts::plan(door, &args.streams, range).await?;
    if is_standard_output(&args.file) {
        return write(door, parts, form, io::stdout(), "export").await.map(drop);
    }
    let name = args.file.display().to_string();
    let about = |error: Error| Error { message: format!("{name}: {}", error.message), ..error };
    let (aside, file) = Aside::create(&args.file).map_err(about)?;
    let (rows, file) = write(door, parts, form, file, &name).await.map_err(about)?;
    aside.finish(file).map_err(about)?;
    print::line(&format!("{rows} rows to {name}"))
}

/// Writes every part. The number of rows, and the output back.
async fn write<W: Write + Send>(
    door: &Door,
    parts: Vec<Part>,
    form: Form,
    out: W,
    name: &str,
) -> Result<(u64, W)> {
    let mut shown = Shown::new(name, parts.iter().map(|part| part.rows).sum());
    let mut written = 0;
    let batches = stream::iter(parts).then(|part| async move { fetch(door, &part).await });
    let batches = batches.map_ok(|part| stream::iter(part.into_iter().map(Ok))).try_flatten();
    let batches = batches.inspect_ok(|batch: &RecordBatch| {
        written += batch.num_rows() as u64;
        shown.advance(written, &format!("{written} rows"));
    });
    let out = rows::write(&schema(), batches.boxed(), form, out).await?;
    shown.finish();
    Ok((written, out))
}

/// The rows of one part. All of it is fetched before any of it is written: whoever reads slowly holds no query open.
async fn fetch(door: &Door, part: &Part) -> Result<Vec<RecordBatch>> {
    let answer = door.sql(&part.query()).await?;
    let batches = answer.batches.and_then(|batch| {
        let batch = RecordBatch::try_new(schema(), batch.columns().to_vec());
        future::ready(batch.map_err(|e| Error::internal("readings came in other columns").because(e)))
    });
    batches.try_collect().await
}

/// What a file of readings holds.
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

/// The form asked for, else the one the file's ending says.
fn form(file: &Path, asked: Option<ExportFormat>) -> Result<Form> {
    let ending = file.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let by_ending = match ending.as_deref() {
        Some("parquet") => Some(ExportFormat::Parquet),
        Some("csv") => Some(ExportFormat::Csv),
        Some("ndjson" | "jsonl") => Some(ExportFormat::Ndjson),
        Some("arrow") => Some(ExportFormat::Arrow),
        _ => None,
    };
    let to_pipe = is_standard_output(file);
    let Some(format) = asked.or(by_ending) else {
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
        ExportFormat::Csv => Ok(Form::Csv),
        ExportFormat::Yaml => Err(Error::field("format", "readings are not written as YAML")),
        ExportFormat::Ndjson => Ok(Form::Ndjson),
        ExportFormat::Parquet if to_pipe => {
            Err(Error::field("format", "Parquet is for files: name one, or use csv, ndjson or arrow"))
        }
        ExportFormat::Parquet => Ok(Form::Parquet),
        ExportFormat::Arrow if to_pipe && io::stdout().is_terminal() => {
            Err(Error::field("format", "Arrow is not for the eye: send it to a program with |"))
        }
        ExportFormat::Arrow if to_pipe => Ok(Form::ArrowStream),
        ExportFormat::Arrow => Ok(Form::ArrowFile),
    }
}

fn range(from: Option<&str>, to: Option<&str>) -> Result<Range> {
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
    Ok(Range { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_form_unless_one_is_asked_for() {
        let rows: [(&str, Option<ExportFormat>, Result<Form, &str>); 9] = [
            ("a.parquet", None, Ok(Form::Parquet)),
            ("a.CSV", None, Ok(Form::Csv)),
            ("a.ndjson", None, Ok(Form::Ndjson)),
            ("a.jsonl", None, Ok(Form::Ndjson)),
            ("a.arrow", None, Ok(Form::ArrowFile)),
            ("a.data", Some(ExportFormat::Csv), Ok(Form::Csv)),
            ("a.data", None, Err("`a.data` says no form")),
            ("-", None, Err("--format")),
            ("-", Some(ExportFormat::Parquet), Err("Parquet is for files")),
        ];
        for (file, asked, expected) in rows {
            match (form(Path::new(file), asked), expected) {
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
            let error = range(Some(from), Some(to)).expect_err(from);
            assert_eq!(error.fields[0].field, field, "{from} {to}");
        }
        assert!(range(Some("2026-01-01"), Some("2026-01-02")).is_ok());
        assert!(range(None, None).is_ok());
    }
}
