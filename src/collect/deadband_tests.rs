//! Stored and skipped results, as a story per stream: time, result, stored or not.

use uuid::Uuid;

use super::*;
use crate::collect::numeric_value::NumericValue;
use crate::domain::reading::Quality;
use crate::domain::stream::StreamSpec;
use crate::domain::window::Windows;
use crate::domain::{DeviceId, OrgId};
use basalt_fuzz::rows;

const SECOND: i64 = 1_000_000;
const LONGEST: Duration = Duration::from_secs(600);

fn stream(change: impl FnOnce(&mut StreamSpec)) -> Arc<Stream> {
    let mut spec = StreamSpec::new("temp", DeviceId(1));
    spec.path = "hr:0".into();
    change(&mut spec);
    let at = Micros(0);
    Arc::new(Stream {
        id: StreamId(1),
        org: OrgId(1),
        uuid: Uuid::nil(),
        channel: 1,
        spec,
        windows: Windows::default(),
        created_at: at,
        updated_at: at,
    })
}

fn tags(change: impl FnOnce(&mut StreamSpec)) -> DeadbandFilter {
    let mut tags = DeadbandFilter::default();
    tags.reload([stream(change)]);
    tags
}

fn answer(at_s: i64, outcome: Result<NumericValue, &str>) -> PollResult {
    let outcome = outcome.map(Sample::from).map_err(str::to_owned);
    PollResult { stream: StreamId(1), ts: Micros(at_s * SECOND), outcome }
}

/// A result from a source that gives quality and time.
fn answered(received_s: i64, source_s: i64, number: i64, quality: Quality) -> PollResult {
    let content = DeviceValue::Number(NumericValue::Int(number));
    let source_time = Some(Micros(source_s * SECOND));
    let sample = Sample { value: content, quality, source_time, is_historical: false };
    PollResult { stream: StreamId(1), ts: Micros(received_s * SECOND), outcome: Ok(sample) }
}

/// Evaluates and commits one result; returns the stored reading.
fn store_answer(tags: &mut DeadbandFilter, at_s: i64, outcome: Result<f64, &str>) -> Option<Reading> {
    let (offer, _) = tags.evaluate(vec![answer(at_s, outcome.map(NumericValue::Float))], LONGEST);
    let stored = offer.readings.iter().next();
    tags.commit(offer);
    stored
}

#[test]
fn deadband_stores_what_matters() {
    let mut tags = tags(|spec| spec.deadband = Some(0.5));
    for (name, at_s, outcome, is_stored) in [
        ("first", 0, Ok(20.0), true),
        ("smaller_change", 1, Ok(20.4), false),
        ("compared_with_the_stored_value_not_the_last", 2, Ok(20.5), true),
        ("down", 3, Ok(20.0), true),
        ("unchanged", 4, Ok(20.0), false),
        ("still_unchanged_just_before_the_longest_interval", 602, Ok(20.1), false),
        ("one_row_per_longest_interval", 603, Ok(20.1), true),
        ("quality_turns_bad", 604, Err("exception"), true),
        ("stays_bad", 605, Err("exception"), false),
        ("stays_bad_for_ever", 5000, Err("exception"), false),
        ("quality_turns_good_with_the_same_value", 5001, Ok(20.1), true),
        ("nan_is_bad", 5002, Ok(f64::NAN), true),
        ("infinite_is_still_bad", 5003, Ok(f64::INFINITY), false),
        ("good_again", 5004, Ok(20.1), true),
    ] {
        let stored = store_answer(&mut tags, at_s, outcome);
        assert_eq!(stored.is_some(), is_stored, "{name}: {stored:?}");
        if let Some(reading) = stored {
            let value = outcome.ok().filter(|v| v.is_finite());
            assert_eq!((reading.value, reading.ts), (value, Micros(at_s * SECOND)), "{name}");
        }
    }
}

#[test]
fn without_a_deadband_every_poll_is_stored() {
    let mut tags = tags(|_| ());
    assert!((0..5).all(|s| store_answer(&mut tags, s, Ok(1.0)).is_some()));
}

