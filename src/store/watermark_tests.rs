//! Tests that a row is late when a flushed row can have its key. Treating others as late only costs time.

use super::*;
use crate::domain::reading::{Reading, Readings};
use crate::domain::{Micros, StreamId};

fn run(rows: &[(i32, i64)]) -> Run {
    let rows: Readings = rows.iter().map(|(s, ts)| Reading::good(StreamId(*s), Micros(*ts), 1.0)).collect();
    Run::new(rows, 1)
}

#[test]
fn late_is_decided_per_stream_and_day() {
    let mut marks = Watermarks::default();
    marks.advance(Day(1), &run(&[(1, 100), (1, 200), (2, 50)]));
    marks.advance(Day(1), &run(&[(1, 150)]));
    for (name, day, stream, ts, expected) in [
        ("newer_than_the_mark", 1, 1, 201, false),
        ("at_the_mark", 1, 1, 200, true),
        ("an_older_flush_does_not_lower_the_mark", 1, 1, 151, true),
        ("another_stream_has_its_own_mark", 1, 2, 60, false),
        ("a_stream_never_flushed", 1, 3, 1, false),
        ("another_day", 2, 1, 100, false),
    ] {
        assert_eq!(marks.is_late(Day(day), stream, ts), expected, "{name}");
    }
}

#[test]
fn after_a_start_the_newest_time_of_a_day_counts_for_every_stream() {
    let mut marks = Watermarks::new([(Day(1), 100)].into());
    assert!(marks.is_late(Day(1), 7, 100), "its file may hold any stream");
    assert!(!marks.is_late(Day(1), 7, 101));
    marks.advance(Day(1), &run(&[(7, 300)]));
    assert!(marks.is_late(Day(1), 7, 300) && !marks.is_late(Day(1), 8, 300));
}

#[test]
fn the_oldest_row_of_each_stream_tells_whether_a_run_is_late() {
    let mut marks = Watermarks::default();
    marks.advance(Day(1), &run(&[(2, 100)]));
    assert!(!marks.any_late(Day(2), &run(&[(2, 1)])));
    assert!(!marks.any_late(Day(1), &run(&[(1, 1), (2, 101), (3, 1)])));
    assert!(marks.any_late(Day(1), &run(&[(1, 1), (2, 100), (2, 101)])));
}

#[test]
fn of_days_past_those_kept_rows_are_late_rather_than_forgotten() {
    let mut marks = Watermarks::default();
    for day in 0..=MAX_TRACKED_DAYS as i32 {
        marks.advance(Day(day), &run(&[(1, 500)]));
    }
    assert_eq!(marks.marks.len(), MAX_TRACKED_DAYS);
    assert!(marks.is_late(Day(0), 1, 500) && marks.is_late(Day(0), 2, 500) && !marks.is_late(Day(0), 1, 501));
    // A late day that was evicted comes back and is evicted again.
    marks.advance(Day(0), &run(&[(1, 900)]));
    assert!(marks.is_late(Day(0), 1, 900));
}

#[test]
fn the_more_streams_the_fewer_days_have_marks() {
    for (days, marks, expected) in [
        (MAX_TRACKED_DAYS, MAX_TRACKED_DAYS, false),
        (MAX_TRACKED_DAYS + 1, MAX_TRACKED_DAYS + 1, true),
        (4, MAX_MARKS, false),
        (4, MAX_MARKS + 1, true),
        (MIN_TRACKED_DAYS, 10 * MAX_MARKS, false),
    ] {
        assert_eq!(exceeds_limits(days, marks), expected, "{days} days, {marks} marks");
    }
    let mut marks = Watermarks::default();
    marks.advance(Day(1), &run(&[(1, 1), (2, 1)]));
    marks.advance(Day(2), &run(&[(1, 1)]));
    assert_eq!(marks.count(), 3);
}
