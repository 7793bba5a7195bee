//! `basalt import`: files become chunks, each written whole or not at all, and a failure says where to go on.
//!
//! Chunks carry no idempotency key: a reading written again at the same time of the same stream replaces itself, so a
//! chunk may be sent twice.

mod batch_file;
mod chunk;
mod columns;
mod csv_file;
mod field;
mod inventory;
mod ndjson_file;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use batch_file::BatchFile;
use chunk::Chunk;
use columns::{Columns, Destination};
use csv_file::CsvFile;
use ndjson_file::NdjsonFile;

use super::args::Import;
use super::door::Door;
use super::print;
use super::progress::Shown;
use crate::app::inventory::Form;
use crate::domain::{Error, Kind, Result, StreamId};

/// How often and how long to wait when the server is too busy to take a chunk: 1, 2, 4 … seconds, two minutes in all.
const BUSY_RETRIES: u32 = 6;

pub async fn run(args: Import) -> Result<()> {
    let door = Door::open_or_elsewhere(&args.elsewhere, &args.place, &args.org).await?;
    let imported = import_all(&door, &args).await;
    let closed = door.close().await;
    imported.and(closed)
}

async fn import_all(door: &Door, args: &Import) -> Result<()> {
    let forms: Vec<Option<Form>> = args.files.iter().map(|path| inventory::form_of(path)).collect();
    check_flags(args, &forms)?;
    let destination = destination(door, args).await?;
    let mut from_row = args.from_row;
    for (i, path) in args.files.iter().enumerate() {
        if let Some(form) = forms[i] {
            inventory::import(door, path, form, args.dry_run).await?;
            continue;
        }
        let mut source = Source::open(path, destination, from_row)?;
        let mut next_row = from_row;
        let imported = import_file(door, path, &mut source, &mut next_row).await.map_err(|error| {
            let message =
                format!("{}: {}; {}", path.display(), error.message, resume(&args.files[i..], next_row));
            Error { message, ..error }
        });
        print::line(&format!("{} rows of {}", imported?, path.display()))?;
        from_row = 1;
    }
    Ok(())
}

/// Flags about readings go with no file of devices, a dry run with no readings.
fn check_flags(args: &Import, forms: &[Option<Form>]) -> Result<()> {
    let of = |is_inventory: bool| {
        let found = args.files.iter().zip(forms).find(|(_, form)| form.is_some() == is_inventory);
        found.map(|(path, _)| path.display())
    };
    let says_where = args.stream.is_some() || args.device.is_some() || args.from_row != 1;
    match (of(true), of(false)) {
        (Some(devices), _) if says_where => Err(Error::invalid(format!(
            "{devices} holds devices: --stream, --device, --name and --from-row are for readings"
        ))),
        (_, Some(readings)) if args.dry_run => Err(Error::invalid(format!(
            "{readings} holds readings: --dry-run is for devices and streams, as YAML or CSV"
        ))),
        _ => Ok(()),
    }
}

/// Sends one file. `next_row` is the first row not yet written, also when it fails.
async fn import_file(door: &Door, path: &Path, source: &mut Source, next_row: &mut u64) -> Result<u64> {
    let mut shown = Shown::new(path.display().to_string(), source.size());
    let mut rows = 0;
    while let Some(chunk) = source.next_chunk()? {
        rows += send(door, &chunk).await?;
        *next_row = chunk.first_row + chunk.len() as u64;
        shown.advance(source.position(), &format!("{rows} rows"));
    }
    shown.finish();
    Ok(rows)
}

async fn send(door: &Door, chunk: &Chunk) -> Result<u64> {
    let mut wait = Duration::from_secs(1);
    for _ in 0..BUSY_RETRIES {
        match door.ingest(&chunk.batch, chunk.first_row).await {
            Err(error) if error.kind == Kind::Busy => tokio::time::sleep(wait).await,
            done => return done,
        }
        wait *= 2;
    }
    door.ingest(&chunk.batch, chunk.first_row).await
}

