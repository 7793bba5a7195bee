//! Tests of the picker: which files are merged, case by case.

use super::*;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;

/// `sizes` in KiB, in write order; negative is late. A KiB holds a thousand rows, so a file of 16,778 KiB is full.
fn day(sizes: &[i64]) -> Vec<Arc<LakeFile>> {
    let file = |(i, kib): (usize, &i64)| LakeFile {
        path: format!("date=2026-01-01/part-{i}.parquet"),
        day: Day(20_454),
        rows: kib.unsigned_abs() * 1000,
        bytes: kib.unsigned_abs() << 10,
        streams: MinMax::of(1),
        ts: MinMax::of(0),
        seq: MinMax::of(i as u64),
        is_late: *kib < 0,
        crc32: None,
        longest_text: None,
        footer: None,
    };
    sizes.iter().enumerate().map(file).map(Arc::new).collect()
}

#[test]
fn neighbours_worth_merging_are_found() {
    let small = [10; 8];
    let after_big = [vec![9000], vec![10; 9]].concat();
    let with_late = [vec![10; 7], vec![-10], vec![10; 7]].concat();
    for (name, sizes, is_settled, expected) in [
        ("nothing", &[][..], true, None),
        ("one_file", &[10][..], true, None),
        ("a_few_while_the_day_goes_on", &[10, 10, 10][..], false, None),
        ("a_few_of_a_settled_day", &[10, 10, 10][..], true, Some((0, 3, false))),
        ("many_small_ones", &small[..], false, Some((0, 8, false))),
        ("small_ones_after_a_big_one", &after_big[..], false, Some((1, 9, false))),
        ("at_most_the_fan_in", &[10; 100][..], false, Some((0, 64, false))),
        ("big_ones_are_done", &[200_000, 200_000][..], true, None),
        ("full_ones_are_done", &[16_778, 16_778, 10][..], true, None),
        ("small_ones_after_full_ones", &[16_778, 16_778, 10, 10][..], true, Some((2, 2, false))),
        ("a_late_one_waits_while_the_day_goes_on", &with_late[..], false, None),
        ("a_late_one_of_a_settled_day", &with_late[..], true, Some((0, 15, false))),
        ("many_late_ones", &[10, -1, 10, -1, 10, -1, -1][..], false, Some((1, 4, true))),
        ("few_late_ones", &[10, -1, 10, -1, 10, -1][..], false, None),
        ("more_late_ones_than_may_be_open", &[-1; 70][..], true, Some((0, 64, true))),
        ("a_lone_late_one_is_well", &[-10][..], true, None),
    ] {
        let found = pick(&day(sizes), is_settled, 64);
        let found = found.map(|w| (w.files[0].seq.min as usize, w.files.len(), w.is_late));
        assert_eq!(found, expected, "{name}");
    }
}

/// Files as a merge writes them: full ones, and one with the rest.
fn merged(window: &CompactionInput, number: usize) -> Vec<Arc<LakeFile>> {
    let last = window.files.last().unwrap();
    let sum = |of: fn(&LakeFile) -> u64| window.files.iter().map(|f| of(f)).sum::<u64>();
    let (rows, bytes) = (sum(|f| f.rows), sum(|f| f.bytes));
    let part = |i: u64| {
        let own = (rows - i * MAX_FILE_ROWS).min(MAX_FILE_ROWS);
        let path = format!("merged-{number}-{i}");
        let bytes = bytes * own / rows;
        Arc::new(LakeFile { path, rows: own, bytes, is_late: window.is_late, ..last.as_ref().clone() })
    };
    (0..rows.div_ceil(MAX_FILE_ROWS)).map(part).collect()
}

#[test]
fn merging_ends() {
    let huge = [vec![16_778; 70], vec![-100]].concat();
    let with_late: Vec<i64> = (0..200).map(|i| if i % 3 == 2 { -100 } else { 2000 }).collect();
    // In a day of 100 million rows, files are full although they are smaller than the target size.
    for (name, sizes, expected) in [
        ("small", vec![10; 200], 1),
        ("many_rows", vec![2000; 50], 6),
        ("late_ones", with_late, 17),
        ("more_full_ones_than_may_be_open", huge, 71),
    ] {
        let mut files = day(&sizes);
        let mut merges = 0;
        while let Some(window) = pick(&files, true, 64) {
            merges += 1;
            assert!(merges < 20, "{name}: {files:?}");
            files.retain(|f| !window.files.iter().any(|w| w.path == f.path));
            files.extend(merged(&window, merges));
        }
        assert_eq!(files.len(), expected, "{name}");
    }
}

/// Streams and hours of a file, inclusive, and whether it is late.
type Extent = ((i32, i32), (i64, i64), bool);

/// Files in write order.
fn boxes(files: &[Extent]) -> Vec<Arc<LakeFile>> {
    let plain = day(&vec![10; files.len()]);
    let place = |(file, (streams, ts, is_late)): (&Arc<LakeFile>, &Extent)| {
        let (streams, ts, is_late) = (MinMax::from(*streams), MinMax::from(*ts), *is_late);
        Arc::new(LakeFile { streams, ts, is_late, ..file.as_ref().clone() })
    };
    plain.iter().zip(files).map(place).collect()
}

#[test]
fn late_rows_are_folded_into_what_they_may_replace_and_all_after_it() {
    let (all, morning, noon) = ((1, 9), (0, 9), (10, 14));
    for (name, files, expected) in [
        ("into_all", vec![(all, morning, false), (all, noon, false), (all, (3, 12), true)], 0..3),
        (
            "not_into_what_was_over",
            vec![(all, morning, false), (all, noon, false), (all, (12, 12), true)],
            1..3,
        ),
        (
            "not_into_other_streams",
            vec![((1, 3), noon, false), ((4, 9), noon, false), ((5, 5), (12, 12), true)],
            1..3,
        ),
        // Otherwise an on-time file would be followed by one with earlier times.
        (
            "into_what_is_later",
            vec![(all, noon, false), ((2, 2), (3, 3), true), (all, (15, 16), false)],
            0..3,
        ),
        ("after_the_others", vec![(all, morning, false), (all, (12, 12), true)], 1..2),
    ] {
        let found = pick(&boxes(&files), true, 64).unwrap();
        let seqs: Vec<u64> = found.files.iter().map(|f| f.seq.min).collect();
        assert_eq!(seqs, expected.collect::<Vec<u64>>(), "{name}");
        assert!(!found.is_late, "{name}");
    }
}

#[test]
fn late_files_of_one_seq_are_merged_together_or_not_at_all() {
    for (name, seqs, expected) in [
        ("apart", vec![1, 2, 3, 4, 5, 6], Some(0..4)),
        ("two_at_the_end", vec![1, 2, 3, 4, 4, 5], Some(0..3)),
        ("many_at_the_end", vec![1, 4, 4, 4, 4, 4], None),
        ("all_within", vec![1, 2, 2, 3, 4, 5], Some(0..4)),
    ] {
        let seq = |(file, seq): (&Arc<LakeFile>, &u64)| {
            Arc::new(LakeFile { seq: MinMax::of(*seq), ..file.as_ref().clone() })
        };
        let files: Vec<_> = day(&vec![-10; seqs.len()]).iter().zip(&seqs).map(seq).collect();
        let found = pick(&files, false, 4).map(|w| w.files.iter().map(|f| f.path.clone()).collect());
        let expected: Option<Vec<String>> =
            expected.map(|at| files[at].iter().map(|f| f.path.clone()).collect());
        assert_eq!(found, expected, "{name}");
    }
}
