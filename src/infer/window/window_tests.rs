//! Readings and the windows and gaps they give, row by row. The interval is 10 µs, so a value holds for 30.

use super::*;

/// A step of a caller.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Feature, time, value.
    Value(usize, i64, f64),
    /// Feature, time: an observation without a value.
    Null(usize, i64),
    Time(i64),
}

/// An event that owns its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OwnedEvent {
    Window(i64, Vec<f64>),
    GapStarted { at: i64, feature: usize, last_value: Option<i64> },
    GapEnded(i64, i64),
}

pub(super) fn drain_events(windows: &mut WindowAssembler, events: &mut Vec<OwnedEvent>) {
    while let Some(item) = windows.next_event() {
        events.push(match item {
            WindowEvent::Window { end, values } => OwnedEvent::Window(end.0, values.to_vec()),
            WindowEvent::GapStarted(GapStarted { at, feature, last_value }) => {
                OwnedEvent::GapStarted { at: at.0, feature, last_value: last_value.map(|ts| ts.0) }
            }
            WindowEvent::GapEnded { from, until } => OwnedEvent::GapEnded(from.0, until.0),
        });
    }
}

pub(super) fn apply(windows: &mut WindowAssembler, step: Step) {
    match step {
        Step::Value(feature, ts, value) => windows.push(feature, Micros(ts), Some(value)),
        Step::Null(feature, ts) => windows.push(feature, Micros(ts), None),
        Step::Time(time) => windows.advance_watermark(Micros(time)),
    }
}

/// Returns all events, taken after every step.
pub(super) fn run_steps(windows: &mut WindowAssembler, steps: &[Step]) -> Vec<OwnedEvent> {
    let mut events = Vec::new();
    for step in steps {
        apply(windows, *step);
        drain_events(windows, &mut events);
    }
    events
}

fn plan(features: usize, samples: usize) -> WindowSpec {
    WindowSpec::new(features, samples, 10).unwrap()
}

fn window(end: i64, values: &[f64]) -> OwnedEvent {
    OwnedEvent::Window(end, values.to_vec())
}

fn began(at: i64, feature: usize, last_value: i64) -> OwnedEvent {
    OwnedEvent::GapStarted { at, feature, last_value: Some(last_value) }
}

use Step::{Null, Time, Value};
use basalt_fuzz::rows;

#[test]
fn readings_of_one_source_become_windows() {
    let rows: [(&str, usize, &[Step], Vec<OwnedEvent>); 13] = rows![
        "nothing", 2, &[], vec![];
        "time_alone", 2, &[Time(1_000)], vec![];
        "a_sample_waits_for_something_at_it_or_after", 1, &[Value(0, 12, 1.0)], vec![];
        "said_at_the_sample", 1, &[Value(0, 20, 1.0)], vec![window(20, &[1.0])];
        "said_after_it", 1, &[Value(0, 12, 1.0), Value(0, 21, 2.0)], vec![window(20, &[1.0])];
        "time_has_come_to_it", 1, &[Value(0, 12, 1.0), Time(19), Time(20)], vec![window(20, &[1.0])];
        "the_newest_before_a_sample_counts", 1,
            &[Value(0, 11, 1.0), Value(0, 15, 2.0), Value(0, 19, 3.0), Value(0, 25, 4.0), Time(30)],
            vec![window(20, &[3.0]), window(30, &[4.0])];
        "of_the_same_time_the_last_counts", 1, &[Value(0, 15, 1.0), Value(0, 15, 2.0), Time(20)],
            vec![window(20, &[2.0])];
        "out_of_order_but_in_time", 1, &[Value(0, 5, 1.0), Value(0, 18, 2.0), Value(0, 13, 3.0), Time(20)],
            vec![window(10, &[1.0]), window(20, &[2.0])];
        "windows_overlap", 3, &[Value(0, 10, 1.0), Value(0, 20, 2.0), Value(0, 30, 3.0), Value(0, 40, 4.0)],
            vec![window(30, &[1.0, 2.0, 3.0]), window(40, &[2.0, 3.0, 4.0])];
        "a_value_holds_for_three_intervals", 1, &[Value(0, 10, 1.0), Time(40)],
            vec![window(10, &[1.0]), window(20, &[1.0]), window(30, &[1.0]), window(40, &[1.0])];
        "null_and_not_finite_leave_the_value", 1,
            &[Value(0, 10, 1.0), Null(0, 20), Value(0, 30, f64::NAN), Value(0, 40, f64::INFINITY)],
            vec![window(10, &[1.0]), window(20, &[1.0]), window(30, &[1.0]), window(40, &[1.0])];
        "before_1970", 2, &[Value(0, -20, 1.0), Value(0, -10, 2.0), Value(0, -1, 3.0), Value(0, 3, 4.0)],
            vec![window(-10, &[1.0, 2.0]), window(0, &[2.0, 3.0])];
    ];
    for (name, samples, steps, expected) in rows {
        assert_eq!(run_steps(&mut WindowAssembler::new(plan(1, samples)), steps), expected, "{name}");
    }
}

