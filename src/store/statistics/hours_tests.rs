//! Tests which hours consist of whole windows.

use super::*;
use crate::domain::time::MICROS_PER_SECOND;

const MINUTE: i64 = 60 * MICROS_PER_SECOND;

/// Windows by (start in minutes, length in seconds); the first start is the beginning of time.
fn windows(steps: &[(i64, u32)]) -> Windows {
    let first = [(i64::MIN, steps[0].1)];
    let later = steps[1..].iter().map(|(minute, length)| (minute * MINUTE, *length));
    Windows::from_steps(&first.into_iter().chain(later).collect::<Vec<_>>()).unwrap()
}

#[test]
fn only_hours_of_whole_shorter_windows_are_hours() {
    // Window steps, ranges and expected hours, in minutes.
    type Steps<'a> = &'a [(i64, u32)];
    type Ranges<'a> = &'a [(i64, i64)];
    let cases: [(&str, Steps, Ranges, Ranges); 14] = [
        ("whole", &[(0, 60)], &[(60, 180)], &[(60, 180)]),
        ("both_ends_are_cut", &[(0, 60)], &[(59, 181)], &[(60, 180)]),
        ("within_an_hour", &[(0, 60)], &[(61, 119)], &[]),
        ("across_an_edge", &[(0, 60)], &[(61, 150)], &[]),
        ("two_ranges_that_do_not_touch", &[(0, 60)], &[(0, 90), (100, 240)], &[(0, 60), (120, 240)]),
        ("windows_of_a_second", &[(0, 1)], &[(0, 60)], &[(0, 60)]),
        ("windows_of_half_an_hour", &[(0, 1800)], &[(0, 60)], &[(0, 60)]),
        ("windows_of_an_hour_have_none", &[(0, 3600)], &[(0, 600)], &[]),
        ("windows_of_two_hours_have_none", &[(0, 7200)], &[(0, 600)], &[]),
        ("40_minutes_do_not_divide_an_hour", &[(0, 2400)], &[(0, 600)], &[]),
        ("32_seconds_do_not_either", &[(0, 32)], &[(0, 600)], &[]),
        ("another_length_within_an_hour", &[(0, 60), (75, 300)], &[(0, 180)], &[(0, 180)]),
        ("until_a_length_that_does_not", &[(0, 60), (80, 2400)], &[(0, 180)], &[(0, 60)]),
        ("from_a_length_that_does", &[(0, 2400), (80, 60)], &[(0, 240)], &[(120, 240)]),
    ];
    for (name, steps, within, expected) in cases {
        let us = |ranges: &[(i64, i64)]| {
            TimeRanges::new(ranges.iter().map(|(from, to)| (from * MINUTE, to * MINUTE)).collect())
        };
        assert_eq!(divided_hours(&windows(steps), &us(within)), us(expected), "{name}");
    }
}

#[test]
fn times_without_end_have_no_end_of_their_hours_either() {
    let all = TimeRanges::new(vec![(i64::MIN, i64::MAX)]);
    let found = divided_hours(&Windows::default(), &all).span().unwrap();
    assert_eq!(found, (i64::MIN, start_of_hour(i64::MAX)));
    assert_eq!((start_of_hour(-1), end_of_hour(-1)), (-MICROS_PER_HOUR, 0));
    assert_eq!((start_of_hour(0), end_of_hour(0)), (0, 0));
}
