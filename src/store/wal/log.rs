//! Appends to the log, and removes segments once the lake holds their records.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::frame::{RecordHeader, SEGMENT_HEADER, Salt, SegmentHeader};
use super::recovery::{self, Segment, segment_name};
use crate::domain::{Error, Result};
use crate::store::disk::{Disk, DiskDir, DiskFile};

/// A payload and its checksum, computed by the thread that created it.
#[derive(Debug, Default)]
pub struct Payload {
    pub bytes: Vec<u8>,
    pub crc: u32,
}

impl Payload {
    /// Computes the CRC-32 of a payload, for the header of its record.
    pub fn new(bytes: Vec<u8>) -> Self {
        let crc = crc32fast::hash(&bytes);
        Self { bytes, crc }
    }
}

/// The step of an append that failed.
enum AppendError {
    /// The write, before anything had to be durable: mostly disk full.
    Write(std::io::Error),
    Sync(std::io::Error),
}

/// Size of the log's files, readable while the log is locked for a write.
#[derive(Debug, Default)]
pub struct LogSize {
    bytes: AtomicU64,
    segments: AtomicU64,
}

impl LogSize {
    /// Returns the bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns the number of segments.
    pub fn segments(&self) -> u64 {
        self.segments.load(Ordering::Relaxed)
    }

    fn set(&self, segments: &[Segment]) {
        self.bytes.store(segments.iter().map(|s| s.bytes).sum(), Ordering::Relaxed);
        self.segments.store(segments.len() as u64, Ordering::Relaxed);
    }
}

/// The open log. One thread appends.
pub struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// `dir`, kept open as long as the log is.
    entries: Box<dyn DiskDir>,
    /// Length at which a segment is closed, bytes.
    segment_bytes: u64,
    segments: Vec<Segment>,
    size: Arc<LogSize>,
    open: Option<Box<dyn DiskFile>>,
    /// Salt of the open segment.
    salt: Salt,
    next_seq: u64,
    poisoned: Option<String>,
    /// Whether the last segment, closed, may hold part of a failed group after its records.
    has_tail: bool,
    buffer: Vec<u8>,
}

impl Log {
    /// Opens the log in `dir`, replaying every record after `flushed` into `apply`.
    ///
    /// # Errors
    /// Same as `recovery::replay`, and `Unavailable` when the log does not reach `flushed`.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        segment_bytes: u64,
        flushed: u64,
        apply: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<Log> {
        disk.create_dir_all(dir).map_err(|e| {
            Error::unavailable(format!("cannot create `{}`: {e}", dir.display())).with_source(e)
        })?;
        let entries = disk.open_dir(dir).map_err(|e| {
            Error::unavailable(format!("cannot open `{}`: {e}", dir.display())).with_source(e)
        })?;
        let (segments, next_seq) = recovery::replay(disk.as_ref(), dir, flushed, apply)?;
        // The newest segment is never removed, so somebody else has removed it, or its file system is not mounted.
        if segments.is_empty() && flushed > 0 {
            return Err(Error::unavailable(format!(
                "the lake holds record {flushed} but the log in `{}` is gone, and with it what was not in the lake yet: bring it \
                 back, or restore a backup",
                dir.display()
            )));
        }
        if next_seq <= flushed {
            return Err(Error::unavailable(format!(
                "the lake holds record {flushed} but the log in `{}` ends before {next_seq}: they do not belong together",
                dir.display()
            )));
        }
        let size = Arc::<LogSize>::default();
        size.set(&segments);
        Ok(Log {
            disk,
            dir: dir.to_owned(),
            entries,
            segment_bytes,
            segments,
            size,
            open: None,
            salt: Salt::random(),
            next_seq,
            poisoned: None,
            has_tail: false,
            buffer: Vec::new(),
        })
    }

    /// Returns the size, which stays current.
    pub fn size(&self) -> Arc<LogSize> {
        self.size.clone()
    }

    /// Returns the number of the next record.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Returns the reason why nothing more can be written, if the log is poisoned.
    pub fn poisoned(&self) -> Option<&str> {
        self.poisoned.as_deref()
    }

    /// Appends a group with one fsync and returns the seq of its first record; the others follow consecutively.
    /// When it returns `Ok` all of them are durable; on `Err` none may be acknowledged, now or later.
    pub fn append(&mut self, group: &[Payload]) -> Result<u64> {
        if let Some(reason) = &self.poisoned {
            return Err(Error::unavailable(format!("writes are refused until a restart: {reason}")));
        }
        let first = self.next_seq;
        let written = match self.drop_tail() {
            Ok(()) => self.write_group(group),
            Err(e) => Err(AppendError::Write(e)),
        };
        let Err(failure) = written else { return Ok(first) };
        self.has_tail |= self.open.take().is_some();
        if let Err(e) = self.drop_tail() {
            tracing::error!(error = %e, "a failed write could not be cut off the log yet");
        }
        match failure {
            // Nothing of the group had to be durable yet: once it is cut off, the next attempt may succeed.
            AppendError::Write(e) => {
                let message = format!("the log cannot be written ({e}); nothing of the request is kept");
                Err(Error::unavailable(message).with_source(e))
            }
            // After a failed fsync it is unknown whether the kernel kept the pages, and a retry may falsely succeed.
            AppendError::Sync(e) => {
                self.poisoned = Some(format!("the log could not be written: {e}"));
                Err(Error::unavailable("the write could not be made durable").with_source(e))
            }
        }
    }

