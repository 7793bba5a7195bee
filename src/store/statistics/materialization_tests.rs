//! Tests which windows are read from raw rows.

use std::collections::BTreeMap;

use arrow::array::StringArray;

use super::*;
use crate::domain::Micros;
use crate::domain::retention::{RetentionBounds, StreamStarts};
use crate::domain::time::MICROS_PER_DAY;
use crate::store::disk::LocalDisk;
use crate::store::lake::location::LakeLocation;
use crate::store::memtable::run::Run;
use crate::store::snapshot::{MemtableDay, Snapshot};

const MINUTE: i64 = 60_000_000;
const NOON: i64 = 20_571 * MICROS_PER_DAY + 720 * MINUTE;

/// Rows of streams at minutes and seconds after noon.
fn run(rows: &[(i32, i64, i64)]) -> Run {
    Run {
        stream: rows.iter().map(|r| r.0).collect(),
        ts: rows.iter().map(|r| NOON + r.1 * MINUTE + r.2 * 1_000_000).collect(),
        value: rows.iter().map(|_| 1.0).collect(),
        quality: rows.iter().map(|_| 0).collect(),
        seq: rows.iter().map(|_| 1).collect(),
        text: None::<StringArray>,
        is_import: false,
        arrived_at: None,
    }
}

/// Ranges in minutes after noon; the end of all time as 9999.
fn minutes(ranges: &TimeRanges) -> Vec<(i64, i64)> {
    let minute = |ts| if ts == i64::MAX { 9999 } else { (ts - NOON) / MINUTE };
    ranges.iter().map(|(a, b)| (minute(a), minute(b))).collect()
}

fn touched(rows: &[(i32, i64, i64)]) -> Invalidations {
    let mut touched = Invalidations::default();
    touched.add_run(&run(rows));
    touched
}

fn empty() -> Snapshot {
    Snapshot {
        lake: Arc::default(),
        lake_dir: Arc::default(),
        location: LakeLocation::local(Arc::new(LocalDisk), &std::env::temp_dir()).unwrap(),
        cache: Arc::default(),
        memory: BTreeMap::new(),
        seq: 0,
        flushed_seq: 0,
        upsert_tables: Default::default(),
        message_counts: Arc::default(),
        materialization: Materialization::default(),
        hours: Materialization::default(),
        retention_bounds: Arc::default(),
        owner: None,
    }
}

#[test]
fn touched_and_unsealed_windows_are_stale_and_no_others() {
    let sealed = NOON + 100 * MINUTE + 1;
    let computed = Materialization::default().advanced(5, sealed);
    let computed =
        computed.with_invalidations(7, touched(&[(1, 10, 30), (1, 11, 0), (1, 40, 59), (2, 20, 0)]));
    let hour = Windows::with_interval(Some(3600));
    for (name, stream, windows, within, expected) in [
        ("its own times only", 1, Windows::default(), (0, 60), vec![(10, 12), (40, 41)]),
        ("another stream", 2, Windows::default(), (0, 60), vec![(20, 21)]),
        ("untouched", 3, Windows::default(), (0, 60), vec![]),
        ("past what is sealed", 3, Windows::default(), (90, 110), vec![(100, 9999)]),
        ("windows of an hour", 1, hour.clone(), (0, 90), vec![(0, 9999)]),
        ("an untouched hour", 3, hour, (0, 60), vec![]),
        ("a part of a window", 1, Windows::default(), (11, 40), vec![(10, 12)]),
    ] {
        let range = (NOON + within.0 * MINUTE, NOON + within.1 * MINUTE);
        assert_eq!(minutes(&computed.stale_windows(stream, &windows, range)), expected, "{name}");
    }
}

#[test]
fn what_was_computed_since_is_stale_no_more() {
    let computed = Materialization::default()
        .advanced(5, NOON)
        .with_invalidations(7, touched(&[(1, -10, 0)]))
        .with_invalidations(9, touched(&[(1, -20, 0)]))
        .advanced(7, NOON);
    let range = (NOON - 30 * MINUTE, NOON);
    assert_eq!(minutes(&computed.stale_windows(1, &Windows::default(), range)), [(-20, -19)]);
}

