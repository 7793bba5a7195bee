//! Tests of retention cut-offs and of the rows that may have expired.

use super::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// 2026-04-28T12:00:00Z.
const NOON: i64 = 1_777_377_600_000_000;

#[test]
fn a_policy_cuts_at_the_beginning_of_a_window() {
    // Columns: now, retention and window in seconds; expected times in seconds past noon.
    for (name, now, keep, window, shown, removed, until) in [
        ("on_the_edge", 0, 3600, 60, -3600, -3600, 60),
        ("within_a_minute", 59, 3600, 60, -3600, -3600, 60),
        ("the_next_minute", 60, 3600, 60, -3540, -3540, 120),
        ("windows_of_a_second", 59, 3600, 1, -3541, -3541, 60),
        ("an_hour_is_shown_by_the_minute_and_removed_whole", 1830, 3600, 3600, -1800, -3600, 1860),
        ("90_seconds_begin_within_a_minute", 95, 3600, 90, -3510, -3510, 120),
        ("a_policy_shorter_than_its_window", 30, 1, 60, 0, 0, 61),
    ] {
        let cut = retention_cut(Micros(NOON + now * SECOND), keep, &Windows::with_interval(Some(window)));
        let seconds = [cut.visible_from, cut.purge_before, cut.valid_until].map(|t| (t - NOON) / SECOND);
        assert_eq!(seconds, [shown, removed, until], "{name}");
    }
}

#[test]
fn what_reaches_back_before_1970_keeps_everything() {
    for keep in [NOON / SECOND + 1, i64::MAX / SECOND, i64::MAX] {
        let cut = retention_cut(Micros(NOON), keep, &Windows::default());
        assert_eq!((cut.visible_from, cut.purge_before), (BEGINNING_OF_TIME, BEGINNING_OF_TIME), "{keep}");
        assert!(cut.valid_until > NOON, "{keep}");
    }
}

#[test]
fn nothing_expired_is_shown_longer_than_a_minute_and_a_cut_never_goes_back() {
    for window in [1, 10, 45, 60, 90, 300, 3600, 86_400] {
        let windows = Windows::with_interval(Some(window));
        let mut last = retention_cut(Micros(NOON), 5000, &windows);
        for step in 0..5000 {
            let now = NOON + step * 1_733_333;
            let next = retention_cut(Micros(now), 5000, &windows);
            let reached = now - 5000 * SECOND;
            assert!(
                reached - next.visible_from <= MINUTE && next.visible_from <= reached,
                "{window} at {step}"
            );
            assert!(
                next.purge_before <= next.visible_from
                    && windows.window_containing(next.purge_before).0 == next.purge_before
            );
            assert!(next.visible_from >= last.visible_from && next.purge_before >= last.purge_before);
            assert_eq!(
                next != last,
                now >= last.valid_until,
                "{window} at {step}: until says when it changes"
            );
            last = next;
        }
    }
}

#[test]
fn only_rows_that_can_have_expired_since_are_looked_at() {
    let none = Cutoffs::default();
    let now = Cutoffs::new(vec![(7, END_OF_TIME), (1, BEGINNING_OF_TIME), (2, 2 * HOUR), (5, 5 * HOUR)]);
    let earlier = Cutoffs::new(vec![(7, END_OF_TIME), (1, BEGINNING_OF_TIME), (2, HOUR), (5, 5 * HOUR)]);
    assert_eq!(
        [0, 1, 2, 5, 7].map(|id| now.cutoff_of(id)),
        [BEGINNING_OF_TIME, BEGINNING_OF_TIME, 2 * HOUR, 5 * HOUR, END_OF_TIME]
    );
    for (name, ids, times, before, expected) in [
        ("no_policy", (1, 1), (0, HOUR), &none, false),
        ("unknown_ids", (3, 4), (0, HOUR), &none, false),
        ("expired", (1, 3), (0, 9 * HOUR), &none, true),
        ("newer", (1, 3), (2 * HOUR, 9 * HOUR), &none, false),
        ("deleted", (6, 9), (8 * HOUR, 9 * HOUR), &none, true),
        ("done_before", (5, 9), (0, 9 * HOUR), &earlier, false),
        ("moved_within_the_times", (1, 3), (0, 9 * HOUR), &earlier, true),
        ("moved_after_them", (1, 3), (0, HOUR - 1), &earlier, false),
    ] {
        assert_eq!(now.may_expire(MinMax::from(ids), MinMax::from(times), before), expected, "{name}");
    }
}

#[test]
fn a_period_stays_until_its_end_has_expired() {
    let from = [BEGINNING_OF_TIME, -1, 0, HOUR - 1, HOUR, END_OF_TIME];
    let cutoffs = Cutoffs::new((0..).zip(from).collect()).of_periods(HOUR);
    let found: Vec<i64> = (0..6).map(|id| cutoffs.cutoff_of(id)).collect();
    assert_eq!(found[..5], [BEGINNING_OF_TIME, -HOUR, 0, 0, HOUR]);
    assert!(found[5] > END_OF_TIME - HOUR, "deleted: {}", found[5]);
}
