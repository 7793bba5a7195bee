//! Splits a day's windows into parts, so that few of its files are open at the same time.

use super::time_ranges::TimeRanges;
use crate::domain::min_max::MinMax;
use crate::domain::window::Windows;

/// Returns ascending split times with about `most` files between two of them. Files are given by the bounds of their
/// times.
///
/// Where more files than that overlap there is no split, because each would be read again and again.
pub fn split_times(files: &[MinMax<i64>], most: usize) -> Vec<i64> {
    let mut files = files.to_vec();
    files.sort_unstable_by_key(|file| (file.min, file.max));
    let (mut cuts, mut ends) = (Vec::new(), Vec::new());
    for MinMax { min: from, max: to } in files {
        let reaching = ends.iter().filter(|end| **end >= from).count();
        if ends.len() >= most && reaching <= most / 2 {
            cuts.push(from);
            ends.retain(|end| *end >= from);
        }
        ends.push(to);
    }
    cuts
}

/// Returns the windows of a set that begin in `[from, to)`. The set consists of whole windows.
pub fn windows_starting_in(wanted: &TimeRanges, windows: &Windows, (from, to): (i64, i64)) -> TimeRanges {
    let first_from = |time: i64| match windows.window_containing(time) {
        (start, _) if start == time => time,
        (_, end) => end,
    };
    wanted.within(first_from(from), first_from(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_one_after_the_other_are_cut_and_those_that_overlap_are_not() {
        let after: Vec<(i64, i64)> = (0..10).map(|i| (i * 10, i * 10 + 9)).collect();
        let reaching: Vec<(i64, i64)> = (0..10).map(|i| (i * 10, i * 10 + 12)).collect();
        let all: Vec<(i64, i64)> = (0..10).map(|i| (i, 1000 + i)).collect();
        let mixed: Vec<(i64, i64)> = after.iter().copied().chain([(0, 99)]).collect();
        type Times<'a> = &'a [(i64, i64)];
        let cases: [(&str, Times, usize, &[i64]); 7] = [
            ("none", &[], 4, &[]),
            ("few", &after[..4], 4, &[]),
            ("one after the other", &after, 4, &[40, 80]),
            ("each reaches into the next", &reaching, 4, &[40, 70]),
            ("all at once", &all, 4, &[]),
            ("one over all", &mixed, 4, &[30, 60, 90]),
            ("the least", &after[..3], 2, &[20]),
        ];
        for (name, files, most, expected) in cases {
            let files: Vec<MinMax<i64>> = files.iter().copied().map(MinMax::from).collect();
            assert_eq!(split_times(&files, most), expected, "{name}");
        }
    }

    #[test]
    fn every_window_begins_in_one_part() {
        const SECOND: i64 = 1_000_000;
        let windows = Windows::with_interval(Some(60));
        let wanted = TimeRanges::new(vec![(0, 300 * SECOND), (600 * SECOND, 720 * SECOND)]);
        let cuts = [i64::MIN, 60 * SECOND, 61 * SECOND, 150 * SECOND, 660 * SECOND, i64::MAX];
        let parts = cuts.windows(2).map(|cut| windows_starting_in(&wanted, &windows, (cut[0], cut[1])));
        let found: Vec<Vec<i64>> = parts
            .map(|part| part.iter().flat_map(|(from, to)| (from..to).step_by(60 * SECOND as usize)).collect())
            .collect();
        let seconds = |starts: &[i64]| starts.iter().map(|s| s * SECOND).collect::<Vec<_>>();
        let expected =
            [seconds(&[0]), seconds(&[60]), seconds(&[120]), seconds(&[180, 240, 600]), seconds(&[660])];
        assert_eq!(found, expected);
    }
}
