//! The plant is as docs/benchmarks.md describes it.

use std::collections::HashSet;

use super::*;

const HOURS: u64 = 3 * 3600;

fn rows(seed: u64, every: u64) -> Vec<GeneratedRow> {
    let streams: Vec<_> = (1..=12).map(StreamId).collect();
    let signals = SignalGenerator { step_seconds: every, ..SignalGenerator::with_seed(seed) };
    (0..HOURS / every).flat_map(|tick| signals.rows_at(&streams, tick).collect::<Vec<_>>()).collect()
}

#[test]
fn a_seed_decides_every_row() {
    assert_eq!(rows(7, 60), rows(7, 60));
    assert_ne!(rows(7, 60), rows(8, 60));
}

#[test]
fn one_row_in_a_hundred_is_late_by_up_to_two_hours_and_none_replaces_another() {
    for every in [1, 10] {
        let rows = rows(0, every);
        let keys: HashSet<_> = rows.iter().map(|r| (r.stream, r.ts)).collect();
        assert_eq!(keys.len(), rows.len());
        let lateness = |(i, row): (usize, &GeneratedRow)| {
            let arrived = START_MICROS + (i as i64 / 12) * every as i64 * SECOND_MICROS;
            (row.ts != arrived).then_some(arrived - row.ts)
        };
        let late: Vec<_> = rows.iter().enumerate().filter_map(lateness).collect();
        let share = late.len() as f64 / rows.len() as f64;
        assert!((0.008..0.012).contains(&share), "{share}");
        assert!(late.iter().all(|late| (0..=7200 * SECOND_MICROS).contains(late)));
        assert!(late.iter().any(|late| *late > 6000 * SECOND_MICROS));
    }
}

#[test]
fn the_six_shapes() {
    let rows = rows(0, 1);
    let of = |stream: i32| {
        let mut own: Vec<_> = rows.iter().filter(|r| r.stream == stream).collect();
        own.sort_by_key(|r| r.ts);
        own.into_iter().map(|r| r.value).collect::<Vec<_>>()
    };
    let distinct = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<HashSet<_>>().len();
    let two_decimals = |values: &[f64]| values.iter().all(|v| ((v * 100.0).round() / 100.0).eq(v));
    let (drift, sine, noise) = (of(1), of(2), of(3));
    assert!(two_decimals(&drift) && drift.windows(2).all(|w| (w[0] - w[1]).abs() < 0.02));
    assert!(two_decimals(&sine) && distinct(&sine) > 1000);
    assert!(!two_decimals(&noise) && distinct(&noise) > noise.len() * 9 / 10);
    assert_eq!(distinct(&of(4)), 2);
    assert!(of(5).is_sorted() && distinct(&of(5)) > 10_000);
    assert_eq!(distinct(&of(6)), 3);
}
