//! Which files are merged, row by row.

use super::*;
use crate::domain::time::Day;

/// `sizes` in KiB, in the order of writes; negative is late.
fn day(sizes: &[i64]) -> Vec<Arc<LakeFile>> {
    let file = |(i, kib): (usize, &i64)| LakeFile {
        path: format!("date=2026-01-01/part-{i}.parquet"),
        day: Day(20_454),
        rows: 1,
        bytes: kib.unsigned_abs() << 10,
        streams: (1, 1),
        ts: (0, 0),
        seq: (i as u64, i as u64),
        is_late: *kib < 0,
        crc32: None,
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
        ("a_late_one_waits_while_the_day_goes_on", &with_late[..], false, None),
        ("a_late_one_of_a_settled_day", &with_late[..], true, Some((0, 15, false))),
        ("many_late_ones", &[10, -1, -1, -1, -1][..], false, Some((0, 5, false))),
        ("a_lone_late_one_is_well", &[-10][..], true, None),
    ] {
        let found = window(&day(sizes), is_settled, 64);
        let found = found.map(|w| (w.files[0].seq.0 as usize, w.files.len(), w.is_late));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn merging_ends() {
    let mut files = day(&[10; 200]);
    let mut merges = 0;
    while let Some(window) = window(&files, true, 64) {
        merges += 1;
        assert!(merges < 20, "{files:?}");
        let last = window.files.last().unwrap();
        let bytes = window.files.iter().map(|f| f.bytes).sum();
        let merged = LakeFile { bytes, is_late: window.is_late, ..last.as_ref().clone() };
        files.retain(|f| !window.files.iter().any(|w| w.path == f.path));
        files.push(Arc::new(merged));
    }
    assert_eq!(files.len(), 1);
}
