//! `basalt import`: splits files into chunks, each written whole or not at all; an error says where to resume.
//!
//! Chunks carry no idempotency key: a second write of a reading at the same stream and time replaces the first, so a
//! chunk may be sent twice.

mod batch_file;
mod cell_parser;
mod chunk;
mod columns;
mod content;
mod csv_file;
mod import_job;
mod inventory;
mod ndjson_file;
mod tag_list;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use batch_file::BatchFile;
use chunk::ImportChunk;
use columns::{ImportColumns, ImportDestination};
use content::FileContent;
use csv_file::CsvFile;
use import_job::ImportJob;
use ndjson_file::NdjsonFile;

use super::args::Import;
use super::print;
use super::progress::ProgressReporter;
use super::target::CommandTarget;
use crate::domain::job::ImportUnit;
use crate::domain::{Error, Kind, Result, StreamId};

/// Retries when the server is too busy for a chunk: after 1, 2, 4 … seconds, two minutes in all.
const MAX_BUSY_RETRIES: u32 = 6;

/// Imports the files in the order of the arguments, each as readings, devices or tags, depending on its content.
pub async fn run(args: Import) -> Result<()> {
    let target = CommandTarget::open_or_connect(&args.elsewhere, &args.place, &args.org).await?;
    let imported = import_all(&target, &args).await;
    let closed = target.close().await;
    imported.and(closed)
}

async fn import_all(target: &CommandTarget, args: &Import) -> Result<()> {
    let contents: Vec<FileContent> = args.files.iter().map(|path| FileContent::detect(path)).collect();
    content::check_flags(args, &contents)?;
    let destination = resolve_destination(target, args).await?;
    let mut from_row = args.from_row;
    for (i, path) in args.files.iter().enumerate() {
        match (contents[i], &args.device) {
            (FileContent::Devices(form), _) => {
                inventory::import(target, path, form, args.dry_run).await?;
                continue;
            }
            (FileContent::Tags(_), Some(device)) => {
                tag_list::import(target, path, device, args.dry_run).await?;
                continue;
            }
            (FileContent::Tags(_) | FileContent::Readings, _) => {}
        }
        let mut source = ImportFile::open(path, destination, from_row)?;
        let mut next_row = from_row;
        let imported = import_as_job(target, path, &mut source, &mut next_row).await.map_err(|error| {
            let message =
                format!("{}: {}; {}", path.display(), error.message, resume_hint(&args.files[i..], next_row));
            Error { message, ..error }
        });
        print::line(&format!("{} rows of {}", imported?, path.display()))?;
        from_row = 1;
    }
    Ok(())
}

/// Sends one file, as a job of the server where there is one. `next_row` becomes the first row not yet written, also on failure.
async fn import_as_job(
    target: &CommandTarget,
    path: &Path,
    source: &mut ImportFile,
    next_row: &mut u64,
) -> Result<u64> {
    let job = ImportJob::begin(target, path, source).await?;
    let imported = import_file(target, path, (source, &job), next_row).await;
    match &imported {
        Ok(rows) => job.done(*rows).await?,
        Err(error) => job.failed(error).await,
    }
    imported
}

