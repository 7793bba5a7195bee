//! `basalt import`: files become chunks, each written whole or not at all, and a failure says where to go on.
//!
//! Chunks carry no idempotency key: a reading written again at the same time of the same stream replaces itself, so a
//! chunk may be sent twice.

mod chunk;
mod columns;
mod csv_file;
mod field;
mod parquet_file;
mod progress;

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chunk::Chunk;
use columns::{Columns, Destination};
use csv_file::CsvFile;
use parquet_file::ParquetFile;
use progress::Progress;

use super::args::Import;
use super::door::Door;
use super::print;
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
    let destination = destination(door, args).await?;
    let mut from_row = args.from_row;
    for (i, path) in args.files.iter().enumerate() {
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

/// Sends one file. `next_row` is the first row not yet written, also when it fails.
async fn import_file(door: &Door, path: &Path, source: &mut Source, next_row: &mut u64) -> Result<u64> {
    let progress = Progress::new(path, source.size());
    let mut rows = 0;
    while let Some(chunk) = source.next_chunk()? {
        rows += send(door, &chunk).await?;
        *next_row = chunk.first_row + chunk.len() as u64;
        progress.advance(source.position(), rows);
    }
    progress.finish();
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

/// A file being read, of either kind.
enum Source {
    Csv(Box<CsvFile<File>>),
    Parquet(Box<ParquetFile>),
}

impl Source {
    /// Opens a file at a data row, counted from 1. What it is, its first bytes say.
    fn open(path: &Path, destination: Destination, from_row: u64) -> Result<Source> {
        let about =
            |error: Error| Error { message: format!("{}: {}", path.display(), error.message), ..error };
        let unreadable = |e: std::io::Error| about(Error::invalid(format!("cannot be read: {e}")));
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        if is_parquet(&mut file).map_err(unreadable)? {
            let parquet = ParquetFile::open(file, destination, from_row).map_err(about)?;
            return Ok(Source::Parquet(Box::new(parquet)));
        }
        let csv = CsvFile::open(file, size, destination, from_row).map_err(about)?;
        Ok(Source::Csv(Box::new(csv)))
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        match self {
            Source::Csv(file) => file.next_chunk(),
            Source::Parquet(file) => file.next_chunk(),
        }
    }

    fn columns(&self) -> &Columns {
        match self {
            Source::Csv(file) => file.columns(),
            Source::Parquet(file) => file.columns(),
        }
    }

    /// Of the whole file, in the unit of `position`.
    fn size(&self) -> u64 {
        match self {
            Source::Csv(file) => file.size(),
            Source::Parquet(file) => file.size(),
        }
    }

    fn position(&self) -> u64 {
        match self {
            Source::Csv(file) => file.position(),
            Source::Parquet(file) => file.position(),
        }
    }
}

fn is_parquet(file: &mut File) -> std::io::Result<bool> {
    let mut magic = [0; 4];
    let is_parquet = match file.read_exact(&mut magic) {
        Ok(()) => &magic == b"PAR1",
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(error),
    };
    file.rewind()?;
    Ok(is_parquet)
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