#[test]
fn sources_are_waited_for_until_time_has_come() {
    let rows: [(&str, &[Step], Vec<OwnedEvent>); 4] = rows![
        "one_is_not_enough", &[Value(0, 10, 1.0), Value(0, 50, 2.0)], vec![];
        "both", &[Value(0, 10, 1.0), Value(0, 20, 2.0), Value(1, 8, 5.0), Value(1, 20, 6.0)],
            vec![window(20, &[1.0, 5.0, 2.0, 6.0])];
        "a_silent_one_is_held_when_time_has_come",
            &[Value(0, 10, 1.0), Value(1, 10, 5.0), Value(0, 20, 2.0), Value(0, 30, 3.0), Time(29), Time(30)],
            vec![window(20, &[1.0, 5.0, 2.0, 5.0]), window(30, &[2.0, 5.0, 3.0, 5.0])];
        "one_that_only_says_null_is_not_waited_for",
            &[Value(0, 10, 1.0), Value(1, 10, 5.0), Value(0, 20, 2.0), Null(1, 20)],
            vec![window(20, &[1.0, 5.0, 2.0, 5.0])];
    ];
    for (name, steps, expected) in rows {
        assert_eq!(run_steps(&mut WindowAssembler::new(plan(2, 2)), steps), expected, "{name}");
    }
}

#[test]
fn past_its_hold_a_silent_source_makes_a_gap_and_windows_begin_anew() {
    let window_at = |at| window(at, &[2.0, 2.0]);
    let rows: [(&str, &[Step], Vec<OwnedEvent>); 4] = rows![
        "told_when_it_begins_and_when_it_ends",
            &[Value(0, 10, 2.0), Time(40), Time(49), Time(50), Time(60), Value(0, 75, 3.0), Time(80)],
            vec![window_at(20), window_at(30), window_at(40), began(50, 0, 10), OwnedEvent::GapEnded(50, 80)];
        "as_long_as_a_value_holds_is_no_gap",
            &[Value(0, 10, 1.0), Value(0, 20, 2.0), Value(0, 60, 6.0), Value(0, 70, 7.0)],
            vec![
                window(20, &[1.0, 2.0]),
                window_at(30),
                window_at(40),
                window_at(50),
                window(60, &[2.0, 6.0]),
                window(70, &[6.0, 7.0]),
            ];
        "longer_is_one_and_no_window_has_samples_of_both_sides",
            &[Value(0, 10, 1.0), Value(0, 19, 2.0), Value(0, 60, 6.0), Value(0, 70, 7.0)],
            vec![
                window(20, &[1.0, 2.0]),
                window_at(30),
                window_at(40),
                began(50, 0, 19),
                OwnedEvent::GapEnded(50, 60),
                window(70, &[6.0, 7.0]),
            ];
        "one_gap_until_there_is_a_value_again",
            &[Value(0, 10, 2.0), Time(100), Time(101), Null(0, 102), Value(0, 111, 3.0), Time(120)],
            vec![window_at(20), window_at(30), window_at(40), began(50, 0, 10), OwnedEvent::GapEnded(50, 120)];
    ];
    for (name, steps, expected) in rows {
        assert_eq!(run_steps(&mut WindowAssembler::new(plan(1, 2)), steps), expected, "{name}");
    }
}

#[test]
fn one_silent_source_of_two_is_a_gap_and_named() {
    let begin = [Value(0, 10, 1.0), Value(1, 10, 5.0), Value(0, 30, 2.0)];
    let before = [
        window(20, &[1.0, 5.0, 1.0, 5.0]),
        window(30, &[1.0, 5.0, 2.0, 5.0]),
        window(40, &[2.0, 5.0, 2.0, 5.0]),
        began(50, 1, 10),
    ];
    assert_eq!(run_steps(&mut WindowAssembler::new(plan(2, 2)), &[&begin[..], &[Time(50)]].concat()), before);

    // The other falls silent before the first is back.
    let end = [Time(70), Value(1, 71, 6.0), Time(80), Value(0, 90, 3.0), Time(90)];
    let whole = [&before[..], &[OwnedEvent::GapEnded(50, 90)]].concat();
    assert_eq!(run_steps(&mut WindowAssembler::new(plan(2, 2)), &[&begin[..], &end].concat()), whole);
}

