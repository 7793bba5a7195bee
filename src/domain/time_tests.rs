//! Tests of time parsing, case by case.

use super::*;

#[test]
fn times_are_read_as_written() {
    let noon = Some(1_777_377_600_000_000);
    for (name, text, expected) in [
        ("z", "2026-04-28T12:00:00Z", noon),
        ("no_zone_is_utc", "2026-04-28T12:00:00", noon),
        ("space", "2026-04-28 12:00:00", noon),
        ("no_seconds", "2026-04-28T12:00", noon),
        ("offset", "2026-04-28T21:00:00+09:00", noon),
        ("offset_compact", "2026-04-28T07:00:00-0500", noon),
        ("fraction", "2026-04-28T12:00:00.25Z", noon.map(|n| n + 250_000)),
        ("nanoseconds_are_cut", "2026-04-28T12:00:00.000001999Z", noon.map(|n| n + 1)),
        ("date", "2026-04-28", Some(1_777_334_400_000_000)),
        ("epoch", "1777377600", noon),
        ("epoch_decimal", "1777377600.25", noon.map(|n| n + 250_000)),
        ("epoch_zero", "0", Some(0)),
        ("year_9999", "9999-01-01T00:00:00Z", None),
        ("negative_epoch", "-1", None),
        ("before_1970", "1969-12-31T23:59:59Z", None),
        ("no_such_day", "2026-02-30", None),
        ("no_such_hour", "2026-02-01T25:00:00Z", None),
        ("no_such_offset", "2026-02-01T12:00:00+99:00", None),
        ("an_offset_of_a_day", "2026-02-01T12:00:00+24:00", None),
        ("words", "yesterday", None),
        ("empty", "", None),
        ("not_ascii", "2026-04-2é", None),
        ("huge", "99999999999999999999", None),
        ("exponent", "1e9", None),
    ] {
        assert_eq!(Micros::parse(text).map(|t| t.0), expected, "{name}: {text}");
    }
}

#[test]
fn text_and_time_are_inverse() {
    for micros in [0, 1, 1_777_377_600_000_000, 1_777_377_600_000_001, END_TIME.0 - 1] {
        let iso = Micros(micros).to_iso();
        assert_eq!(Micros::parse(&iso), Some(Micros(micros)), "{iso}");
    }
}

#[test]
fn a_day_is_its_date() {
    assert_eq!(Micros(1_777_377_600_000_000).day().to_string(), "2026-04-28");
    assert_eq!(Day::parse("2026-04-28"), Some(Day(20_571)));
}

proptest::proptest! {
    #[test]
    fn any_text_is_refused_or_read_but_never_panics(text in "\\PC{0,40}") {
        let _ = Micros::parse(&text);
    }
}