/// Where rows go: to the stream that was named, or to those the file names.
async fn destination(door: &Door, args: &Import) -> Result<Destination> {
    if let Some(id) = args.stream {
        return Ok(Destination::Stream(StreamId(id)));
    }
    let (Some(device), Some(name)) = (&args.device, &args.name) else { return Ok(Destination::ByRow) };
    // Readable files first: nothing is made for a name that was mistyped.
    let mut kind = "fp64";
    for path in &args.files {
        let has_values = Source::open(path, Destination::Stream(StreamId(0)), 1)?.columns().value.is_some();
        kind = if has_values { kind } else { "text" };
    }
    let id = door.find_stream(device, name, args.create.then_some(kind)).await?;
    Ok(Destination::Stream(id))
}

/// What is in, and how to go on once the cause is mended.
fn resume(files: &[PathBuf], row: u64) -> String {
    let names: Vec<_> = files.iter().map(|f| f.display().to_string()).collect();
    let names = names.join(" ");
    match row {
        1 => format!("nothing of this file is in, go on with: {names}"),
        _ => format!("its rows before {row} are in, go on with: {names} --from-row {row}"),
    }
}

/// A file being read, of any kind.
enum Source {
    Csv(Box<CsvFile<File>>),
    Ndjson(Box<NdjsonFile<File>>),
    Batches(Box<BatchFile>),
}

/// What a file is, as its first bytes say.
enum Shape {
    Parquet,
    ArrowFile,
    ArrowStream,
    Ndjson,
    Csv,
}

impl Source {
    /// Opens a file at a data row, counted from 1.
    fn open(path: &Path, destination: Destination, from_row: u64) -> Result<Source> {
        let about =
            |error: Error| Error { message: format!("{}: {}", path.display(), error.message), ..error };
        let unreadable = |e: std::io::Error| about(Error::invalid(format!("cannot be read: {e}")));
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let source = match look(&mut file).map_err(unreadable)? {
            Shape::Parquet => BatchFile::parquet(file, destination, from_row).map(Source::batches),
            Shape::ArrowFile => BatchFile::arrow_file(file, destination, from_row).map(Source::batches),
            Shape::ArrowStream => BatchFile::arrow_stream(file, destination, from_row).map(Source::batches),
            Shape::Ndjson => {
                NdjsonFile::open(file, size, destination, from_row).map(|f| Source::Ndjson(Box::new(f)))
            }
            Shape::Csv => CsvFile::open(file, size, destination, from_row).map(|f| Source::Csv(Box::new(f))),
        };
        source.map_err(about)
    }

    fn batches(file: BatchFile) -> Source {
        Source::Batches(Box::new(file))
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        match self {
            Source::Csv(file) => file.next_chunk(),
            Source::Ndjson(file) => file.next_chunk(),
            Source::Batches(file) => file.next_chunk(),
        }
    }

    fn columns(&self) -> &Columns {
        match self {
            Source::Csv(file) => file.columns(),
            Source::Ndjson(file) => file.columns(),
            Source::Batches(file) => file.columns(),
        }
    }

    /// Of the whole file, in the unit of `position`.
    fn size(&self) -> u64 {
        match self {
            Source::Csv(file) => file.size(),
            Source::Ndjson(file) => file.size(),
            Source::Batches(file) => file.size(),
        }
    }

    fn position(&self) -> u64 {
        match self {
            Source::Csv(file) => file.position(),
            Source::Ndjson(file) => file.position(),
            Source::Batches(file) => file.position(),
        }
    }
}

fn look(file: &mut File) -> std::io::Result<Shape> {
    let mut head = Vec::new();
    file.by_ref().take(8).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(match head.as_slice() {
        [b'P', b'A', b'R', b'1', ..] => Shape::Parquet,
        b"ARROW1\0\0" => Shape::ArrowFile,
        // The continuation marker that every message of a stream begins with.
        [0xff, 0xff, 0xff, 0xff, ..] => Shape::ArrowStream,
        other if other.trim_ascii_start().starts_with(b"{") => Shape::Ndjson,
        _ => Shape::Csv,
    })
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
