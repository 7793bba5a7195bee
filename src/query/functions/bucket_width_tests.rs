//! Tests the parsing of texts and intervals as widths.

use super::*;

const HOUR: i64 = 3_600_000_000;

fn width(text: &str) -> std::result::Result<Option<BucketWidth>, String> {
    BucketWidth::from_scalar("f", &ScalarValue::from(text)).map_err(|e| e.strip_backtrace())
}

#[test]
fn texts_are_read_in_both_forms() {
    for (text, expected) in [
        ("1 hour", BucketWidth::Micros(HOUR)),
        ("15 minutes", BucketWidth::Micros(HOUR / 4)),
        ("1 hour 30 minutes", BucketWidth::Micros(HOUR * 3 / 2)),
        ("1 day 12 hours", BucketWidth::Micros(36 * HOUR)),
        ("1 week", BucketWidth::Micros(7 * 24 * HOUR)),
        ("250 milliseconds", BucketWidth::Micros(250_000)),
        ("1 microsecond", BucketWidth::Micros(1)),
        ("1 month", BucketWidth::Months(1)),
        ("2 years", BucketWidth::Months(24)),
        ("1 year 6 months", BucketWidth::Months(18)),
        ("PT1H", BucketWidth::Micros(HOUR)),
        ("PT1H30M", BucketWidth::Micros(HOUR * 3 / 2)),
        ("PT0.25S", BucketWidth::Micros(250_000)),
        ("PT0.5H", BucketWidth::Micros(HOUR / 2)),
        ("PT1,5H", BucketWidth::Micros(HOUR * 3 / 2)),
        ("PT1H0.5M", BucketWidth::Micros(HOUR + HOUR / 120)),
        ("P1D", BucketWidth::Micros(24 * HOUR)),
        ("P1DT12H", BucketWidth::Micros(36 * HOUR)),
        ("P2W", BucketWidth::Micros(14 * 24 * HOUR)),
        ("p1y6m", BucketWidth::Months(18)),
    ] {
        assert_eq!(width(text), Ok(Some(expected)), "{text}");
    }
}

#[test]
fn what_is_no_width_is_refused_in_words() {
    for (text, reason) in [
        ("", "cannot be read"),
        ("hour", "cannot be read"),
        ("60", "cannot be read"),
        ("1 fortnight", "cannot be read"),
        ("P", "cannot be read"),
        ("PT", "cannot be read"),
        ("P1", "cannot be read"),
        ("P1H", "cannot be read"),
        ("PT1M1H", "cannot be read"),
        ("P1.5D", "cannot be read"),
        ("PT0.5H30M", "cannot be read"),
        ("PT.5H", "cannot be read"),
        ("PT1,H", "cannot be read"),
        ("PT1.2,3H", "cannot be read"),
        ("P99999999999D", "cannot be read"),
        ("Pé", "cannot be read"),
        ("PT1.1234567891S", "cannot be read"),
        ("0 hours", "must be longer than zero"),
        ("PT0S", "must be longer than zero"),
        ("-1 day", "must be longer than zero"),
        ("-1 month", "must be longer than zero"),
        ("1 month 1 day", "mixes months or years with days or times"),
        ("1 year 1 hour", "mixes months or years with days or times"),
        ("P1MT1H", "mixes months or years with days or times"),
        ("100 nanoseconds", "is finer than a microsecond"),
        ("4000000 days", "is longer than ten thousand years"),
        ("20000 years", "is longer than ten thousand years"),
    ] {
        let refusal = width(text).expect_err(text);
        assert!(refusal.contains("f: the interval"), "{text}: {refusal}");
        assert!(refusal.contains(reason), "{text}: {refusal}");
    }
}

#[test]
fn scalars_of_every_kind_are_read() {
    let interval = |months, days, nanos| {
        ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(months, days, nanos)))
    };
    for (name, scalar, expected) in [
        ("an_interval", interval(0, 1, 0), Some(BucketWidth::Micros(24 * HOUR))),
        ("a_duration", ScalarValue::DurationMicrosecond(Some(5)), Some(BucketWidth::Micros(5))),
        ("a_null", ScalarValue::IntervalMonthDayNano(None), None),
        ("a_null_text", ScalarValue::Utf8(None), None),
    ] {
        assert_eq!(BucketWidth::from_scalar("f", &scalar).unwrap(), expected, "{name}");
    }
    assert!(BucketWidth::from_scalar("f", &interval(i32::MAX, 0, 0)).is_err());
    assert!(BucketWidth::from_scalar("f", &interval(i32::MIN, 0, 0)).is_err());
    assert!(BucketWidth::from_scalar("f", &interval(0, i32::MAX, i64::MAX)).is_err());
}
