//! Verifies the write-ahead log: every segment, every record, and that no record is missing between them.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::data_file::ReferencedIds;
use super::report::{Findings, WalSummary};
use crate::domain::{Progress, Result};
use crate::store::wal::Record;
use crate::store::wal::frame::{self, Frame, SEGMENT_HEADER, Salt, SegmentHeader};
use crate::store::wal::recovery::{Segment, segment_name};

/// Range in which the log must be complete.
pub(super) struct RequiredRange {
    /// The last record that must be there while others are being written; `None` when the store is closed.
    pub(super) pinned: Option<u64>,
    /// Highest seq in the lake; `None` when the lake does not say.
    pub(super) flushed: Option<u64>,
}

/// Returns the segments, oldest first. Any other file in their directory is reported.
pub(super) fn segments(dir: &Path, findings: &mut Findings) -> Vec<Segment> {
    let mut segments = Vec::new();
    let entries = match fs::read_dir(dir).and_then(Iterator::collect::<std::io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(e) => {
            findings.broken(dir, "", format!("cannot be read: {e}"));
            return segments;
        }
    };
    for entry in entries {
        let path = entry.path();
        let stem = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".wal"));
        let first_seq = stem.and_then(|stem| stem.parse().ok());
        match first_seq.filter(|seq| path.ends_with(segment_name(*seq))) {
            Some(first_seq) => {
                let bytes = entry.metadata().map_or(0, |meta| meta.len());
                segments.push(Segment { path, first_seq, bytes });
            }
            None => findings.broken(&path, "", "is no segment of the log: Basalt did not write it"),
        }
    }
    segments.sort_by_key(|segment| segment.first_seq);
    segments
}

/// Checks that every segment can be opened and begins with its header, and that the log goes on where the lake ends. Records are
/// not read.
pub(super) fn check_headers(
    segments: &[Segment],
    flushed: Option<u64>,
    is_live: bool,
    findings: &mut Findings,
) -> WalSummary {
    let mut checked = WalSummary::default();
    for (i, segment) in segments.iter().enumerate() {
        let (path, mut bytes) = (&segment.path, Vec::new());
        let read = File::open(path).and_then(|file| file.take(SEGMENT_HEADER as u64).read_to_end(&mut bytes));
        match read {
            // The segment was cut since, because the lake has its records.
            Err(e) if e.kind() == ErrorKind::NotFound && is_live => continue,
            Err(e) => {
                findings.broken(path, "", format!("cannot be read: {e}"));
                continue;
            }
            Ok(_) => {}
        }
        checked.segments += 1;
        checked.bytes += segment.bytes;
        let header = SegmentHeader::parse(&bytes).filter(|header| header.first_seq == segment.first_seq);
        if header.is_none() {
            let is_last = i + 1 == segments.len();
            report_header(path, &bytes, is_last && segment.bytes <= SEGMENT_HEADER as u64, findings);
        }
    }
    check_beginning(segments, flushed, findings);
    checked
}

/// Reports that there is no segment, although the lake has records: the newest segment stays. A directory that cannot be read is
/// reported already.
pub(super) fn check_presence(
    dir: &Path,
    segments: &[Segment],
    flushed: Option<u64>,
    findings: &mut Findings,
) {
    let Some(flushed) = flushed.filter(|flushed| *flushed > 0) else { return };
    let is_empty = || {
        // One may have been begun since they were listed.
        fs::read_dir(dir).is_ok_and(|mut entries| {
            !entries
                .any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|e| e == "wal")))
        })
    };
    if segments.is_empty() && is_empty() {
        findings.broken(dir, "", ends_before(flushed, 1));
    }
}

fn ends_before(flushed: u64, next: u64) -> String {
    format!("the lake has record {flushed}, but the log ends before {next}")
}

/// Reports that a segment does not begin with its header. Returns whether its creation was merely not finished; the last
/// segment `may_be_unfinished` when it has nothing behind its header.
fn report_header(path: &Path, bytes: &[u8], may_be_unfinished: bool, findings: &mut Findings) -> bool {
    let is_old = bytes.starts_with(frame::OLD_MAGIC);
    if may_be_unfinished && !is_old {
        let what = "the creation of the segment was not finished: the next start removes it";
        findings.note(path, "offset 0", what);
        return true;
    }
    let what = match is_old {
        true => "the segment has the format of an older development version",
        false => "the header of the segment fails its checksum",
    };
    findings.broken(path, "offset 0", what);
    false
}

/// Checks that the log begins at the latest with the record after those of the lake.
fn check_beginning(segments: &[Segment], flushed: Option<u64>, findings: &mut Findings) {
    let Some(flushed) = flushed else { return };
    if let Some(first) = segments.first().filter(|first| first.first_seq > flushed + 1) {
        let what = format!("record {} is missing: it is neither in the lake nor in the log", flushed + 1);
        findings.broken(&first.path, "", what);
    }
}

pub(super) fn check(
    segments: Vec<Segment>,
    extent: &RequiredRange,
    (findings, ids): (&mut Findings, &mut ReferencedIds),
    progress: &Progress,
) -> Result<WalSummary> {
    progress.begin("write-ahead log", segments.iter().map(|s| s.bytes).sum());
    let mut log =
        WalCheck { extent, findings, ids, checked: WalSummary::default(), next: None, was_cut: false };
    for (i, segment) in segments.iter().enumerate() {
        if extent.pinned.is_some_and(|last| segment.first_seq > last) {
            // This segment was begun after the pinned moment.
            break;
        }
        match fs::read(&segment.path) {
            Ok(bytes) => log.segment(segment, &bytes, i + 1 == segments.len()),
            // The segment was cut since, because the lake has its records.
            Err(e) if e.kind() == ErrorKind::NotFound && extent.pinned.is_some() => {
                (log.next, log.was_cut) = (None, true);
            }
            Err(e) => log.findings.broken(&segment.path, "", format!("cannot be read: {e}")),
        }
        progress.advance(segment.bytes)?;
    }
    log.check_end(&segments);
    Ok(log.checked)
}

