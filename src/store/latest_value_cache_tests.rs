//! Tests the newest reading and the newest value of each stream, whatever the order of rows.

use super::*;
use crate::domain::Micros;
use crate::store::memtable::run::normalize;

fn good(stream: i32, ts: i64, value: f64) -> Reading {
    Reading::good(StreamId(stream), Micros(ts), value)
}

fn lost(stream: i32, ts: i64) -> Reading {
    Reading::lost(StreamId(stream), Micros(ts))
}

fn after(requests: &[Vec<Reading>]) -> LatestValueCache {
    let last = LatestValueCache::default();
    for (seq, rows) in (1..).zip(requests) {
        last.update(&Run::new(normalize(rows.iter().cloned().collect()), seq));
    }
    last
}

#[test]
fn the_newest_row_and_the_newest_value_are_kept() {
    for (name, requests, newest, valued) in [
        ("one", vec![vec![good(1, 5, 1.0)]], good(1, 5, 1.0), Some(good(1, 5, 1.0))),
        (
            "an_older_one_later",
            vec![vec![good(1, 5, 1.0)], vec![good(1, 4, 2.0)]],
            good(1, 5, 1.0),
            Some(good(1, 5, 1.0)),
        ),
        (
            "the_same_time_again",
            vec![vec![good(1, 5, 1.0)], vec![good(1, 5, 2.0)]],
            good(1, 5, 2.0),
            Some(good(1, 5, 2.0)),
        ),
        ("lost", vec![vec![good(1, 5, 1.0)], vec![lost(1, 6)]], lost(1, 6), Some(good(1, 5, 1.0))),
        (
            "lost_in_one_request",
            vec![vec![lost(1, 6), good(1, 5, 1.0), good(1, 4, 2.0)]],
            lost(1, 6),
            Some(good(1, 5, 1.0)),
        ),
        ("only_lost", vec![vec![lost(1, 6)]], lost(1, 6), None),
        (
            "a_late_value_before_the_loss",
            vec![vec![lost(1, 6)], vec![good(1, 5, 1.0)]],
            lost(1, 6),
            Some(good(1, 5, 1.0)),
        ),
        ("the_value_overwritten_by_a_loss", vec![vec![good(1, 6, 1.0)], vec![lost(1, 6)]], lost(1, 6), None),
        (
            "the_value_overwritten_by_the_first_of_two_losses",
            vec![vec![good(1, 5, 1.0)], vec![lost(1, 5), lost(1, 6)]],
            lost(1, 6),
            None,
        ),
        (
            "the_loss_overwritten_by_a_value",
            vec![vec![lost(1, 6)], vec![good(1, 6, 1.0)]],
            good(1, 6, 1.0),
            Some(good(1, 6, 1.0)),
        ),
        (
            "among_others",
            vec![vec![good(0, 9, 9.0), good(1, 5, 1.0), good(2, 9, 9.0)]],
            good(1, 5, 1.0),
            Some(good(1, 5, 1.0)),
        ),
    ] {
        let last = after(&requests);
        assert_eq!(last.get(StreamId(1)), Some(LatestReadings { newest, valued }), "{name}");
        let again = LatestValueCache::default();
        again.import(&last.export());
        assert_eq!(again.get(StreamId(1)), last.get(StreamId(1)), "{name}, through a checkpoint");
    }
}

#[test]
fn deleted_streams_are_forgotten() {
    let last = after(&[vec![good(1, 5, 1.0), good(2, 5, 1.0)]]);
    last.remove(&[StreamId(1), StreamId(7)]);
    assert_eq!((last.get(StreamId(1)).is_none(), last.get(StreamId(2)).is_some()), (true, true));
}

#[test]
fn the_newest_of_many_leaves_out_streams_without_readings() {
    let last = after(&[vec![good(1, 5, 1.0), good(2, 7, 2.0)], vec![lost(1, 6)]]);
    let newest = last.newest_of_many([3, 2, 1].into_iter().map(StreamId));
    assert_eq!(newest, [good(2, 7, 2.0), lost(1, 6)]);
}