#[test]
fn at_first_everything_is_stale() {
    let all = Materialization::default().stale_windows(1, &Windows::default(), (NOON, NOON + MINUTE));
    assert!(all.contains(NOON) && all.contains(NOON + MINUTE - 1));
}

#[test]
fn rows_in_memory_make_their_windows_raw() {
    let computed = Materialization::default().advanced(5, NOON + 100 * MINUTE);
    let day = Micros(NOON).day();
    let runs = vec![run(&[(1, 1, 0), (1, 30, 0), (2, 2, 0)]), run(&[(1, 31, 5)])];
    let memory = BTreeMap::from([(day, MemtableDay { runs, is_late: true })]);
    let snapshot = Snapshot { memory, materialization: computed, ..empty() };
    let range = (NOON + 30_000_000, NOON + 60 * MINUTE);
    let raw = |stream| minutes(&snapshot.raw_windows(stream, &Windows::default(), range));
    assert_eq!((raw(1), raw(2), raw(3)), (vec![(1, 2), (30, 32)], vec![(2, 3)], vec![]));
}

#[test]
fn what_is_kept_decides_where_raw_rows_are_the_truth() {
    let since = |minute: Option<i64>| {
        let mut since = StreamStarts::default();
        minute.into_iter().for_each(|m| since.set(1, NOON + m * MINUTE));
        Arc::new(since)
    };
    let stale = touched(&[(1, 5, 0), (1, 50, 0)]);
    let computed = Materialization::default().advanced(5, NOON + 100 * MINUTE).with_invalidations(7, stale);
    // The minutes after noon from which rows are visible, raw, present, and covered by statistics; windows in minutes.
    for (name, window, (shown, raw, there, statistics), expected) in [
        ("everything", 1, (None, None, None, None), vec![(5, 6), (50, 51)]),
        ("raw_rows_are_gone", 1, (Some(20), Some(20), Some(20), None), vec![(50, 51)]),
        ("a_policy_without_a_cycle", 1, (Some(20), Some(20), None, None), vec![(5, 6), (50, 51)]),
        ("another_policy_since_the_cycle", 1, (Some(55), Some(55), Some(20), None), vec![(50, 51)]),
        ("statistics_are_gone", 1, (None, None, None, Some(20)), vec![(-9999, 20), (50, 51)]),
        ("statistics_first", 1, (Some(10), Some(10), Some(10), Some(20)), vec![(10, 20), (50, 51)]),
        ("raw_rows_first", 1, (Some(20), Some(20), Some(20), Some(10)), vec![(50, 51)]),
        ("a_window_shown_in_part", 10, (Some(25), Some(20), Some(20), None), vec![(50, 60)]),
        (
            "a_window_shown_in_part_that_is_stale",
            10,
            (Some(55), Some(50), None, None),
            vec![(0, 10), (50, 60)],
        ),
        ("statistics_end_within_a_window", 10, (None, None, None, Some(25)), vec![(-9999, 30), (50, 60)]),
    ] {
        let (shown, raw) = (since(shown), since(raw));
        let kept = RetentionBounds {
            visible_from: shown,
            raw_from: raw,
            purged_before: since(there),
            statistics_from: since(statistics),
            ..RetentionBounds::default()
        };
        let snapshot =
            Snapshot { materialization: computed.clone(), retention_bounds: Arc::new(kept), ..empty() };
        let windows = Windows::with_interval(Some(window * 60));
        let raw = snapshot.raw_windows(1, &windows, (NOON - 30 * MINUTE, NOON + 90 * MINUTE));
        let minute = |ts: i64| ts.saturating_sub(NOON).div_euclid(MINUTE).max(-9999);
        let found: Vec<_> = raw.iter().map(|(a, b)| (minute(a), minute(b))).collect();
        assert_eq!(found, expected, "{name}");
    }
}
