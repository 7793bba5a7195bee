//! Compaction picker: chooses which files of a day to merge next. It is pure, from the metadata of files to a window of
//! adjacent ones.

use std::sync::Arc;

use crate::store::lake::file::{LakeFile, sort_by_write_order};

/// Number of adjacent files of similar size that justify a merge while the day is not settled.
const MIN_FILES_TO_MERGE: usize = 8;
/// A file of this size is not merged again, unless late rows must be folded into it.
const TARGET_FILE_BYTES: u64 = 128 << 20;
/// Maximum rows of one file: a larger merge starts another file. A file with this many rows is not merged again,
/// however small, because the result would be the same.
pub const MAX_FILE_ROWS: u64 = 16 << 20;
/// Number of late files that justify a merge of their own while the day is not settled: each slows every query over the
/// day.
const MIN_LATE_FILES_TO_MERGE: usize = 4;

/// Files to merge, in write order, oldest first.
#[derive(Debug, Clone)]
pub struct CompactionInput {
    pub files: Vec<Arc<LakeFile>>,
    /// Whether the merged file is late. It is only when all inputs are.
    pub is_late: bool,
}

/// Picks the next window of a day, of at most `fan_in` files (at least 2), or `None` when no merge is needed.
///
/// Late files are merged with each other while the day is not settled, and when there are too many files to open at
/// once. This keeps the write order: on-time rows written after a late file share no key with it, so the late file may
/// count as written later. Once the day is settled, late files are folded into the files whose rows they may replace.
pub fn pick(files: &[Arc<LakeFile>], is_settled: bool, fan_in: usize) -> Option<CompactionInput> {
    let mut files: Vec<Arc<LakeFile>> = files.to_vec();
    sort_by_write_order(&mut files);
    let late: Vec<_> = files.iter().filter(|f| f.is_late).cloned().collect();
    let folds = is_settled && !late.is_empty() && files.len() > 1;
    if folds && files.len() <= fan_in {
        return fold(&files, &late, fan_in);
    }
    let few_late = if is_settled { 2 } else { MIN_LATE_FILES_TO_MERGE };
    if let Some((start, len)) = small_run(&late, true, few_late) {
        let end = end_of_late(&late, start + len.min(fan_in));
        if end >= start + 2 {
            return Some(CompactionInput { files: late[start..end].to_vec(), is_late: true });
        }
    }
    let min_run = if is_settled { 2 } else { MIN_FILES_TO_MERGE };
    let on_time = small_run(&files, false, min_run);
    let on_time = on_time.map(|(start, len)| files[start..start + len.min(fan_in)].to_vec());
    match on_time {
        Some(files) => Some(CompactionInput { files, is_late: false }),
        // No other merge reduces their number.
        None if folds => fold(&files, &late, fan_in),
        None => None,
    }
}

/// Returns the end, at most `end`, of a run of late files. It never splits files of one seq, as one computation of
/// statistics writes them: the merged file would have that seq too, with rows from before it, and the write order of
/// the two would be lost.
fn end_of_late(late: &[Arc<LakeFile>], end: usize) -> usize {
    match late.get(end) {
        Some(next) => late[..end].partition_point(|f| f.seq.max < next.seq.max),
        None => end,
    }
}

/// Picks the late files and all files from the first one on that has rows of the same streams at or after the times of
/// the late rows. The result is not late with respect to the files before it, and follows them in time for each stream,
/// as on-time files do. `None` when these are more than `fan_in`: a day of a billion rows keeps its late file, and
/// queries merge it.
fn fold(files: &[Arc<LakeFile>], late: &[Arc<LakeFile>], fan_in: usize) -> Option<CompactionInput> {
    let reaches = |f: &LakeFile, l: &LakeFile| f.ts.max >= l.ts.min && f.streams.overlaps(l.streams);
    let start = files.iter().position(|f| late.iter().any(|l| reaches(f, l))).unwrap_or(0);
    let files: Vec<_> = files[start..].iter().take(fan_in).cloned().collect();
    files.iter().any(|f| f.is_late).then_some(CompactionInput { files, is_late: false })
}

/// Finds the first run of at least `min_run` adjacent files in the lowest tier that has one, all late or all on time.
/// Returns its start and length.
fn small_run(files: &[Arc<LakeFile>], is_late: bool, min_run: usize) -> Option<(usize, usize)> {
    let highest = tier(TARGET_FILE_BYTES);
    (0..=highest).find_map(|limit| {
        let is_done = |f: &LakeFile| f.bytes >= TARGET_FILE_BYTES || f.rows >= MAX_FILE_ROWS;
        let fits = |f: &Arc<LakeFile>| f.is_late == is_late && !is_done(f) && tier(f.bytes) <= limit;
        let mut start = 0;
        while start < files.len() {
            let len = files[start..].iter().take_while(|f| fits(f)).count();
            if len >= min_run {
                return Some((start, len));
            }
            start += len + 1;
        }
        None
    })
}

/// Size tiers in powers of four above 64 KiB. Merging files of similar size rewrites each row a few times, not
/// hundreds.
fn tier(bytes: u64) -> u32 {
    (bytes >> 16).checked_ilog2().map_or(0, |log| log / 2 + 1)
}

#[cfg(test)]
#[path = "picker_tests.rs"]
mod tests;
