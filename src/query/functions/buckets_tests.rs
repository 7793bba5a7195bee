//! Compares buckets with ones computed by hand, and with chrono's calendar.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone};
use datafusion::scalar::ScalarValue;
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Seoul",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "+05:45",
];
const WIDTHS: [&str; 14] = [
    "1 microsecond",
    "1 second",
    "7 minutes",
    "20 minutes",
    "1 hour",
    "2 hours",
    "8 hours",
    "1 day",
    "36 hours",
    "1 week",
    "10 days",
    "1 month",
    "3 months",
    "7 years",
];

fn buckets(width: &str, zone: &str) -> Buckets {
    let width = BucketWidth::from_scalar("f", &ScalarValue::from(width)).unwrap().unwrap();
    Buckets::new(width, (!zone.is_empty()).then(|| Zone::parse("f", zone).unwrap()))
}

fn micros(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

fn text(time: i64) -> String {
    Micros(time).to_iso()
}

#[test]
fn buckets_begin_where_timescale_begins_them() {
    for (name, width, zone, time, expected) in [
        ("hours", "1 hour", "", "2024-05-05T10:59:59.999999Z", "2024-05-05T10:00:00Z"),
        ("an_edge_is_its_own_bucket", "1 hour", "", "2024-05-05T10:00:00Z", "2024-05-05T10:00:00Z"),
        ("weeks_begin_on_monday", "1 week", "", "2024-05-05T10:00:00Z", "2024-04-29T00:00:00Z"),
        ("from_the_origin", "5 days", "", "2000-01-07T23:00:00Z", "2000-01-03T00:00:00Z"),
        ("before_the_origin", "5 days", "", "1999-12-31T00:00:00Z", "1999-12-29T00:00:00Z"),
        ("before_1970", "1 hour", "", "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z"),
        ("months", "1 month", "", "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z"),
        ("quarters", "3 months", "", "2024-05-05T10:00:00Z", "2024-04-01T00:00:00Z"),
        ("five_months_from_2000", "5 months", "", "2000-12-31T00:00:00Z", "2000-11-01T00:00:00Z"),
        ("months_before_2000", "5 months", "", "1999-07-31T00:00:00Z", "1999-03-01T00:00:00Z"),
        ("years", "1 year", "", "1971-01-01T00:00:00Z", "1971-01-01T00:00:00Z"),
        ("a_local_day", "1 day", "Asia/Seoul", "2024-05-05T14:59:59Z", "2024-05-04T15:00:00Z"),
        ("the_next_local_day", "1 day", "Asia/Seoul", "2024-05-05T15:00:00Z", "2024-05-05T15:00:00Z"),
        ("a_local_month", "1 month", "Asia/Seoul", "2024-04-30T15:00:00Z", "2024-04-30T15:00:00Z"),
        (
            "the_day_clocks_go_forward",
            "1 day",
            "Europe/Berlin",
            "2024-03-31T21:59:59Z",
            "2024-03-30T23:00:00Z",
        ),
        ("the_day_clocks_go_back", "1 day", "Europe/Berlin", "2024-10-27T22:59:59Z", "2024-10-26T22:00:00Z"),
        ("the_first_two_oclock", "1 hour", "Europe/Berlin", "2024-10-27T00:30:00Z", "2024-10-27T00:00:00Z"),
        ("the_second_two_oclock", "1 hour", "Europe/Berlin", "2024-10-27T01:30:00Z", "2024-10-27T01:00:00Z"),
        (
            "a_shift_of_the_short_night",
            "8 hours",
            "Europe/Berlin",
            "2024-03-31T05:59:00Z",
            "2024-03-30T23:00:00Z",
        ),
        (
            "a_shift_of_the_long_night",
            "8 hours",
            "Europe/Berlin",
            "2024-10-27T06:59:00Z",
            "2024-10-26T22:00:00Z",
        ),
        ("midnight_comes_twice", "1 day", "America/Havana", "2024-11-03T05:30:00Z", "2024-11-03T04:00:00Z"),
        (
            "there_is_no_midnight",
            "1 day",
            "America/Sao_Paulo",
            "2018-11-04T05:00:00Z",
            "2018-11-04T03:00:00Z",
        ),
        ("a_day_that_never_was", "1 day", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("a_fixed_offset", "1 day", "+05:45", "2024-05-05T18:14:59Z", "2024-05-04T18:15:00Z"),
    ] {
        assert_eq!(text(buckets(width, zone).around(micros(time)).unwrap().0), expected, "{name}");
    }
}

#[test]
fn a_bucket_ends_where_the_next_begins() {
    for (name, width, zone, time, hours) in [
        ("a_day", "1 day", "Europe/Berlin", "2024-05-05T12:00:00Z", 24),
        ("a_short_day", "1 day", "Europe/Berlin", "2024-03-31T12:00:00Z", 23),
        ("a_long_day", "1 day", "Europe/Berlin", "2024-10-27T12:00:00Z", 25),
        ("a_week_with_a_short_day", "1 week", "Europe/Berlin", "2024-03-31T12:00:00Z", 167),
        ("a_short_shift", "8 hours", "Europe/Berlin", "2024-03-31T00:00:00Z", 7),
        ("a_long_shift", "8 hours", "Europe/Berlin", "2024-10-27T00:00:00Z", 9),
        ("hours_stay_hours_in_autumn", "1 hour", "Europe/Berlin", "2024-10-27T00:00:00Z", 1),
        ("february", "1 month", "UTC", "2024-02-10T00:00:00Z", 29 * 24),
        ("march_with_a_short_day", "1 month", "Europe/Berlin", "2024-03-10T00:00:00Z", 31 * 24 - 1),
    ] {
        let (start, end) = buckets(width, zone).around(micros(time)).unwrap();
        assert_eq!((end - start) / 3_600_000_000, hours, "{name}");
    }
}

#[test]
fn times_out_of_range_are_refused() {
    for time in [i64::MIN, i64::MAX, MAX_TIME + 1, -MAX_TIME - 1] {
        for width in WIDTHS {
            assert!(buckets(width, "Europe/Berlin").around(time).is_err(), "{width} {time}");
        }
    }
    for time in [MAX_TIME, -MAX_TIME] {
        for (width, zone) in WIDTHS.iter().flat_map(|w| ["", "Asia/Seoul"].map(|zone| (*w, zone))) {
            let (start, end) = buckets(width, zone).around(time).unwrap();
            assert!(start <= time && time < end, "{width} {zone} {time}");
        }
    }
}

/// Times of 1900 to 2100; half of them within a day of a clock change.
fn time() -> impl Strategy<Value = i64> {
    let near = prop::sample::select(vec![
        "2024-03-31T01:00:00Z",
        "2024-10-27T01:00:00Z",
        "2024-11-03T05:00:00Z",
        "2024-03-10T07:00:00Z",
        "2018-11-04T03:00:00Z",
        "2018-02-18T02:00:00Z",
        "2024-04-06T15:00:00Z",
        "2024-10-05T15:30:00Z",
        "2011-12-30T10:00:00Z",
        "2000-01-03T00:00:00Z",
        "1970-01-01T00:00:00Z",
    ]);
    let day = MICROS_PER_DAY;
    prop_oneof![
        (micros("1900-01-01T00:00:00Z")..micros("2100-01-01T00:00:00Z")),
        (near, -day..day).prop_map(|(near, off)| micros(near) + off),
        (-10_000i64..10_000).prop_map(|quarter| quarter * 900_000_000 + micros("2024-03-31T01:00:00Z")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn buckets_hold_their_times_and_touch(
        time in time(),
        width in prop::sample::select(WIDTHS.to_vec()),
        zone in prop::sample::select(ZONES.to_vec()),
    ) {
        let buckets = buckets(width, zone);
        let (start, end) = buckets.around(time).unwrap();
        prop_assert!(start <= time && time < end, "{} {} {}", text(start), text(time), text(end));
        prop_assert_eq!(buckets.around(start).unwrap(), (start, end), "of its start");
        prop_assert_eq!(buckets.around(end - 1).unwrap(), (start, end), "of its last instant");
        prop_assert_eq!(buckets.around(end).unwrap().0, end, "the next");
        prop_assert_eq!(buckets.around(start - 1).unwrap().1, start, "the one before");
    }

    #[test]
    fn days_months_and_years_are_the_calendars(time in time(), zone in prop::sample::select(ZONES.to_vec())) {
        let tz: arrow::array::timezone::Tz = zone.parse().unwrap();
        let local = |time| tz.from_utc_datetime(&DateTime::from_timestamp_micros(time).unwrap().naive_utc());
        let date = local(time).date_naive();
        let year = NaiveDate::from_ymd_opt(date.year(), 1, 1).unwrap();
        for (width, first) in [("1 day", date), ("1 month", date.with_day(1).unwrap()), ("1 year", year)] {
            let (start, end) = buckets(width, zone).around(time).unwrap();
            prop_assert_eq!(local(start).date_naive(), first, "{} begins", width);
            // The previous instant must be of an earlier day, so that this one is the first of its bucket.
            prop_assert!(local(start - 1).date_naive() < first, "{} begins late", width);
            prop_assert!(local(end).date_naive() > date, "{} ends", width);
        }
    }

    #[test]
    fn civil_months_agree_with_chrono(days in -700_000i64..700_000) {
        let date = DateTime::from_timestamp(days * 86_400, 0).unwrap().date_naive();
        let month = calendar::month_of(days * MICROS_PER_DAY);
        prop_assert_eq!((month.div_euclid(12), month.rem_euclid(12) + 1), (date.year().into(), date.month().into()));
        let first = date.with_day(1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_micros();
        prop_assert_eq!(calendar::month_start(month), first);
    }
}