struct WalCheck<'a> {
    extent: &'a RequiredRange,
    findings: &'a mut Findings,
    /// Ids of the rows of every record.
    ids: &'a mut ReferencedIds,
    checked: WalSummary,
    /// The expected number of the next record.
    next: Option<u64>,
    /// Whether a segment was cut during the check. Its records are in the lake, perhaps only since the lake's log was
    /// read.
    was_cut: bool,
}

/// A segment whose header is valid.
struct SegmentRecords<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    salt: Salt,
    is_last: bool,
}

impl WalCheck<'_> {
    fn segment(&mut self, segment: &Segment, bytes: &[u8], is_last: bool) {
        let path = &segment.path;
        self.checked.segments += 1;
        self.checked.bytes += bytes.len() as u64;
        if let Some(next) = self.next.filter(|next| *next != segment.first_seq) {
            let before = segment.first_seq;
            self.findings.broken(
                path,
                "",
                format!("record {next} is missing: the segment begins with {before}"),
            );
        }
        let (mut at, mut seq) = (SEGMENT_HEADER, segment.first_seq);
        let header = SegmentHeader::parse(bytes).filter(|header| header.first_seq == segment.first_seq);
        let Some(SegmentHeader { salt, .. }) = header else {
            self.without_header(path, bytes, segment.first_seq, is_last);
            return;
        };
        let records = SegmentRecords { path, bytes, salt, is_last };
        while at < bytes.len() && self.extent.pinned.is_none_or(|last| seq <= last) {
            let found = frame::parse_record(bytes, at, salt).filter(|found| found.header.seq >= seq);
            let Some(found) = found else {
                match self.damage(&records, (at, seq)) {
                    Some(next) => (at, seq) = next,
                    None => break,
                }
                continue;
            };
            if found.header.seq != seq {
                let what = format!("record {seq} is missing: {} comes next", found.header.seq);
                self.findings.broken(path, format!("offset {at}"), what);
            }
            self.record(path, at, &found);
            (at, seq) = (found.end, found.header.seq + 1);
        }
        self.next = Some(seq);
    }

    /// Reports that a segment does not begin with its header. Its records cannot be told from other bytes then.
    fn without_header(&mut self, path: &Path, bytes: &[u8], first_seq: u64, is_last: bool) {
        let may_be_unfinished = is_last && bytes.len() <= SEGMENT_HEADER;
        if report_header(path, bytes, may_be_unfinished, self.findings) {
            self.next = Some(first_seq);
            return;
        }
        // How many records it has is not known.
        let flushed = self.extent.flushed.unwrap_or(0);
        self.next = is_last.then_some(first_seq.max(flushed + 1));
    }

    fn record(&mut self, path: &Path, at: usize, found: &Frame<'_>) {
        match Record::decode(found.payload) {
            Ok(record) => {
                self.checked.records += 1;
                self.ids.add_record(&record, || self.findings.relative(path));
            }
            Err(e) => {
                let what = format!("record {} cannot be decoded: {e}", found.header.seq);
                self.findings.broken(path, format!("offset {at}"), what);
            }
        }
    }

    /// Reports that there is no valid record of this number at an offset. Returns where to continue, if possible.
    fn damage(&mut self, segment: &SegmentRecords<'_>, (at, seq): (usize, u64)) -> Option<(usize, u64)> {
        let SegmentRecords { path, bytes, salt, is_last } = *segment;
        let place = format!("offset {at}");
        let was_durable = self.extent.flushed.is_some_and(|flushed| flushed >= seq)
            || self.extent.pinned.is_some_and(|last| seq <= last)
            || frame::was_durable(bytes, at, salt, seq);
        if is_last && !was_durable {
            let cut = bytes.len() - at;
            let what =
                format!("an unfinished record of {cut} bytes, not acknowledged: the next start cuts it off");
            self.findings.note(path, place, what);
            return None;
        }
        self.findings.broken(path, place, format!("record {seq} is damaged: it fails its checksum"));
        frame::find_record(bytes, at, salt, seq).map(|(at, found)| (at, found.header.seq))
    }

    fn check_end(&mut self, segments: &[Segment]) {
        let dir = segments.first().and_then(|s| s.path.parent()).map_or_else(PathBuf::new, Path::to_owned);
        if let Some(pinned) = self.extent.pinned {
            // Records flushed in the meantime may have been cut off the log.
            let found = self.next.map_or(0, |next| next - 1).max(self.extent.flushed.unwrap_or(0));
            if found < pinned && !(self.was_cut && self.next.is_none()) {
                let what = format!("record {} was acknowledged and is not there", found + 1);
                self.findings.broken(&dir, "", what);
            }
            return;
        }
        let next = self.next.unwrap_or(1);
        let Some(flushed) = self.extent.flushed else { return };
        check_beginning(segments, Some(flushed), self.findings);
        if next <= flushed {
            let dir = if dir.as_os_str().is_empty() { Path::new("wal") } else { &dir };
            self.findings.broken(dir, "", ends_before(flushed, next));
        }
    }
}
