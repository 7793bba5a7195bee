//! Tests that windows of many days are merged in few commits.

use super::*;
use crate::domain::min_max::MinMax;

/// A window of a day, with files of the given sizes in bytes.
fn window(day: i32, sizes: &[u64]) -> DayInput {
    let file = |bytes: &u64| LakeFile {
        path: String::new(),
        day: Day(day),
        rows: 1,
        bytes: *bytes,
        streams: MinMax::of(1),
        ts: MinMax::of(0),
        seq: MinMax::of(1),
        is_late: false,
        crc32: None,
        longest_text: None,
        footer: None,
    };
    (Day(day), CompactionInput { files: sizes.iter().map(file).map(Arc::new).collect(), is_late: false })
}

#[test]
fn a_commit_takes_many_days_up_to_a_size() {
    let year: Vec<_> = (0..365).map(|day| window(day, &[200_000, 10_000])).collect();
    let large = MAX_COMMIT_BYTES / 2;
    for (name, windows, expected) in [
        ("nothing", vec![], vec![]),
        ("a_year_of_a_stream", year, vec![365]),
        ("one_that_is_more_than_a_commit", vec![window(0, &[large; 5])], vec![1]),
        ("two_that_just_fit", vec![window(0, &[large]), window(1, &[large])], vec![2]),
        ("large_ones", (0..3).map(|day| window(day, &[large, 1])).collect(), vec![1, 1, 1]),
        ("many_files", (0..3).map(|day| window(day, &[1; MAX_COMMIT_FILES / 2])).collect(), vec![2, 1]),
    ] {
        let groups = group_into_commits(windows);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), expected, "{name}");
        assert!(groups.iter().flatten().map(|(day, _)| *day).is_sorted(), "{name}: their order stays");
    }
}
