//! Which answers are stored, as a story per stream: time, answer, stored or not.

use uuid::Uuid;

use super::*;
use crate::domain::stream::StreamSpec;
use crate::domain::window::Windows;
use crate::domain::{DeviceId, OrgId};

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
        spec,
        windows: Windows::default(),
        created_at: at,
        updated_at: at,
    })
}

fn tags(change: impl FnOnce(&mut StreamSpec)) -> Tags {
    let mut tags = Tags::default();
    tags.reload([stream(change)]);
    tags
}

fn answer(at_s: i64, outcome: Result<Value, &str>) -> Answer {
    Answer { stream: StreamId(1), ts: Micros(at_s * SECOND), outcome: outcome.map_err(str::to_owned) }
}

/// Judges and commits one answer; what was stored of it.
fn tell(tags: &mut Tags, at_s: i64, outcome: Result<f64, &str>) -> Option<Reading> {
    let (offer, _) = tags.judge(vec![answer(at_s, outcome.map(Value::Float))], LONGEST);
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
        let stored = tell(&mut tags, at_s, outcome);
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
    assert!((0..5).all(|s| tell(&mut tags, s, Ok(1.0)).is_some()));
}

#[test]
fn wide_integers_are_compared_exactly() {
    let mut tags = tags(|spec| spec.deadband = Some(1.0));
    let mut stored = |at_s, count| {
        let (offer, _) = tags.judge(vec![answer(at_s, Ok(Value::Uint(count)))], LONGEST);
        let text = offer.readings.iter().next().and_then(|r| r.text);
        tags.commit(offer);
        text
    };
    assert_eq!(stored(0, u64::MAX - 1).as_deref(), Some("18446744073709551614"));
    assert_eq!(stored(1, u64::MAX - 1), None);
    assert_eq!(stored(2, u64::MAX).as_deref(), Some("18446744073709551615"));
}

#[test]
fn times_increase_when_the_clock_does_not() {
    let mut tags = tags(|_| ());
    let times = [5, 5, 3, 6].map(|s| tell(&mut tags, s, Ok(1.0)).unwrap().ts.0);
    assert_eq!(times, [5 * SECOND, 5 * SECOND + 1, 5 * SECOND + 2, 6 * SECOND]);
}

#[test]
fn a_loss_is_one_bad_reading() {
    let mut tags = tags(|_| ());
    tell(&mut tags, 0, Ok(1.0));
    let offer = tags.lose(Micros(SECOND));
    assert_eq!(offer.readings.iter().collect::<Vec<_>>(), [Reading::lost(StreamId(1), Micros(SECOND))]);
    // The sink refused it: it is offered again.
    let offer = tags.lose(Micros(2 * SECOND));
    assert_eq!(offer.readings.len(), 1);
    tags.commit(offer);
    assert!(tags.lose(Micros(3 * SECOND)).readings.is_empty());
    assert!(tell(&mut tags, 4, Ok(1.0)).is_some());
}

#[test]
fn a_value_the_sink_refused_is_offered_again() {
    let mut tags = tags(|spec| spec.deadband = Some(10.0));
    let (refused, _) = tags.judge(vec![answer(0, Ok(Value::Int(1)))], LONGEST);
    assert_eq!(refused.readings.len(), 1);
    assert!(tell(&mut tags, 1, Ok(1.0)).is_some());
}

#[test]
fn failing_tags_are_named_once() {
    let mut tags = tags(|_| ());
    let mut turns = |at_s, outcome| tags.judge(vec![answer(at_s, outcome)], LONGEST).1;
    let good = Ok(Value::Int(1));
    assert!(turns(0, good).is_empty());
    assert_eq!(turns(1, Err("no such register"))[0].fault.as_deref(), Some("no such register"));
    assert!(turns(2, Err("no such register")).is_empty());
    assert_eq!(turns(3, good)[0].fault, None);
    turns(4, Err("no such register"));
    assert_eq!(tags.first_fault().as_deref(), Some("`temp` (hr:0): no such register"));
}

#[test]
fn a_reload_keeps_what_is_known_unless_the_source_changed() {
    let banded = |spec: &mut StreamSpec| spec.deadband = Some(10.0);
    let mut tags = tags(banded);
    tell(&mut tags, 0, Ok(1.0));
    tags.reload([stream(|spec| {
        banded(spec);
        spec.name = "temperature".into();
    })]);
    assert!(tell(&mut tags, 1, Ok(1.0)).is_none(), "a new name is the same source");
    tags.reload([stream(|spec| {
        banded(spec);
        spec.path = "hr:1".into();
    })]);
    assert!(tell(&mut tags, 2, Ok(1.0)).is_some(), "a new path is a first value");
    tell(&mut tags, 3, Err("gone"));
    tags.reload([stream(banded)]);
    assert!(tell(&mut tags, 4, Err("gone")).is_none(), "bad stays known");
    tags.reload([]);
    assert!(tell(&mut tags, 5, Ok(1.0)).is_none(), "a removed stream stores nothing");
}

#[test]
fn scale_and_offset_are_applied() {
    let mut tags = tags(|spec| (spec.scale, spec.offset) = (0.1, -40.0));
    assert_eq!(tell(&mut tags, 0, Ok(650.0)).unwrap().value, Some(25.0));
}
