//! Reads committed records from the retained log segments, in bounded chunks, while the log is appended to and
//! truncated.
//!
//! Only records known to be committed are read: anything after them in a file may be half written, or rolled back. No
//! file stays open between two chunks, so a slow reader keeps no deleted file on disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::reader::{ChunkReader, Length};

use super::Gap;
use super::record_ring::RecordGroup;
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, DiskReader};
use crate::store::memtable::run::Run;
use crate::store::wal::frame::{self, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, Salt, SegmentHeader};
use crate::store::wal::{Record, recovery};

/// A chunk ends once its records reach this many bytes, or the maximum count; a larger record is a chunk of its own.
const MAX_CHUNK_BYTES: usize = 1 << 20;
const MAX_CHUNK_RECORDS: usize = 4096;
/// Bytes per read.
const READ_BUFFER_BYTES: u64 = 256 << 10;

/// The log segments on disk.
pub struct RetainedLog {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
}

/// Location of a record in a segment.
#[derive(Debug, Clone, Copy)]
pub struct RecordLocation {
    /// The number of the segment's first record.
    segment: u64,
    salt: Salt,
    offset: u64,
    seq: u64,
}

/// Result of a read of the log: records, or the gap before the oldest one.
pub enum LogLookup {
    /// The records, and the location of the next one.
    Records(RecordGroup, RecordLocation),
    Gap(Gap),
}

impl RetainedLog {
    /// Reads the committed records from `next` on, before `end`: at least one, or the gap before the oldest retained
    /// record. `from` is where an earlier chunk ended.
    ///
    /// # Errors
    /// `Unavailable`, naming the segment, when it cannot be read or is damaged.
    pub fn read(&self, next: u64, end: u64, from: Option<RecordLocation>) -> Result<LogLookup> {
        loop {
            let segments = recovery::segment_files(self.disk.as_ref(), &self.dir)?;
            let after = segments.partition_point(|(_, first)| *first <= next);
            let Some((path, segment)) = after.checked_sub(1).and_then(|at| segments.get(at)) else {
                let oldest = segments.first().map_or(end, |(_, first)| *first).min(end);
                return Ok(LogLookup::Gap(Gap { from: next, to: oldest - 1 }));
            };
            let file = match self.disk.open(path) {
                // The segment was removed after it was listed.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(|e| cannot_read(path, e))?,
            };
            let mut window = ReadBuffer::new(file);
            let at = match from.filter(|place| place.segment == *segment && place.seq <= next) {
                Some(known) => known,
                None => first_record(path, &mut window, *segment)?,
            };
            let mut scan = SegmentReader { path, window, at };
            scan.skip_to(next)?;
            return scan.read_chunk(end);
        }
    }
}

/// Returns the location of a segment's first record.
fn first_record(path: &Path, window: &mut ReadBuffer, segment: u64) -> Result<RecordLocation> {
    let header = window.get(0, SEGMENT_HEADER as u64).map_err(|e| cannot_read(path, e))?;
    let header = header.as_deref().and_then(SegmentHeader::parse).filter(|h| h.first_seq == segment);
    let SegmentHeader { salt, .. } = header.ok_or_else(|| {
        let place = path.display();
        Error::unavailable(format!("the log is damaged: `{place}` does not begin with its header"))
    })?;
    Ok(RecordLocation { segment, salt, offset: SEGMENT_HEADER as u64, seq: segment })
}

struct SegmentReader<'a> {
    path: &'a Path,
    window: ReadBuffer,
    at: RecordLocation,
}

impl SegmentReader<'_> {
    /// Skips to a record by the lengths in the headers before it, without reading payloads.
    fn skip_to(&mut self, seq: u64) -> Result<()> {
        while self.at.seq < seq {
            let found = self.header()?.ok_or_else(|| self.damaged())?;
            if found.seq != self.at.seq {
                return Err(self.damaged());
            }
            self.at.offset += (RECORD_HEADER + found.len) as u64;
            self.at.seq += 1;
        }
        Ok(())
    }

    fn read_chunk(mut self, end: u64) -> Result<LogLookup> {
        let mut group = RecordGroup { first: self.at.seq, runs: Vec::new() };
        let mut bytes = 0;
        while self.at.seq < end && bytes < MAX_CHUNK_BYTES && group.runs.len() < MAX_CHUNK_RECORDS {
            let Some((run, len)) = self.record()? else { break };
            group.runs.push(run);
            bytes += len;
            self.at.offset += len as u64;
            self.at.seq += 1;
        }
        // The record is committed, and no later segment begins with it, so it must be here.
        if group.runs.is_empty() { Err(self.damaged()) } else { Ok(LogLookup::Records(group, self.at)) }
    }

    /// Reads the record's header; `None` at the end of the written data.
    fn header(&mut self) -> Result<Option<RecordHeader>> {
        let (path, at, salt) = (self.path, self.at.offset, self.at.salt);
        let header = self.window.get(at, RECORD_HEADER as u64).map_err(|e| cannot_read(path, e))?;
        Ok(header.as_deref().and_then(|header| RecordHeader::parse(header, salt)))
    }

    /// Reads the readings of the record and its length in the file; `None` when there is no complete record with that
    /// number.
    fn record(&mut self) -> Result<Option<(Run, usize)>> {
        let at = self.at;
        let Some(header) = self.header()?.filter(|header| header.seq == at.seq) else { return Ok(None) };
        let (path, whole) = (self.path, RECORD_HEADER + header.len);
        let bytes = self.window.get(at.offset, whole as u64).map_err(|e| cannot_read(path, e))?;
        let Some(found) = bytes.as_deref().and_then(|bytes| frame::parse_record(bytes, 0, at.salt)) else {
            return Ok(None);
        };
        let Record { readings, is_import, arrived_at, .. } = Record::decode(found.payload)?;
        Ok(Some((Run::new(readings, at.seq).imported(is_import).arrived(arrived_at), whole)))
    }

    fn damaged(&self) -> Error {
        let RecordLocation { offset, seq, .. } = self.at;
        let place = self.path.display();
        Error::unavailable(format!("the log is damaged: record {seq} is not at offset {offset} of `{place}`"))
    }
}

/// Buffer over a file that is read forwards.
struct ReadBuffer {
    file: DiskReader,
    start: u64,
    bytes: Bytes,
}

impl ReadBuffer {
    fn new(file: DiskReader) -> Self {
        Self { file, start: 0, bytes: Bytes::new() }
    }

    /// Returns `len` bytes at `at`; `None` when the file is shorter.
    fn get(&mut self, at: u64, len: u64) -> io::Result<Option<Bytes>> {
        let is_within = at >= self.start && at + len <= self.start + self.bytes.len() as u64;
        if !is_within {
            let left = Length::len(&self.file).saturating_sub(at);
            if left < len {
                return Ok(None);
            }
            let wanted = usize::try_from(len.max(READ_BUFFER_BYTES).min(left)).map_err(io::Error::other)?;
            self.bytes = self.file.get_bytes(at, wanted).map_err(io::Error::other)?;
            self.start = at;
        }
        let from = usize::try_from(at - self.start).map_err(io::Error::other)?;
        let to = from + usize::try_from(len).map_err(io::Error::other)?;
        Ok(Some(self.bytes.slice(from..to)))
    }
}

fn cannot_read(path: &Path, e: io::Error) -> Error {
    Error::unavailable(format!("cannot read the log `{}`: {e}", path.display())).with_source(e)
}