#[test]
fn wide_integers_are_compared_exactly() {
    let mut tags = tags(|spec| spec.deadband = Some(1.0));
    let mut stored = |at_s, count| {
        let (offer, _) = tags.evaluate(vec![answer(at_s, Ok(NumericValue::Uint(count)))], LONGEST);
        let text = offer.readings.iter().next().and_then(|r| r.text);
        tags.commit(offer);
        text
    };
    assert_eq!(stored(0, u64::MAX - 1).as_deref(), Some("18446744073709551614"));
    assert_eq!(stored(1, u64::MAX - 1), None);
    assert_eq!(stored(2, u64::MAX).as_deref(), Some("18446744073709551615"));
}

#[test]
fn times_increase_when_the_clock_stands_still_and_are_right_after_a_step() {
    let mut tags = tags(|_| ());
    let times = [5, 5, 3, 6].map(|s| store_answer(&mut tags, s, Ok(1.0)).unwrap().ts.0);
    let after_step = 1;
    let expected = [5 * SECOND, 5 * SECOND + 8, 3 * SECOND + after_step, 6 * SECOND + after_step];
    assert_eq!(times, expected, "right at once when the clock is set back");
}

#[test]
fn a_loss_is_one_bad_reading() {
    let mut tags = tags(|_| ());
    store_answer(&mut tags, 0, Ok(1.0));
    let offer = tags.mark_lost(Micros(SECOND));
    assert_eq!(offer.readings.iter().collect::<Vec<_>>(), [Reading::lost(StreamId(1), Micros(SECOND))]);
    // The sink refused it, so it is pending again.
    let offer = tags.mark_lost(Micros(2 * SECOND));
    assert_eq!(offer.readings.len(), 1);
    tags.commit(offer);
    assert!(tags.mark_lost(Micros(3 * SECOND)).readings.is_empty());
    assert!(store_answer(&mut tags, 4, Ok(1.0)).is_some());
}

#[test]
fn a_value_the_sink_refused_is_offered_again() {
    let mut tags = tags(|spec| spec.deadband = Some(10.0));
    let (refused, _) = tags.evaluate(vec![answer(0, Ok(NumericValue::Int(1)))], LONGEST);
    assert_eq!(refused.readings.len(), 1);
    assert!(store_answer(&mut tags, 1, Ok(1.0)).is_some());
}

#[test]
fn failing_tags_are_named_once() {
    let mut tags = tags(|_| ());
    let mut transitions = |at_s, outcome| tags.evaluate(vec![answer(at_s, outcome)], LONGEST).1;
    let good = Ok(NumericValue::Int(1));
    assert!(transitions(0, good).is_empty());
    assert_eq!(transitions(1, Err("no such register"))[0].fault.as_deref(), Some("no such register"));
    assert!(transitions(2, Err("no such register")).is_empty());
    assert_eq!(transitions(3, good)[0].fault, None);
    transitions(4, Err("no such register"));
    assert_eq!(tags.first_fault().as_deref(), Some("`temp` (hr:0): no such register"));
}

#[test]
fn a_reload_keeps_what_is_known_unless_the_source_changed() {
    let banded = |spec: &mut StreamSpec| spec.deadband = Some(10.0);
    let mut tags = tags(banded);
    store_answer(&mut tags, 0, Ok(1.0));
    tags.reload([stream(|spec| {
        banded(spec);
        spec.name = "temperature".into();
    })]);
    assert!(store_answer(&mut tags, 1, Ok(1.0)).is_none(), "a new name is the same source");
    tags.reload([stream(|spec| {
        banded(spec);
        spec.path = "hr:1".into();
    })]);
    assert!(store_answer(&mut tags, 2, Ok(1.0)).is_some(), "a new path is a first value");
    store_answer(&mut tags, 3, Err("gone"));
    tags.reload([stream(banded)]);
    assert!(store_answer(&mut tags, 4, Err("gone")).is_none(), "bad stays known");
    tags.reload([]);
    assert!(store_answer(&mut tags, 5, Ok(1.0)).is_none(), "a removed stream stores nothing");
}

