//! Which files of a day to merge next. Pure: from what is known of the files to a window of neighbours.

use std::sync::Arc;

use crate::store::lake::file::{LakeFile, order_by_writes};

/// Neighbours of a size that make a merge worth its writing while the day goes on.
const MIN_RUN: usize = 8;
/// A file of this size is done, unless late rows must be folded into it.
const TARGET_BYTES: u64 = 128 << 20;
/// Rows of one file at most: a merge of more begins another. One of so many is done as well, however small: merged again
/// it would come out the same.
pub const FILE_ROWS: u64 = 16 << 20;
/// Late files that make a merge of these alone worth it while the day goes on: each costs every query over the day.
const MANY_LATE: usize = 4;

/// Files to be merged, in the order of writes, oldest first.
#[derive(Debug, Clone)]
pub struct Window {
    pub files: Vec<Arc<LakeFile>>,
    /// Whether the merged file is late: only late ones went in.
    pub is_late: bool,
}

/// The next window of a day, of at most `fan_in` files (at least 2), or `None` when its files are well as they are.
///
/// Late files are merged among themselves while the day goes on, and when there are too many files to open at once. That
/// keeps the order of writes: what was on time after a late file shares no key with it, so that the late one may count as
/// written later. Once the day is settled they are folded into the files whose rows they may replace.
pub fn window(files: &[Arc<LakeFile>], is_settled: bool, fan_in: usize) -> Option<Window> {
    let mut files: Vec<Arc<LakeFile>> = files.to_vec();
    order_by_writes(&mut files);
    let late: Vec<_> = files.iter().filter(|f| f.is_late).cloned().collect();
    let folds = is_settled && !late.is_empty() && files.len() > 1;
    if folds && files.len() <= fan_in {
        return fold(&files, &late, fan_in);
    }
    let few_late = if is_settled { 2 } else { MANY_LATE };
    if let Some((start, len)) = small_run(&late, true, few_late) {
        let end = end_of_late(&late, start + len.min(fan_in));
        if end >= start + 2 {
            return Some(Window { files: late[start..end].to_vec(), is_late: true });
        }
    }
    let min_run = if is_settled { 2 } else { MIN_RUN };
    let on_time = small_run(&files, false, min_run);
    let on_time = on_time.map(|(start, len)| files[start..start + len.min(fan_in)].to_vec());
    match on_time {
        Some(files) => Some(Window { files, is_late: false }),
        // Nothing makes them fewer.
        None if folds => fold(&files, &late, fan_in),
        None => None,
    }
}

/// Where a run of late files ends that may not reach beyond `end`: not between files of one seq, as one computation of
/// statistics writes them. The merged file would be of that seq too, with rows from before it, and which of the two was
/// written last could not be told.
fn end_of_late(late: &[Arc<LakeFile>], end: usize) -> usize {
    match late.get(end) {
        Some(next) => late[..end].partition_point(|f| f.seq.1 < next.seq.1),
        None => end,
    }
}

/// Late files and all from the first on that has rows of their streams and not before theirs: what comes out is late to
/// none of those before it, and after them in time for each stream, as files on time are. `None` when these are more than
/// may be open: a day of a billion rows keeps its late file, and queries merge it.
fn fold(files: &[Arc<LakeFile>], late: &[Arc<LakeFile>], fan_in: usize) -> Option<Window> {
    let reaches = |f: &LakeFile, l: &LakeFile| {
        f.ts.1 >= l.ts.0 && f.streams.0 <= l.streams.1 && l.streams.0 <= f.streams.1
    };
    let start = files.iter().position(|f| late.iter().any(|l| reaches(f, l))).unwrap_or(0);
    let files: Vec<_> = files[start..].iter().take(fan_in).cloned().collect();
    files.iter().any(|f| f.is_late).then_some(Window { files, is_late: false })
}

/// The first run of at least `min_run` neighbours of the lowest tier that has one, all late or all on time.
fn small_run(files: &[Arc<LakeFile>], is_late: bool, min_run: usize) -> Option<(usize, usize)> {
    let highest = tier(TARGET_BYTES);
    (0..=highest).find_map(|limit| {
        let is_done = |f: &LakeFile| f.bytes >= TARGET_BYTES || f.rows >= FILE_ROWS;
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

/// Sizes in powers of four above 64 KiB: merging like with like writes each row a few times, not hundreds.
fn tier(bytes: u64) -> u32 {
    (bytes >> 16).checked_ilog2().map_or(0, |log| log / 2 + 1)
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
