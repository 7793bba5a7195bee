//! Tests which reading of each stream is current, whatever the order of rows and times, also after a replay.

use std::time::Duration;

use super::*;
use crate::domain::arrival::AheadBound;
use crate::domain::reading::Reading;
use crate::store::latest_value_codec;
use crate::store::memtable::run::normalize;

/// Times are in seconds; readings may be ahead by 60 of them.
const SECOND: i64 = 1_000_000;

fn good(stream: i32, ts: i64, value: f64) -> Reading {
    Reading::good(StreamId(stream), Micros(ts * SECOND), value)
}

fn lost(stream: i32, ts: i64) -> Reading {
    Reading::lost(StreamId(stream), Micros(ts * SECOND))
}

/// A request that arrives at a time.
struct Request {
    at: i64,
    is_import: bool,
    rows: Vec<Reading>,
}

fn live(at: i64, rows: Vec<Reading>) -> Request {
    Request { at, is_import: false, rows }
}

fn import(at: i64, rows: Vec<Reading>) -> Request {
    Request { at, is_import: true, rows }
}

fn run(seq: u64, request: &Request) -> (Run, Arrival) {
    let rows = normalize(request.rows.iter().cloned().collect());
    let bound = AheadBound::new(Duration::from_secs(60));
    let arrival = Arrival { seq, at: Micros(request.at * SECOND), bound };
    (Run::new(rows, seq).imported(request.is_import), arrival)
}

fn after(requests: &[Request]) -> LatestValueCache {
    let last = LatestValueCache::default();
    for (seq, request) in (1..).zip(requests) {
        let (run, arrival) = run(seq, request);
        last.update(&run, arrival);
    }
    last
}

/// Cache after a start that has a checkpoint of the first records, or later ones, and replays all.
fn restarted(requests: &[Request], checkpointed: usize) -> LatestValueCache {
    let before = after(&requests[..checkpointed]);
    let last = LatestValueCache::default();
    last.import(latest_value_codec::decode(&latest_value_codec::encode(&before.export())).unwrap());
    for (seq, request) in (1..).zip(requests) {
        let (run, arrival) = run(seq, request);
        last.replay(&run, arrival);
    }
    last
}

fn at(last: &LatestValueCache, now: i64) -> Option<LatestReadings> {
    last.get(StreamId(1), Micros(now * SECOND), Micros(i64::MIN))
}

/// Asserts what is current at times, also after restarts with every checkpoint.
fn check(name: &str, requests: Vec<Request>, expected: &[(i64, Option<Reading>, Option<Reading>)]) {
    let caches = (0..=requests.len()).map(|count| (count, restarted(&requests, count)));
    for (checkpointed, last) in [(usize::MAX, after(&requests))].into_iter().chain(caches) {
        for (now, newest, valued) in expected {
            let expected = newest.clone().map(|newest| LatestReadings { newest, valued: valued.clone() });
            assert_eq!(at(&last, *now), expected, "{name} at {now}, checkpoint of {checkpointed}");
        }
    }
}

#[test]
fn the_reading_that_arrived_last_and_the_last_value_are_current() {
    let one = || good(1, 5, 1.0);
    for (name, requests, newest, valued) in [
        ("one", vec![vec![one()]], one(), Some(one())),
        (
            "an_older_one_later",
            vec![vec![one()], vec![good(1, 4, 2.0)]],
            good(1, 4, 2.0),
            Some(good(1, 4, 2.0)),
        ),
        ("the_newest_of_a_request", vec![vec![one(), good(1, 4, 2.0)]], one(), Some(one())),
        (
            "the_same_time_again",
            vec![vec![one()], vec![good(1, 5, 2.0)]],
            good(1, 5, 2.0),
            Some(good(1, 5, 2.0)),
        ),
        ("lost", vec![vec![one()], vec![lost(1, 6)]], lost(1, 6), Some(one())),
        ("lost_before", vec![vec![one()], vec![lost(1, 4)]], lost(1, 4), Some(one())),
        ("lost_in_one_request", vec![vec![lost(1, 6), one(), good(1, 4, 2.0)]], lost(1, 6), Some(one())),
        ("only_lost", vec![vec![lost(1, 6)]], lost(1, 6), None),
        ("a_late_value_after_the_loss", vec![vec![lost(1, 6)], vec![one()]], one(), Some(one())),
        ("the_value_overwritten_by_a_loss", vec![vec![one()], vec![lost(1, 5)]], lost(1, 5), None),
        (
            "the_value_overwritten_by_the_first_of_two_losses",
            vec![vec![one()], vec![lost(1, 5), lost(1, 6)]],
            lost(1, 6),
            None,
        ),
        ("the_loss_overwritten_by_a_value", vec![vec![lost(1, 5)], vec![one()]], one(), Some(one())),
        ("among_others", vec![vec![good(0, 9, 9.0), one(), good(2, 9, 9.0)]], one(), Some(one())),
    ] {
        let requests = requests.into_iter().map(|rows| live(100, rows)).collect();
        check(name, requests, &[(100, Some(newest), valued)]);
    }
}