#[test]
fn scale_and_offset_are_applied() {
    let mut tags = tags(|spec| (spec.scale, spec.offset) = (0.1, -40.0));
    assert_eq!(store_answer(&mut tags, 0, Ok(650.0)).unwrap().value, Some(25.0));
}

#[test]
fn a_value_of_the_past_is_stored_at_its_time_and_changes_nothing() {
    let mut tags = tags(|spec| spec.deadband = Some(1.0));
    let past = |received_s, source_s, number| {
        let mut result = answered(received_s, source_s, number, Quality::Good);
        result.outcome.as_mut().unwrap().is_historical = true;
        result
    };
    let undated = {
        let mut result = past(102, 0, 5);
        result.outcome.as_mut().unwrap().source_time = None;
        result
    };
    for (name, answer, stored) in [
        ("a_value", answered(100, 100, 1, Quality::Good), Some((100, 1.0))),
        ("an_earlier_one", past(101, 40, 9), Some((40, 9.0))),
        ("the_deadband_does_not_apply", past(102, 50, 9), Some((50, 9.0))),
        ("without_a_time_it_has_no_place", undated, None),
        ("nor_in_the_future", past(103, 100_000_000, 9), None),
        ("what_is_the_same_as_the_last_value_is_not_stored", answered(104, 104, 1, Quality::Good), None),
        ("the_next_value", answered(105, 105, 2, Quality::Good), Some((105, 2.0))),
    ] {
        let (offer, _) = tags.evaluate(vec![answer], LONGEST);
        let found = offer.readings.iter().next();
        tags.commit(offer);
        let expected = stored.map(|(at_s, value)| (Micros(at_s * SECOND), Some(value)));
        assert_eq!(found.map(|reading| (reading.ts, reading.value)), expected, "{name}");
    }
    assert!(tags.mark_lost(Micros(106 * SECOND)).readings.len() == 1);
    let (offer, _) = tags.evaluate(vec![past(107, 60, 9)], LONGEST);
    assert!(offer.with_received_times().is_none(), "a time that is refused is not replaced");
}

#[test]
fn a_source_that_says_the_time_is_believed_when_it_says_something_new() {
    let mut tags = tags(|_| ());
    let bad = |received_s| PollResult {
        stream: StreamId(1),
        ts: Micros(received_s * SECOND),
        outcome: Err("sensor".into()),
    };
    let (good, uncertain) = (Quality::Good, Quality::Uncertain);
    for (name, answer, stored) in rows![
        "its_time_is_the_readings_time", answered(100, 50, 1, good), Some((50 * SECOND, Some(1.0), good));
        "the_same_again_is_nothing_new", answered(101, 50, 1, good), None;
        "another_value_of_that_time_is_told_now", answered(102, 50, 2, good),
            Some((102 * SECOND, Some(2.0), good));
        "another_status_too", answered(103, 50, 2, uncertain), Some((103 * SECOND, Some(2.0), uncertain));
        "bad_is_told_now", bad(104), Some((104 * SECOND, None, Quality::Bad));
        "and_once", bad(105), None;
        "an_older_time_is_told_now", answered(106, 60, 3, good), Some((106 * SECOND, Some(3.0), good));
        "a_newer_time_is_the_readings_time", answered(110, 109, 3, good), Some((109 * SECOND, Some(3.0), good));
        "a_time_a_little_ahead_too", answered(111, 171, 4, good), Some((171 * SECOND, Some(4.0), good));
        "what_is_told_then_comes_after", bad(112), Some((171 * SECOND + 8, None, Quality::Bad));
        "a_time_far_ahead_is_wrong", answered(300, 300 + 61, 5, good),
            Some((300 * SECOND, Some(5.0), uncertain));
    ] {
        let (offer, _) = tags.evaluate(vec![answer], LONGEST);
        let found =
            offer.readings.iter().next().map(|reading| (reading.ts.0, reading.value, reading.quality));
        assert_eq!(found, stored, "{name}");
        tags.commit(offer);
    }
}