#[test]
fn of_several_silent_sources_the_one_silent_for_longest_is_named() {
    for (name, first, second, longest) in
        [("the_first", 11, 12, 0), ("the_second", 12, 11, 1), ("the_same", 11, 11, 0)]
    {
        let steps = [Value(0, first, 1.0), Value(1, second, 5.0), Time(60)];
        let events = run_steps(&mut WindowAssembler::new(plan(2, 2)), &steps);
        assert_eq!(events.last(), Some(&began(50, longest, 11)), "{name}");
    }
}

#[test]
fn where_history_is_gone_a_gap_is_told_from_after_the_position_on() {
    let mut windows = WindowAssembler::resume(plan(1, 2), Micros(100));
    let steps = [Time(90), Time(130), Value(0, 145, 1.0), Time(160)];
    let expected = [
        OwnedEvent::GapStarted { at: 110, feature: 0, last_value: None },
        OwnedEvent::GapEnded(110, 150),
        window(160, &[1.0, 1.0]),
    ];
    assert_eq!(run_steps(&mut windows, &steps), expected);
}

#[test]
fn silence_before_the_first_sample_is_no_gap() {
    let steps = [Value(0, 10, 1.0), Time(500), Value(1, 510, 5.0), Time(510), Value(0, 515, 2.0), Time(530)];
    let expected = [window(530, &[2.0, 5.0, 2.0, 5.0])];
    assert_eq!(run_steps(&mut WindowAssembler::new(plan(2, 2)), &steps), expected);
}

#[test]
fn late_readings_are_counted_and_change_nothing_that_is_decided() {
    let mut windows = WindowAssembler::new(plan(1, 1));
    let steps = [Value(0, 5, 1.0), Time(20), Value(0, 18, 2.0), Value(0, 12, 9.0), Null(0, 19), Time(30)];
    let expected = [window(10, &[1.0]), window(20, &[1.0]), window(30, &[2.0])];
    assert_eq!(run_steps(&mut windows, &steps), expected);
    assert_eq!(windows.late(), LateReadings { readings: 2, oldest: Some(Micros(12)) });
}

#[test]
fn a_stride_leaves_windows_out_and_begins_anew_after_a_gap() {
    let mut windows = WindowAssembler::new(plan(1, 2).with_stride(3).unwrap());
    let mut steps: Vec<Step> = (1..=8).map(|k| Value(0, 10 * k, k as f64)).collect();
    steps.extend((13..=17).map(|k| Value(0, 10 * k, k as f64)));
    let expected = [
        window(20, &[1.0, 2.0]),
        window(50, &[4.0, 5.0]),
        window(80, &[7.0, 8.0]),
        window(110, &[8.0, 8.0]),
        began(120, 0, 80),
        OwnedEvent::GapEnded(120, 130),
        window(140, &[13.0, 14.0]),
        window(170, &[16.0, 17.0]),
    ];
    assert_eq!(run_steps(&mut windows, &steps), expected);
}

/// One reading with a wrong year must not cost a step for each sample of two centuries.
#[test]
fn a_long_silence_costs_no_time() {
    let end = crate::domain::time::END_TIME.0 - 1_000;
    let mut windows = WindowAssembler::new(plan(1, 1));
    let steps = [
        Value(0, 10, 1.0),
        Value(0, end - 7, 2.0),
        Value(0, end + 3, 3.0),
        Time(i64::MAX),
        Value(0, i64::MIN, 4.0),
    ];
    let window_at = |k: i64| window(end + 10 * k, &[3.0]);
    assert_eq!(
        run_steps(&mut windows, &steps),
        [
            window(10, &[1.0]),
            window(20, &[1.0]),
            window(30, &[1.0]),
            window(40, &[1.0]),
            began(50, 0, 10),
            OwnedEvent::GapEnded(50, end),
            window(end, &[2.0]),
            window_at(1),
            window_at(2),
            window_at(3),
            began(end + 40, 0, end + 3),
        ]
    );
}

#[test]
fn impossible_plans_are_refused() {
    let (size, interval) = (InvalidWindowSpec::Size, InvalidWindowSpec::Interval);
    for (name, features, samples, interval_us, expected) in [
        ("no_feature", 0, 4, 10, Some(size)),
        ("no_sample", 4, 0, 10, Some(size)),
        ("too_large", 1 << 12, 1 << 12, 10, Some(size)),
        ("overflow", usize::MAX, 2, 10, Some(size)),
        ("no_interval", 1, 1, 0, Some(interval(0))),
        ("backwards", 1, 1, -5, Some(interval(-5))),
        ("over_a_day", 1, 1, MAX_INTERVAL_US + 1, Some(interval(MAX_INTERVAL_US + 1))),
        ("a_day", 1, 1, MAX_INTERVAL_US, None),
    ] {
        assert_eq!(WindowSpec::new(features, samples, interval_us).err(), expected, "{name}");
    }
    assert_eq!(plan(1, 1).with_stride(0), Err(InvalidWindowSpec::Stride));
}