// rest.md A4: a point in the future held the current value back until its time.
#[test]
fn a_reading_that_is_ahead_is_current_only_when_its_time_has_come() {
    let (ahead, now) = (good(1, 3600, 9.0), good(1, 100, 1.0));
    let both = |reading: &Reading| (Some(reading.clone()), Some(reading.clone()));
    let expect = |at: i64, reading: &Reading| (at, both(reading).0, both(reading).1);
    let cases = [
        ("alone", vec![live(100, vec![ahead.clone()])], vec![(3599, None, None), expect(3600, &ahead)]),
        ("within_the_bound", vec![live(100, vec![good(1, 160, 2.0)])], vec![expect(100, &good(1, 160, 2.0))]),
        (
            "then_a_reading_of_now",
            vec![live(99, vec![ahead.clone()]), live(100, vec![now.clone()])],
            vec![expect(100, &now), expect(3599, &now), expect(3600, &ahead)],
        ),
        (
            "in_one_request",
            vec![import(100, vec![now.clone(), ahead.clone()])],
            vec![expect(100, &now), expect(3600, &ahead)],
        ),
        (
            "what_arrives_after_its_time_replaces_it",
            vec![live(99, vec![ahead.clone()]), live(3700, vec![now.clone()])],
            vec![expect(3700, &now)],
        ),
        (
            "what_is_newer_by_its_time_stays",
            vec![live(99, vec![ahead.clone()]), live(3590, vec![good(1, 3610, 2.0)])],
            vec![expect(3590, &good(1, 3610, 2.0)), expect(3600, &good(1, 3610, 2.0))],
        ),
        (
            "overwritten",
            vec![live(99, vec![ahead.clone()]), live(100, vec![now.clone()]), live(101, vec![lost(1, 3600)])],
            vec![expect(101, &now), (3600, Some(lost(1, 3600)), Some(now.clone()))],
        ),
        (
            "several",
            vec![live(100, vec![now.clone(), good(1, 1000, 2.0), good(1, 2000, 3.0), ahead.clone()])],
            vec![
                expect(999, &now),
                expect(1000, &good(1, 1000, 2.0)),
                expect(3599, &good(1, 2000, 3.0)),
                expect(3600, &ahead),
            ],
        ),
    ];
    for (name, requests, expected) in cases {
        check(name, requests, &expected);
    }
}

#[test]
fn history_is_current_only_when_it_is_newer_and_a_clock_that_was_set_back_holds_nothing_up() {
    let now = good(1, 100, 1.0);
    let is = |at: i64, reading: &Reading| [(at, Some(reading.clone()), Some(reading.clone()))];
    check("older", vec![live(100, vec![now.clone()]), import(100, vec![good(1, 5, 2.0)])], &is(100, &now));
    let newer = good(1, 101, 2.0);
    check("newer", vec![live(100, vec![now.clone()]), import(101, vec![newer.clone()])], &is(101, &newer));
    let back = good(1, 50, 2.0);
    let year = good(1, 31_536_000, 1.0);
    check("set_back", vec![live(31_536_000, vec![year.clone()])], &is(50, &year));
    check("set_back", vec![live(31_536_000, vec![year]), live(50, vec![back.clone()])], &is(50, &back));
}

#[test]
fn of_many_readings_that_are_ahead_the_first_and_the_newest_are_kept() {
    let rows: Vec<Reading> = (1..100).map(|hour| good(1, hour * 3600, hour as f64)).collect();
    let last = after(&[live(0, rows)]);
    for (now, value) in [(3600, 1.0), (7 * 3600, 7.0), (98 * 3600, 7.0), (99 * 3600, 99.0)] {
        assert_eq!(at(&last, now).unwrap().newest.value, Some(value), "{now}");
    }
    assert_eq!(last.newest_time(StreamId(1)), Some(Micros(99 * 3600 * SECOND)));
}

#[test]
fn what_has_expired_gives_way_to_the_newest_that_is_left() {
    let last = after(&[live(100, vec![good(1, 90, 1.0)]), live(100, vec![good(1, 10, 2.0)])]);
    let kept = |oldest: i64| last.get(StreamId(1), Micros(100 * SECOND), Micros(oldest * SECOND));
    assert_eq!(kept(10).unwrap().newest, good(1, 10, 2.0));
    let left = LatestReadings { newest: good(1, 90, 1.0), valued: None };
    assert_eq!((kept(11), kept(91)), (Some(left.clone()), None));
    last.expire(|_| 11 * SECOND);
    assert_eq!((last.take_dirty(), at(&last, 100)), (true, Some(left)));
    last.expire(|_| 91 * SECOND);
    assert_eq!((last.take_dirty(), at(&last, 100)), (true, None));
}

#[test]
fn deleted_streams_are_forgotten() {
    let last = after(&[live(100, vec![good(1, 5, 1.0), good(2, 5, 1.0)])]);
    last.remove(&[StreamId(1), StreamId(7)]);
    assert_eq!(last.streams(), [StreamId(2)]);
}

#[test]
fn the_newest_of_many_leaves_out_streams_without_readings() {
    let last = after(&[live(100, vec![good(1, 5, 1.0), good(2, 7, 2.0)]), live(100, vec![lost(1, 6)])]);
    let streams = [3, 2, 1].into_iter().map(StreamId);
    let newest = last.newest_of_many(streams, Micros(100 * SECOND), |_| Micros(0));
    assert_eq!(newest, [good(2, 7, 2.0), lost(1, 6)]);
}