    fn write_group(&mut self, group: &[Payload]) -> std::result::Result<(), AppendError> {
        if self.open.is_none() || self.segments.last().is_none_or(|s| s.bytes >= self.segment_bytes) {
            self.start_segment()?;
        }
        self.buffer.clear();
        for ((seq, group_index), payload) in (self.next_seq..).zip(0u32..).zip(group) {
            let (len, payload_crc) = (payload.bytes.len(), payload.crc);
            let header = RecordHeader { seq, group_index, len, payload_crc };
            self.buffer.extend_from_slice(&header.encode(self.salt));
            self.buffer.extend_from_slice(&payload.bytes);
        }
        let file = self.open.as_mut().expect("start_segment opened it");
        file.write_all(&self.buffer).map_err(AppendError::Write)?;
        file.sync().map_err(AppendError::Sync)?;
        let segment = self.segments.last_mut().expect("start_segment pushed it");
        segment.bytes += self.buffer.len() as u64;
        self.size.bytes.fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
        self.next_seq += group.len() as u64;
        // A rare huge request must not keep its buffer forever.
        self.buffer.shrink_to(1 << 20);
        Ok(())
    }

    /// Truncates the segment before a failed group, if there is one, so that neither the next write nor a restart reads
    /// data that the disk may not hold.
    fn drop_tail(&mut self) -> std::io::Result<()> {
        if let Some(segment) = self.segments.last().filter(|_| self.has_tail) {
            self.disk.truncate(&segment.path, segment.bytes)?;
        }
        self.has_tail = false;
        Ok(())
    }

    fn start_segment(&mut self) -> std::result::Result<(), AppendError> {
        self.open = None;
        let path = self.dir.join(segment_name(self.next_seq));
        // Under another name at first: an empty segment of that name may remain from a start that wrote nothing. It may be the
        // only one, so that the log would be gone if the power failed between its removal and the next sync.
        let temporary = self.disk.temporary(&path);
        if self.disk.list_files(&self.dir).map_err(AppendError::Write)?.contains(&temporary) {
            self.disk.remove(&temporary).map_err(AppendError::Write)?;
        }
        let mut file = self.disk.create(&temporary).map_err(AppendError::Write)?;
        let header = SegmentHeader { first_seq: self.next_seq, salt: Salt::random() };
        file.write_all(&header.encode()).map_err(AppendError::Write)?;
        file.sync().map_err(AppendError::Sync)?;
        self.disk.rename(&temporary, &path).map_err(AppendError::Write)?;
        self.entries.sync().map_err(AppendError::Sync)?;
        if self.segments.last().is_some_and(|s| s.path == path) {
            self.segments.pop();
        }
        self.segments.push(Segment { path, first_seq: self.next_seq, bytes: SEGMENT_HEADER as u64 });
        self.size.set(&self.segments);
        self.salt = header.salt;
        self.open = Some(file);
        Ok(())
    }

    /// Ends the last segment and adds an empty one: a start that finds all of it flushed then reads neither.
    pub fn end_segment(&mut self) -> Result<()> {
        let has_records = self.segments.last().is_some_and(|s| s.bytes > SEGMENT_HEADER as u64);
        if !has_records || self.has_tail || self.poisoned.is_some() {
            return Ok(());
        }
        self.start_segment().map_err(|(AppendError::Write(e) | AppendError::Sync(e))| {
            Error::unavailable(format!("the log cannot be written ({e})")).with_source(e)
        })
    }

    /// Removes the oldest segments that hold nothing after `flushed`, but keeps about `keep_bytes` of them for
    /// subscribers that catch up.
    pub fn remove_flushed(&mut self, flushed: u64, keep_bytes: u64) -> Result<()> {
        let mut total: u64 = self.segments.iter().map(|s| s.bytes).sum();
        while let [oldest, next, ..] = self.segments.as_slice() {
            if next.first_seq > flushed + 1 || total <= keep_bytes {
                break;
            }
            self.disk.remove(&oldest.path).map_err(|e| {
                Error::unavailable(format!("cannot remove `{}`: {e}", oldest.path.display())).with_source(e)
            })?;
            total -= oldest.bytes;
            self.segments.remove(0);
            self.size.set(&self.segments);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