async fn import_file(
    target: &CommandTarget,
    path: &Path,
    (source, job): (&mut ImportFile, &ImportJob<'_>),
    next_row: &mut u64,
) -> Result<u64> {
    let mut shown = ProgressReporter::new(path.display().to_string(), source.size());
    let mut rows = 0;
    while let Some(chunk) = source.next_chunk()? {
        rows += send_chunk(target, &chunk).await?;
        *next_row = chunk.first_row + chunk.len() as u64;
        shown.advance(source.position(), &format!("{rows} rows"));
        job.report(source.position()).await?;
    }
    shown.finish();
    Ok(rows)
}

async fn send_chunk(target: &CommandTarget, chunk: &ImportChunk) -> Result<u64> {
    let mut wait = Duration::from_secs(1);
    for _ in 0..MAX_BUSY_RETRIES {
        match target.ingest(&chunk.batch, chunk.first_row).await {
            Err(error) if error.kind == Kind::Busy => tokio::time::sleep(wait).await,
            done => return done,
        }
        wait *= 2;
    }
    target.ingest(&chunk.batch, chunk.first_row).await
}

/// Returns the destination of the rows: the named stream, or the streams that the file names.
async fn resolve_destination(target: &CommandTarget, args: &Import) -> Result<ImportDestination> {
    if let Some(id) = args.stream {
        return Ok(ImportDestination::Stream(StreamId(id)));
    }
    let (Some(device), Some(name)) = (&args.device, &args.name) else { return Ok(ImportDestination::ByRow) };
    // The files must be readable first: nothing is created for a mistyped name.
    let mut kind = "fp64";
    for path in &args.files {
        let has_values =
            ImportFile::open(path, ImportDestination::Stream(StreamId(0)), 1)?.columns().value.is_some();
        kind = if has_values { kind } else { "text" };
    }
    let id = target.find_stream(device, name, args.create.then_some(kind)).await?;
    Ok(ImportDestination::Stream(id))
}

/// Says which rows were imported and how to resume once the cause is fixed.
fn resume_hint(files: &[PathBuf], row: u64) -> String {
    let names: Vec<_> = files.iter().map(|f| f.display().to_string()).collect();
    let names = names.join(" ");
    match row {
        1 => format!("no row of this file was imported; resume with: {names}"),
        _ => format!("the rows before {row} were imported; resume with: {names} --from-row {row}"),
    }
}

/// An open import file of any format.
enum ImportFile {
    Csv(Box<CsvFile<File>>),
    Ndjson(Box<NdjsonFile<File>>),
    Batches(Box<BatchFile>),
}

/// File format by its first bytes.
enum FileFormat {
    Parquet,
    ArrowFile,
    ArrowStream,
    Ndjson,
    Csv,
}

impl ImportFile {
    /// Opens a file at a data row, counted from 1.
    fn open(path: &Path, destination: ImportDestination, from_row: u64) -> Result<ImportFile> {
        let about =
            |error: Error| Error { message: format!("{}: {}", path.display(), error.message), ..error };
        let unreadable = |e: std::io::Error| about(Error::invalid(format!("cannot be read: {e}")));
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let source = match detect_format(&mut file).map_err(unreadable)? {
            FileFormat::Parquet => BatchFile::parquet(file, destination, from_row).map(ImportFile::batches),
            FileFormat::ArrowFile => {
                BatchFile::arrow_file(file, destination, from_row).map(ImportFile::batches)
            }
            FileFormat::ArrowStream => {
                BatchFile::arrow_stream(file, destination, from_row).map(ImportFile::batches)
            }
            FileFormat::Ndjson => {
                NdjsonFile::open(file, size, destination, from_row).map(|f| ImportFile::Ndjson(Box::new(f)))
            }
            FileFormat::Csv => {
                CsvFile::open(file, size, destination, from_row).map(|f| ImportFile::Csv(Box::new(f)))
            }
        };
        source.map_err(about)
    }

    fn batches(file: BatchFile) -> ImportFile {
        ImportFile::Batches(Box::new(file))
    }

    fn next_chunk(&mut self) -> Result<Option<ImportChunk>> {
        match self {
            ImportFile::Csv(file) => file.next_chunk(),
            ImportFile::Ndjson(file) => file.next_chunk(),
            ImportFile::Batches(file) => file.next_chunk(),
        }
    }

    fn columns(&self) -> &ImportColumns {
        match self {
            ImportFile::Csv(file) => file.columns(),
            ImportFile::Ndjson(file) => file.columns(),
            ImportFile::Batches(file) => file.columns(),
        }
    }

    /// Returns the size of the whole file in the unit of `position`.
    fn size(&self) -> u64 {
        match self {
            ImportFile::Csv(file) => file.size(),
            ImportFile::Ndjson(file) => file.size(),
            ImportFile::Batches(file) => file.size(),
        }
    }

    /// Returns the unit of `size` and `position`.
    fn unit(&self) -> ImportUnit {
        match self {
            ImportFile::Csv(_) | ImportFile::Ndjson(_) => ImportUnit::Bytes,
            ImportFile::Batches(file) => file.unit(),
        }
    }

    fn position(&self) -> u64 {
        match self {
            ImportFile::Csv(file) => file.position(),
            ImportFile::Ndjson(file) => file.position(),
            ImportFile::Batches(file) => file.position(),
        }
    }
}

fn detect_format(file: &mut File) -> std::io::Result<FileFormat> {
    let mut head = Vec::new();
    file.by_ref().take(8).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(match head.as_slice() {
        [b'P', b'A', b'R', b'1', ..] => FileFormat::Parquet,
        b"ARROW1\0\0" => FileFormat::ArrowFile,
        // The continuation marker that starts every message of a stream.
        [0xff, 0xff, 0xff, 0xff, ..] => FileFormat::ArrowStream,
        other if other.trim_ascii_start().starts_with(b"{") => FileFormat::Ndjson,
        _ => FileFormat::Csv,
    })
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