#[test]
fn an_unchanged_source_is_stored_once_in_the_longest_interval() {
    let mut tags = tags(|_| ());
    let mut stored = |received_s| {
        let (offer, _) = tags.evaluate(vec![answered(received_s, -5000, 7, Quality::Good)], LONGEST);
        let ts = offer.readings.iter().next().map(|reading| reading.ts.0 / SECOND);
        tags.commit(offer);
        ts
    };
    let values = [0, 1, 599, 600, 601, 1199, 1200].map(&mut stored);
    assert_eq!(values, [Some(-5000), None, None, Some(600), None, None, Some(1200)]);
}

#[test]
fn several_answers_of_one_stream_are_judged_one_after_the_other() {
    let mut tags = tags(|spec| spec.deadband = Some(2.0));
    let answers = [1, 2, 3, 5].map(|number| answered(10, number, number, Quality::Good));
    let again = answer(10, Err("gone"));
    let (offer, _) = tags.evaluate([answers.to_vec(), vec![again.clone(), again]].concat(), LONGEST);
    let found: Vec<_> = offer.readings.iter().map(|reading| (reading.ts.0, reading.value)).collect();
    let expected =
        [(SECOND, Some(1.0)), (3 * SECOND, Some(3.0)), (5 * SECOND, Some(5.0)), (10 * SECOND, None)];
    assert_eq!(found, expected);
    tags.commit(offer);
    assert!(tags.mark_lost(Micros(11 * SECOND)).readings.is_empty(), "the last one counts");
}

#[test]
fn an_offer_can_be_halved_and_retimed() {
    let mut tags = tags(|_| ());
    let answers = (1..=5).map(|n| answered(10 + n, n, n, Quality::Good)).collect();
    let (offer, _) = tags.evaluate(answers, LONGEST);
    let times = |offer: &PendingReadings| {
        offer.readings.iter().map(|reading| reading.ts.0 / SECOND).collect::<Vec<_>>()
    };
    let (early, late) = offer.halves();
    assert_eq!((times(&early), times(&late)), (vec![1, 2], vec![3, 4, 5]));
    let late = late.with_received_times().unwrap();
    assert_eq!(times(&late), [13, 14, 15]);
    assert!(late.with_received_times().is_none());
    let (one, other) = early.halves();
    assert_eq!((times(&one), times(&other)), (vec![1], vec![2]));
}

/// Evaluates and commits one result of a source that gives its time; the time in seconds, value and quality stored.
fn store_told(
    tags: &mut DeadbandFilter,
    (received_s, source_s, number): (i64, i64, i64),
) -> Option<(i64, f64, Quality)> {
    let answers = vec![answered(received_s, source_s, number, Quality::Good)];
    let (offer, _) = tags.evaluate(answers, LONGEST);
    let stored = offer.readings.iter().next();
    tags.commit(offer);
    stored.map(|reading| (reading.ts.0 / SECOND, reading.value.unwrap(), reading.quality))
}

/// Plant A2: after one value an hour ahead all that followed were a microsecond apart, an hour ahead.
#[test]
fn a_source_whose_clock_was_ahead_does_not_keep_its_readings_in_the_future() {
    let mut tags = tags(|_| ());
    let (good, uncertain) = (Quality::Good, Quality::Uncertain);
    for (told, stored) in [
        ((1000, 1000, 1), Some((1000, 1.0, good))),
        ((1005, 4600, 2), Some((1005, 2.0, uncertain))),
        ((1010, 4600, 2), None),
        ((1015, 1015, 3), Some((1015, 3.0, good))),
        ((1020, 1020, 3), Some((1020, 3.0, good))),
    ] {
        assert_eq!(store_told(&mut tags, told), stored, "{told:?}");
    }
    assert_eq!(tags.clock_offset_s(), Some(3595.0), "for a minute");
    store_told(&mut tags, (1065, 1065, 3));
    assert_eq!(tags.clock_offset_s(), None);
}

