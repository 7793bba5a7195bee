//! Tests of windows before, across and after changes of a stream's interval.

use super::*;

const SECOND: i64 = MICROS_PER_SECOND;
const NOON: i64 = 20_571 * MICROS_PER_DAY + 12 * 3600 * SECOND;

#[test]
fn a_window_holds_its_start_and_not_its_end() {
    let minutes = Windows::default();
    for (name, ts, start) in [
        ("at its start", NOON, NOON),
        ("within", NOON + 59_999_999, NOON),
        ("the next", NOON + 60_000_000, NOON + 60_000_000),
        ("before 1970", -1, -60_000_000),
    ] {
        assert_eq!(minutes.window_containing(ts), (start, start + 60 * SECOND), "{name}");
    }
}

#[test]
fn a_changed_interval_begins_where_both_lengths_begin_and_leaves_the_past() {
    for (name, before, after, now, from) in [
        ("longer", None, Some(300), NOON + 61 * SECOND, NOON + 300 * SECOND),
        ("shorter", Some(3600), Some(10), NOON + SECOND, NOON + 3600 * SECOND),
        ("neither divides the other", Some(90), Some(60), NOON, NOON + 180 * SECOND),
        ("back to the default", Some(10), None, NOON + SECOND, NOON + 60 * SECOND),
    ] {
        let windows = Windows::with_interval(before).with_interval_change(Micros(now), after);
        assert_eq!(windows.length_at(from - 1), micros(before), "{name}");
        assert_eq!(windows.window_containing(from), (from, from + micros(after)), "{name}");
        assert_eq!(windows.lengths_between(now, from).collect::<Vec<_>>(), [micros(before), micros(after)]);
        assert_eq!(Windows::from_steps(&windows.steps()), Some(windows), "{name}");
    }
}

#[test]
fn a_change_taken_back_before_it_began_leaves_no_trace() {
    let hour = Windows::default().with_interval_change(Micros(NOON), Some(3600));
    assert_eq!(hour.with_interval_change(Micros(NOON + 1), None), Windows::default());
    let same = Windows::with_interval(Some(10)).with_interval_change(Micros(NOON), Some(10));
    assert_eq!(same, Windows::with_interval(Some(10)));
}
