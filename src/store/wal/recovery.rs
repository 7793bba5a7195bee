//! Recovery of the log at start, as after a crash or a power cut: which records are replayed, what is cut off, and what refuses the start.

use std::path::{Path, PathBuf};

use super::frame::{self, SEGMENT_HEADER, Salt, SegmentHeader};
use crate::domain::{Error, Result};
use crate::store::disk::Disk;

/// A segment file as found on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub path: PathBuf,
    pub first_seq: u64,
    pub bytes: u64,
}

/// Returns the file name of the segment with first record `first_seq`.
pub fn segment_name(first_seq: u64) -> String {
    format!("{first_seq:020}.wal")
}

/// Replays every record after `flushed` in order. Returns the segments kept and the next seq.
///
/// Segments that hold nothing after `flushed` are not read. An unfinished tail of the last segment is cut off.
///
/// # Errors
/// `Unavailable`, naming segment and offset, for damage, a gap between records or a missing segment.
pub fn replay(
    disk: &dyn Disk,
    dir: &Path,
    flushed: u64,
    mut apply: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<(Vec<Segment>, u64)> {
    let named = segment_files(disk, dir)?;
    let mut segments: Vec<Segment> = Vec::new();
    let mut next_seq = None;
    for (i, (path, first_seq)) in named.iter().enumerate() {
        let following = named.get(i + 1).map(|(_, first)| *first);
        let is_flushed = following.is_some_and(|first| first <= flushed + 1);
        let expected = match next_seq {
            None => Some(flushed + 1).filter(|expected| expected < first_seq),
            Some(expected) => Some(expected).filter(|expected| expected != first_seq),
        };
        if let Some(expected) = expected {
            let found = path.display();
            return Err(Error::unavailable(format!(
                "the log misses record {expected}: `{found}` comes next"
            )));
        }
        if is_flushed {
            next_seq = following;
            let bytes = disk.len(path).map_err(|e| cannot("read", path, e))?;
            segments.push(Segment { path: path.clone(), first_seq: *first_seq, bytes });
            continue;
        }
        let bytes = disk.read(path).map_err(|e| cannot("read", path, e))?;
        let scan = SegmentReplay { path, bytes: &bytes, first_seq: *first_seq, is_last: following.is_none() };
        let Some(ReplayedSegment { last_group, end, next_seq: next }) = scan.run(flushed, &mut apply)? else {
            disk.remove(path).map_err(|e| cannot("remove", path, e))?;
            continue;
        };
        if end < bytes.len() {
            tracing::warn!(segment = %path.display(), offset = end, bytes = bytes.len() - end, "cut unfinished tail");
        }
        if following.is_none() && last_group < bytes.len() {
            // The last group may be complete but not durable, yet it is replayed, shown and appended to. So it is
            // written again: an earlier start may have failed to sync it, and kernels do not report that again. In
            // place, because the disk may be full.
            let written = disk.overwrite_from(path, last_group as u64, &bytes[last_group..end]);
            written.map_err(|e| cannot("write", path, e))?;
        }
        next_seq = Some(next);
        segments.push(Segment { path: path.clone(), first_seq: *first_seq, bytes: end as u64 });
    }
    Ok((segments, next_seq.unwrap_or(flushed + 1)))
}

/// Lists the segments of a log with the first seq of each, oldest first.
pub fn segment_files(disk: &dyn Disk, dir: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let files = disk.list_files(dir).map_err(|e| cannot("read", dir, e))?;
    let seq_of = |path: &PathBuf| {
        path.file_name()?.to_str()?.strip_suffix(".wal").filter(|s| s.len() == 20)?.parse::<u64>().ok()
    };
    Ok(files.into_iter().filter_map(|path| seq_of(&path).map(|seq| (path, seq))).collect())
}

fn cannot(verb: &str, path: &Path, e: std::io::Error) -> Error {
    Error::unavailable(format!("cannot {verb} the log `{}`: {e}", path.display())).with_source(e)
}

struct SegmentReplay<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    first_seq: u64,
    is_last: bool,
}

/// Findings in a segment.
struct ReplayedSegment {
    /// Offset of the last group of valid records: everything before it was durable when that was written.
    last_group: usize,
    /// Offset just past the valid records.
    end: usize,
    next_seq: u64,
}

impl SegmentReplay<'_> {
    /// Returns `None` when the creation of the segment was not finished.
    fn run(
        &self,
        flushed: u64,
        apply: &mut impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<Option<ReplayedSegment>> {
        let Some(salt) = self.salt()? else { return Ok(None) };
        let mut replayed =
            ReplayedSegment { last_group: SEGMENT_HEADER, end: SEGMENT_HEADER, next_seq: self.first_seq };
        while replayed.end < self.bytes.len() {
            let (at, seq) = (replayed.end, replayed.next_seq);
            let found = frame::parse_record(self.bytes, at, salt).filter(|found| found.header.seq == seq);
            let Some(found) = found else {
                if self.is_last && !frame::was_durable(self.bytes, at, salt, seq) {
                    break;
                }
                return Err(self.damaged(at));
            };
            if seq > flushed {
                apply(seq, found.payload).map_err(|e| {
                    let place = self.path.display();
                    Error::unavailable(format!(
                        "record {seq} at offset {at} of `{place}` cannot be applied: {e}"
                    ))
                })?;
            }
            let last_group = if found.header.group_index == 0 { at } else { replayed.last_group };
            replayed = ReplayedSegment { last_group, end: found.end, next_seq: seq + 1 };
        }
        Ok(Some(replayed))
    }

    /// Returns the salt of the segment's records; `None` when the creation of the segment was not finished.
    fn salt(&self) -> Result<Option<Salt>> {
        if let Some(header) = SegmentHeader::parse(self.bytes).filter(|h| h.first_seq == self.first_seq) {
            return Ok(Some(header.salt));
        }
        if self.bytes.starts_with(frame::OLD_MAGIC) {
            let place = self.path.display();
            return Err(Error::unavailable(format!(
                "`{place}` was written by a development version with an older format of the log: start and stop that \
                 version once more in order, which brings everything into the lake, and remove the directory of the log"
            )));
        }
        // The header is synced before any record is written, so a segment that ends with it holds no record to lose.
        if self.is_last && self.bytes.len() <= SEGMENT_HEADER { Ok(None) } else { Err(self.damaged(0)) }
    }

    fn damaged(&self, at: usize) -> Error {
        let place = self.path.display();
        Error::unavailable(format!(
            "the log is damaged in `{place}` at offset {at}: acknowledged writes may be lost; restore a backup, or \
             move the segment and those after it away to start without them"
        ))
    }
}
