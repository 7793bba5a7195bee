//! Tests that the merged slices hold what a map of the keys would, however runs overlap.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Run<'a> = &'a [(i32, i64)];

fn slice(run: usize, start: usize, end: usize) -> RunSlice {
    RunSlice { run, start, end }
}

/// Merges runs given as lists of keys.
fn order(runs: &[Vec<(i32, i64)>]) -> Vec<RunSlice> {
    let columns: Vec<(Vec<i32>, Vec<i64>)> = runs.iter().map(|run| run.iter().copied().unzip()).collect();
    let keys: Vec<RunKeys> = columns.iter().map(|(stream, ts)| RunKeys { stream, ts }).collect();
    merge_order(&keys)
}

#[test]
fn what_follows_in_time_is_taken_whole() {
    let cases: [(&str, &[Run], &[RunSlice]); 6] = [
        ("nothing", &[], &[]),
        ("empty runs", &[&[], &[(1, 1)], &[]], &[slice(1, 0, 1)]),
        ("one", &[&[(1, 1), (1, 2), (2, 1)]], &[slice(0, 0, 3)]),
        (
            "two after one another",
            &[&[(1, 1), (1, 2), (2, 1)], &[(1, 3), (2, 2), (2, 3)]],
            &[slice(0, 0, 2), slice(1, 0, 1), slice(0, 2, 3), slice(1, 1, 3)],
        ),
        (
            "the older run is later in time",
            &[&[(1, 7), (1, 8)], &[(1, 1), (1, 2)]],
            &[slice(1, 0, 2), slice(0, 0, 2)],
        ),
        (
            "a late row between two, another in place of one",
            &[&[(1, 1), (1, 3), (1, 5)], &[(1, 2), (1, 3)]],
            &[slice(0, 0, 1), slice(1, 0, 2), slice(0, 2, 3)],
        ),
    ];
    for (name, runs, expected) in cases {
        let runs: Vec<_> = runs.iter().map(|run| run.to_vec()).collect();
        assert_eq!(order(&runs), expected, "{name}");
    }
}

#[test]
fn the_length_of_a_stream_is_found() {
    for length in 1..70 {
        for after in [0, 1, 9] {
            let streams: Vec<i32> = [vec![3; length], vec![4; after]].concat();
            assert_eq!(run_length(&streams), length, "{length} and {after}");
        }
    }
}

proptest! {
    #[test]
    fn the_later_run_has_the_row(
        runs in prop::collection::vec(prop::collection::btree_set((0..4i32, 0..40i64), 0..40), 0..9)
    ) {
        let runs: Vec<Vec<(i32, i64)>> = runs.into_iter().map(|run| run.into_iter().collect()).collect();
        let mut expected = BTreeMap::new();
        for (run, keys) in runs.iter().enumerate() {
            expected.extend(keys.iter().enumerate().map(|(row, key)| (*key, (run, row))));
        }
        let found: Vec<((i32, i64), (usize, usize))> = order(&runs)
            .iter()
            .flat_map(|slice| (slice.start..slice.end).map(|row| (slice.run, row)))
            .map(|(run, row)| (runs[run][row], (run, row)))
            .collect();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }
}