/// Plant A2, case 27: our own clock is set back by an hour.
#[test]
fn times_are_right_at_once_after_our_own_clock_was_an_hour_ahead() {
    let mut tags = tags(|spec| spec.deadband = Some(1.0));
    let mut stored = |at_s, number| store_answer(&mut tags, at_s, Ok(number)).map(|r| r.ts.0 / SECOND);
    assert_eq!([stored(7200, 1.0), stored(7201, 1.0)], [Some(7200), None]);
    assert_eq!(stored(3600, 1.0), Some(3600), "a row of the new time");
    assert_eq!([stored(3601, 1.0), stored(3602, 5.0)], [None, Some(3602)]);
}

/// A stream of which the store has this reading from before a restart.
fn recalled(ts_s: i64, value: f64, quality: Quality, now_s: i64) -> DeadbandFilter {
    let mut tags = tags(|_| ());
    assert_eq!(tags.unknown_streams(), [StreamId(1)]);
    let reading = Reading { quality, ..Reading::good(StreamId(1), Micros(ts_s * SECOND), value) };
    tags.recall(vec![reading], Micros(now_s * SECOND));
    assert!(tags.unknown_streams().is_empty());
    tags
}

/// Plant A3: a controller whose clock was never set, 2012.
#[test]
fn an_unset_clock_gives_times_of_receipt_before_and_after_a_restart() {
    let (now, unset) = (1_790_000_000, 1_325_376_000);
    let uncertain = Quality::Uncertain;
    let mut tags = tags(|_| ());
    for (second, number) in [(0, 12), (1, 12), (20, 24)] {
        let stored = store_told(&mut tags, (now + second, unset + second, number));
        assert_eq!(stored, Some((now + second, number as f64, uncertain)), "{second}");
    }
    assert_eq!(tags.clock_offset_s().map(f64::round), Some((unset - now) as f64));
    let mut tags = recalled(now + 20, 24.0, uncertain, now + 30);
    let again = store_told(&mut tags, (now + 30, unset + 20, 24));
    assert_eq!(again, None, "the same statement is not stored twice");
    assert_eq!(store_told(&mut tags, (now + 31, unset + 31, 25)), Some((now + 31, 25.0, uncertain)));
}

/// Plant A3: the last time comes from the store, so that a restart does not change the time base.
#[test]
fn a_time_older_than_what_the_store_has_gives_way_to_the_time_of_receipt_after_a_restart() {
    let good = Quality::Good;
    let mut tags = recalled(9000, 24.0, good, 9010);
    assert_eq!(store_told(&mut tags, (9010, 5000, 24)), None, "stored already");
    assert_eq!(store_told(&mut tags, (9011, 5001, 25)), Some((9011, 25.0, good)));
    let mut tags = recalled(5000, 24.0, good, 9010);
    assert_eq!(store_told(&mut tags, (9010, 5000, 24)), None, "the time of its last change");
    assert_eq!(store_told(&mut tags, (9611, 5000, 24)), Some((9611, 24.0, good)), "the longest interval");
    let mut tags = recalled(5000, 24.0, good, 9010);
    let changed = store_told(&mut tags, (9010, 8000, 24));
    assert_eq!(changed, Some((8000, 24.0, good)), "changed while we were away");
}

#[test]
fn a_source_that_gives_no_time_is_stored_at_once_after_a_restart() {
    let mut tags = recalled(9000, 24.0, Quality::Good, 9010);
    let ts = store_answer(&mut tags, 9010, Ok(24.0)).map(|reading| reading.ts);
    assert_eq!(ts, Some(Micros(9010 * SECOND)));
    // Stored while our clock was an hour ahead.
    let mut tags = recalled(12_600, 24.0, Quality::Good, 9010);
    assert_eq!(store_answer(&mut tags, 9010, Ok(24.0)).map(|reading| reading.ts.0 / SECOND), Some(9010));
}
