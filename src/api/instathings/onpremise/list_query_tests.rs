//! The edges of every parameter.

use super::*;

const KEY: &str = "9s9WdonY9";

#[test]
fn pages_have_edges() {
    let rows = [
        ("", 0, 10),
        ("page=1&perPage=1", 0, 1),
        ("page=3&perPage=20", 40, 20),
        ("page=0", 0, 10),
        ("page=-7", 0, 10),
        ("page=2&page=3", 20, 10),
        ("perPage=0", 0, 10),
        ("perPage=-5", 0, 10),
        ("perPage=100", 0, 100),
        ("perPage=101&page=2", 100, 100),
        ("page=007", 60, 10),
        ("page=%2B2", 10, 10),
        ("page=99999999999999999999", u64::try_from(i64::MAX).unwrap(), 10),
    ];
    for (query, offset, limit) in rows {
        let parsed = parse(KEY, query).unwrap();
        assert_eq!((parsed.offset, parsed.limit), (offset, limit), "{query}");
    }
}

#[test]
fn every_mistake_is_told() {
    let key = |value: &str| json!({"value": value, "msg": "Invalid value", "param": "deviceId", "location": "params"});
    let number = |value: &str, name: &str| json!({"value": value, "msg": format!("`{name}` must be an integer value"), "param": name, "location": "query"});
    let rows = [
        (KEY, "page=&perPage=", vec![number("", "page"), number("", "perPage")]),
        (KEY, "page=abc", vec![number("abc", "page")]),
        (KEY, "page=1.5&perPage=x", vec![number("1.5", "page"), number("x", "perPage")]),
        (KEY, "page=+2", vec![number(" 2", "page")]),
        (KEY, "perPage=1e3", vec![number("1e3", "perPage")]),
        (KEY, "perPage=-", vec![number("-", "perPage")]),
        ("a12345", "", vec![key("a12345")]),
        ("a12345678901234", "page=x", vec![key("a12345678901234"), number("x", "page")]),
        ("é23456789", "", vec![key("é23456789")]),
        ("é", "", vec![key("é"), key("é")]),
    ];
    for (device, query, expected) in rows {
        assert_eq!(parse(device, query).unwrap_err(), expected, "{device} {query}");
    }
    for device in ["a123456", "a1234567890123", "       "] {
        assert!(parse(device, "").is_ok(), "{device}");
    }
}

#[test]
fn times_are_whole_milliseconds_or_ignored() {
    let rows = [
        ("", None, None),
        ("start=1000&end=2000", Some(1_000_000), Some(2_000_999)),
        ("start=12abc", Some(12_000), None),
        ("start=%20-5.9", Some(-5000), None),
        ("start=abc&end=", None, None),
        ("end=0", None, Some(999)),
        ("start=+3", Some(3000), None),
        ("start=99999999999999999999", Some(i64::MAX), None),
        ("end=-99999999999999999999", None, Some(i64::MIN + 999)),
    ];
    for (query, from, to) in rows {
        let parsed = parse(KEY, query).unwrap();
        assert_eq!((parsed.from.map(|t| t.0), parsed.to.map(|t| t.0)), (from, to), "{query}");
    }
}

#[test]
fn the_order_has_a_direction_and_a_key() {
    let path = |names: &[&str]| SortKey::Payload(names.iter().map(|name| (*name).to_owned()).collect());
    let rows = [
        ("", SortKey::Time, false),
        ("sort=", SortKey::Time, false),
        ("sort=ts", SortKey::Time, false),
        ("sort=-ts", SortKey::Time, true),
        ("sort=+ts", SortKey::Time, false),
        ("sort=%2Bts", SortKey::Time, false),
        ("sort=-_id", SortKey::Id, true),
        ("sort=deviceId", SortKey::Device, false),
        ("sort=-data.message.relays.0.ison", path(&["message", "relays", "0", "ison"]), true),
        ("sort=data", SortKey::Insertion, false),
        ("sort=data.", SortKey::Insertion, false),
        ("sort=payload", SortKey::Insertion, false),
        ("sort=-", SortKey::Insertion, true),
    ];
    for (query, key, is_descending) in rows {
        assert_eq!(parse(KEY, query).unwrap().sort, MessageSort { key, is_descending }, "{query}");
    }
}
