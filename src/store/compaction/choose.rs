//! Which files of a day to merge next. Pure: from what is known of the files to a window of neighbours.

use std::sync::Arc;

use crate::store::lake::file::LakeFile;

/// Neighbours of a size that make a merge worth its writing while the day goes on.
const MIN_RUN: usize = 8;
/// A file of this size is done, unless late rows must be folded into it.
const TARGET_BYTES: u64 = 128 << 20;
/// Rows of one file at most: a merge of more begins another. One of so many is done as well, however small: merged again
/// it would come out the same.
pub const FILE_ROWS: u64 = 16 << 20;
/// Late files that make a merge of the day so far worth it: each costs every query over the day.
const MANY_LATE: usize = 4;

/// Neighbours in the order of writes, oldest first.
#[derive(Debug, Clone)]
pub struct Window {
    pub files: Vec<Arc<LakeFile>>,
    /// Whether the merged file is late: late rows went in, but not everything written before them.
    pub is_late: bool,
}

/// The next window of a day, of at most `fan_in` files (at least 2), or `None` when its files are well as they are.
pub fn window(files: &[Arc<LakeFile>], is_settled: bool, fan_in: usize) -> Option<Window> {
    let mut files: Vec<Arc<LakeFile>> = files.to_vec();
    // A flush that wrote two files wrote the late rows after the others.
    files.sort_by_key(|f| (f.seq.1, f.is_late, f.path.clone()));
    let late = files.iter().filter(|f| f.is_late).count();
    if late > 0 && (is_settled || late >= MANY_LATE) && files.len() > 1 {
        // From the beginning of the order, so that what comes out is late to nothing.
        return Some(cut(&files, 0, fan_in));
    }
    let min_run = if is_settled { 2 } else { MIN_RUN };
    small_run(&files, min_run).map(|(start, len)| cut(&files, start, len.min(fan_in)))
}

fn cut(files: &[Arc<LakeFile>], start: usize, len: usize) -> Window {
    let files: Vec<_> = files[start..files.len().min(start + len)].to_vec();
    let is_late = start > 0 && files.iter().any(|f| f.is_late);
    Window { files, is_late }
}

/// The first run of at least `min_run` neighbours of the lowest tier that has one.
fn small_run(files: &[Arc<LakeFile>], min_run: usize) -> Option<(usize, usize)> {
    let highest = tier(TARGET_BYTES);
    (0..=highest).find_map(|limit| {
        let is_done = |f: &LakeFile| f.bytes >= TARGET_BYTES || f.rows >= FILE_ROWS;
        let fits = |f: &Arc<LakeFile>| !f.is_late && !is_done(f) && tier(f.bytes) <= limit;
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
