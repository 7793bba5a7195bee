//! Reading records back from the segments of the log that are kept, a bounded piece at a time, beside a log that is
//! appended to and cut.
//!
//! Only records that are known to be committed are looked at: what lies behind them in a file may be half written, or
//! be taken back. No file stays open from one piece to the next, so that a slow reader keeps nothing on the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::file::reader::{ChunkReader, Length};

use super::Gap;
use super::recent::Group;
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, LakeReader};
use crate::store::memtable::run::Run;
use crate::store::wal::frame::{self, RECORD_HEADER, SEGMENT_HEADER};
use crate::store::wal::{Record, recovery};

/// A piece ends once its records have this many bytes, or are this many; a larger record is a piece of its own.
const PIECE_BYTES: usize = 1 << 20;
const PIECE_RECORDS: usize = 4096;
/// Bytes read at once.
const WINDOW: u64 = 256 << 10;

/// The segments on disk.
pub struct KeptLog {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
}

/// Where in a segment a record begins.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The number of the segment's first record.
    segment: u64,
    offset: u64,
    seq: u64,
}

pub enum Found {
    /// The records, and where the one after them begins.
    Records(Group, Place),
    Gap(Gap),
}

impl KeptLog {
    /// The committed records from `next` on, before `end`: at least one, or the gap before the oldest one kept. `from` is
    /// where an earlier piece ended.
    ///
    /// # Errors
    /// `Unavailable`, naming the segment, when it cannot be read or is damaged.
    pub fn read(&self, next: u64, end: u64, from: Option<Place>) -> Result<Found> {
        loop {
            let segments = recovery::segment_files(self.disk.as_ref(), &self.dir)?;
            let after = segments.partition_point(|(_, first)| *first <= next);
            let Some((path, segment)) = after.checked_sub(1).and_then(|at| segments.get(at)) else {
                let oldest = segments.first().map_or(end, |(_, first)| *first).min(end);
                return Ok(Found::Gap(Gap { from: next, to: oldest - 1 }));
            };
            let file = match self.disk.open(path) {
                // Cut since it was listed.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(|e| cannot_read(path, e))?,
            };
            let known = from.filter(|place| place.segment == *segment && place.seq <= next);
            let begin = Place { segment: *segment, offset: SEGMENT_HEADER as u64, seq: *segment };
            let mut scan = Scan { path, window: Window::new(file), at: known.unwrap_or(begin) };
            scan.skip_to(next)?;
            return scan.piece(end);
        }
    }
}

struct Scan<'a> {
    path: &'a Path,
    window: Window,
    at: Place,
}

impl Scan<'_> {
    /// Goes to a record by the lengths of those before it, whose payloads are not looked at.
    fn skip_to(&mut self, seq: u64) -> Result<()> {
        while self.at.seq < seq {
            let (found, len) = self.header()?.ok_or_else(|| self.damaged())?;
            if found != self.at.seq {
                return Err(self.damaged());
            }
            self.at.offset += (RECORD_HEADER + len) as u64;
            self.at.seq += 1;
        }
        Ok(())
    }

    fn piece(mut self, end: u64) -> Result<Found> {
        let mut group = Group { first: self.at.seq, runs: Vec::new() };
        let mut bytes = 0;
        while self.at.seq < end && bytes < PIECE_BYTES && group.runs.len() < PIECE_RECORDS {
            let Some((run, len)) = self.record()? else { break };
            group.runs.push(run);
            bytes += len;
            self.at.offset += len as u64;
            self.at.seq += 1;
        }
        // The record is committed, and no later segment begins with it: it has to be here.
        if group.runs.is_empty() { Err(self.damaged()) } else { Ok(Found::Records(group, self.at)) }
    }

    /// The record's number and the length of its payload; `None` at the end of what was written.
    fn header(&mut self) -> Result<Option<(u64, usize)>> {
        let (path, at) = (self.path, self.at.offset);
        let header = self.window.get(at, RECORD_HEADER as u64).map_err(|e| cannot_read(path, e))?;
        Ok(header.as_deref().and_then(frame::parse_record_header))
    }

    /// The readings of the record and its bytes in the file; `None` where no whole record of that number is.
    fn record(&mut self) -> Result<Option<(Run, usize)>> {
        let Some((seq, len)) = self.header()?.filter(|(seq, _)| *seq == self.at.seq) else { return Ok(None) };
        let (path, whole) = (self.path, RECORD_HEADER + len);
        let bytes = self.window.get(self.at.offset, whole as u64).map_err(|e| cannot_read(path, e))?;
        let Some(found) = bytes.as_deref().and_then(|bytes| frame::parse_record(bytes, 0)) else {
            return Ok(None);
        };
        Ok(Some((Run::new(Record::decode(found.payload)?.readings, seq), whole)))
    }

    fn damaged(&self) -> Error {
        let Place { offset, seq, .. } = self.at;
        let place = self.path.display();
        Error::unavailable(format!("the log is damaged: record {seq} is not at offset {offset} of `{place}`"))
    }
}

/// A file read forwards, a stretch at a time.
struct Window {
    file: LakeReader,
    start: u64,
    bytes: Bytes,
}

impl Window {
    fn new(file: LakeReader) -> Self {
        Self { file, start: 0, bytes: Bytes::new() }
    }

    /// `len` bytes at `at`; `None` when the file ends before.
    fn get(&mut self, at: u64, len: u64) -> io::Result<Option<Bytes>> {
        let is_within = at >= self.start && at + len <= self.start + self.bytes.len() as u64;
        if !is_within {
            let left = Length::len(&self.file).saturating_sub(at);
            if left < len {
                return Ok(None);
            }
            let wanted = usize::try_from(len.max(WINDOW).min(left)).map_err(io::Error::other)?;
            self.bytes = self.file.get_bytes(at, wanted).map_err(io::Error::other)?;
            self.start = at;
        }
        let from = usize::try_from(at - self.start).map_err(io::Error::other)?;
        let to = from + usize::try_from(len).map_err(io::Error::other)?;
        Ok(Some(self.bytes.slice(from..to)))
    }
}

fn cannot_read(path: &Path, e: io::Error) -> Error {
    Error::unavailable(format!("cannot read the log `{}`: {e}", path.display())).because(e)
}
