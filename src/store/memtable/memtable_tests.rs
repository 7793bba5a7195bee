//! Tests that runs stay sorted and unique, and that the later write wins, however rows arrive.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::run::{self, Run, normalize};
use super::*;
use crate::domain::reading::{Reading, Readings};
use crate::domain::{Micros, StreamId};

fn rows(keys: &[(i32, i64, f64)]) -> Readings {
    keys.iter().map(|(s, ts, v)| Reading::good(StreamId(*s), Micros(*ts), *v)).collect()
}

#[test]
fn within_one_request_the_later_row_wins() {
    let sorted = normalize(rows(&[(2, 5, 1.0), (1, 9, 2.0), (2, 5, 3.0), (1, 3, 4.0)]));
    assert_eq!(sorted, rows(&[(1, 3, 4.0), (1, 9, 2.0), (2, 5, 3.0)]));
}

#[test]
fn a_run_is_cut_by_key_and_by_day() {
    let day = crate::domain::time::MICROS_PER_DAY;
    let run = Run::new(normalize(rows(&[(1, 1, 1.0), (1, day, 2.0), (2, 2, 3.0), (3, 3, 4.0)])), 1);
    let part = run.slice_between((1, day), (3, i64::MIN));
    assert_eq!((part.len(), part.get(0).ts.0, part.get(1).stream.0), (2, day, 2));
    let days: Vec<(i32, usize)> = run.by_day().into_iter().map(|(d, r)| (d.0, r.len())).collect();
    assert_eq!(days, [(0, 3), (1, 1)]);
}

proptest! {
    #[test]
    fn merged_runs_hold_the_last_write_of_each_key(
        requests in prop::collection::vec(prop::collection::vec((0..4i32, 0..6i64, -9.0..9.0f64), 1..20), 1..30)
    ) {
        let mut table = Memtable::default();
        let mut expected = BTreeMap::new();
        for (i, request) in requests.iter().enumerate() {
            for (stream, ts, value) in request {
                expected.insert((*stream, *ts), (*value, i as i64));
            }
            for (day, part) in Run::new(normalize(rows(request)), i as u64).by_day() {
                table.insert(day, part);
            }
        }
        let runs: Vec<Run> = table.days().values().flatten().cloned().collect();
        for run in &runs {
            let keys: Vec<_> = (0..run.len()).map(|i| (run.stream[i], run.ts[i])).collect();
            prop_assert!(keys.windows(2).all(|w| w[0] < w[1]), "{keys:?}");
        }
        let all = run::merge(&runs).unwrap();
        let found: BTreeMap<_, _> =
            (0..all.len()).map(|i| ((all.stream[i], all.ts[i]), (all.value[i], all.seq[i]))).collect();
        prop_assert_eq!(found, expected);
    }
}
