//! Tables of what parameters mean.

use proptest::prelude::*;

use super::*;

#[test]
fn limits_and_offsets_are_clamped_and_what_is_no_integer_is_ignored() {
    let past = "9".repeat(60);
    let rows = [
        ("", 50, 0),
        ("limit=&offset=", 50, 0),
        ("limit=%20&offset=+", 50, 0),
        ("limit=1&offset=0", 1, 0),
        ("limit=0&offset=-1", 1, 0),
        ("limit=-7&offset=-99999999999999999999", 1, 0),
        ("limit=500&offset=7", 500, 7),
        ("limit=501", 500, 0),
        ("limit=9999", 500, 0),
        ("limit=%2B20&offset=%2B3", 20, 3),
        ("limit=+20+&offset=%0920%0A", 20, 20),
        ("limit=1_00&offset=0_7", 100, 7),
        ("limit=1__0&offset=_1", 50, 0),
        ("limit=10_&offset=%2B_1", 50, 0),
        ("limit=abc&offset=x", 50, 0),
        ("limit=1.5&offset=1e3", 50, 0),
        ("limit=0x10&offset=--1", 50, 0),
        ("limit=-&offset=%2B", 50, 0),
        ("limit=3&limit=4&offset=1&offset=2", 3, 1),
        ("limit=&limit=4&offset=&offset=2", 4, 2),
        ("limit=x&limit=4", 50, 0),
        ("limit=%20&limit=4", 50, 0),
        ("Limit=4&LIMIT=5", 50, 0),
        ("%6Cimit=4", 4, 0),
        ("limit=4;offset=2", 50, 0),
        (&format!("limit={past}&offset={past}"), 500, i64::MAX as u64),
        (&format!("limit=-{past}&offset=-{past}"), 1, 0),
        ("limit=%FF&offset=%D9%A3", 50, 0),
    ];
    for (query, limit, offset) in rows {
        let paging = ListParameters::parse(Some(query)).paging(50);
        assert_eq!(paging, PacketPaging { offset, limit }, "{query}");
    }
    assert_eq!(ListParameters::parse(None).paging(100), PacketPaging { offset: 0, limit: 100 });
}

#[test]
fn bounds_cover_whole_seconds() {
    let noon = 1_777_377_600;
    let rows = [
        ("", None, None),
        ("since=1777377600&until=1777377600", Some(noon * 1_000_000), Some(noon * 1_000_000 + 999_999)),
        ("since=-1&until=-1", Some(-1_000_000), Some(-1)),
        ("since=&until=%20", None, None),
        ("since=noon&until=1.5", None, None),
        ("since=9223372036854775807&until=-9223372036854775808", Some(i64::MAX), Some(i64::MIN + 999_999)),
        ("until=9223372036854775807", None, Some(i64::MAX)),
        ("since=5&since=6", Some(5_000_000), None),
    ];
    for (query, from, to) in rows {
        let filter = ListParameters::parse(Some(query)).filter();
        let expected = PacketFilter { device: None, from: from.map(Micros), to: to.map(Micros) };
        assert_eq!(filter, Ok(expected), "{query}");
    }
    let past = "9".repeat(60);
    for query in ["since=9223372036854775808", "until=-9223372036854775809", &format!("since=1&until={past}")]
    {
        assert_eq!(ListParameters::parse(Some(query)).filter(), Err(BoundTooLarge), "{query}");
    }
}

#[test]
fn texts_are_trimmed_and_otherwise_as_given() {
    let rows = [
        ("", None),
        ("device_id=", None),
        ("device_id=+%09", None),
        ("device_id=Press%201", Some("Press 1")),
        ("device_id=Press+1", Some("Press 1")),
        ("device_id=%20Press%201%20", Some("Press 1")),
        ("device_id=a&device_id=b", Some("a")),
        ("device_id=&device_id=b", Some("b")),
        ("device_id=%C3%A9", Some("é")),
        ("device_id=%FF", Some("\u{fffd}")),
        ("device_id", None),
        ("Device_id=a", None),
    ];
    for (query, expected) in rows {
        let found = ListParameters::parse(Some(query)).filter().unwrap().device;
        assert_eq!(found.as_deref(), expected, "{query}");
    }
}

proptest! {
    #[test]
    fn every_query_is_read(query in "\\PC*", name in "limit|offset|since|until|device_id", value in "\\PC*") {
        for query in [query, format!("{name}={value}")] {
            let parameters = ListParameters::parse(Some(&query));
            let paging = parameters.paging(50);
            prop_assert!((1..=500).contains(&paging.limit) && i64::try_from(paging.offset).is_ok(), "{paging:?}");
            let _ = parameters.filter();
        }
    }

    #[test]
    fn integers_are_read_as_written(number in any::<i64>()) {
        prop_assert_eq!(whole_number(&number.to_string()), Some(i128::from(number)));
    }
}
