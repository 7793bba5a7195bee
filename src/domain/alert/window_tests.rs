//! Tests of windows, against one that keeps every reading.

use proptest::prelude::*;

use super::*;

/// No clock was set back.
const LATEST: Micros = Micros(i64::MAX);

fn expected(readings: &[(i64, f64)], length_us: i64) -> WindowStatistics {
    let end = readings.last().map_or(0, |(ts, _)| *ts);
    let inside: Vec<f64> =
        readings.iter().filter(|(ts, _)| *ts > end - length_us).map(|(_, value)| *value).collect();
    WindowStatistics {
        count: inside.len() as u64,
        sum: inside.iter().sum(),
        min: inside.iter().copied().fold(f64::INFINITY, f64::min),
        max: inside.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}

proptest! {
    #[test]
    fn few_readings_are_kept_exactly(
        steps in prop::collection::vec((1_i64..2_000_000, -100_i32..100), 1..200),
        length_s in 1_i64..60,
    ) {
        let (mut window, mut all, mut ts) = (Window::default(), Vec::new(), 0);
        for (step, value) in steps {
            ts += step;
            all.push((ts, f64::from(value)));
            let found = window.push((Micros(ts), f64::from(value)), length_s * 1_000_000, LATEST);
            prop_assert_eq!(found, expected(&all, length_s * 1_000_000));
        }
        let mut stored = Vec::new();
        window.encode(&mut stored);
        let mut rest = stored.as_slice();
        prop_assert_eq!(Window::decode(&mut rest), Some(window));
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn many_readings_take_bounded_memory_and_leave_little_late(steps in prop::collection::vec(1_i64..20_000, 300..2000)) {
        let length_us = 6_400_000;
        let (mut window, mut all, mut ts) = (Window::default(), Vec::new(), 0);
        for (nth, step) in steps.into_iter().enumerate() {
            ts += step;
            all.push((ts, nth as f64));
            let found = window.push((Micros(ts), nth as f64), length_us, LATEST);
            prop_assert!(window.buckets.len() <= MAX_BUCKETS);
            let (least, most) = (expected(&all, length_us), expected(&all, length_us + length_us / PARTS));
            prop_assert!((least.count..=most.count).contains(&found.count), "{found:?} {least:?} {most:?}");
            prop_assert_eq!(found.max, least.max);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut rest = bytes.as_slice();
        if let Some(window) = Window::decode(&mut rest) {
            prop_assert!(window.buckets.len() <= MAX_BUCKETS);
        }
    }
}

#[test]
fn a_reading_leaves_when_the_window_is_over() {
    let mut window = Window::default();
    window.push((Micros(0), 5.0), 10, LATEST);
    assert_eq!(window.push((Micros(9), 1.0), 10, LATEST).count, 2);
    assert_eq!(window.push((Micros(10), 1.0), 10, LATEST).count, 2, "the first is exactly one length old");
}

#[test]
fn a_late_reading_enters_the_window_of_its_time() {
    let mut window = Window::default();
    for ts in [100, 104, 108] {
        window.push((Micros(ts), 1.0), 10, LATEST);
    }
    let late = window.push((Micros(106), 4.0), 10, LATEST);
    assert_eq!((late.count, late.sum), (3, 6.0), "of 100, 104 and itself");
    assert_eq!(window.push((Micros(109), 1.0), 10, LATEST).count, 5, "those before it are still there");
    let again = window.push((Micros(106), 2.0), 10, LATEST);
    assert_eq!((again.count, again.sum), (3, 4.0), "it replaces that of its time");
}

#[test]
fn what_is_ahead_of_a_clock_that_was_set_back_is_dropped() {
    let mut window = Window::default();
    window.push((Micros(1000), 7.0), 10, LATEST);
    assert_eq!(window.push((Micros(5), 1.0), 10, Micros(60)).max, 1.0);
    assert_eq!(window.buckets.len(), 1);
}

#[test]
fn clocks_that_go_back_and_forth_take_bounded_memory() {
    let mut window = Window::default();
    for nth in 0..10_000_i64 {
        let found = window.push((Micros((nth % 100) * 1_000_000 + nth), 1.0), 1_000_000, LATEST);
        assert!(found.count >= 1 && window.buckets.len() <= MAX_BUCKETS);
    }
}
