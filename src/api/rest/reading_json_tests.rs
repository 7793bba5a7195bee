//! Tests of DataStone's JSON of readings, and of their ids.

use super::{RowForm, parse_id, raw_value, write_reading, write_rows};
use crate::domain::reading::{Quality, Reading};
use crate::domain::stream::StreamKind;
use crate::domain::{Micros, StreamId};

const NOON: Micros = Micros(1_777_377_600_000_000);

fn reading(value: Option<f64>, text: Option<&str>) -> Reading {
    Reading { stream: StreamId(10), ts: NOON, value, text: text.map(Into::into), quality: Quality::Good }
}

#[test]
fn values_are_shown_by_kind() {
    type Row = (StreamKind, Option<f64>, Option<&'static str>, &'static str);
    let cases: [Row; 25] = [
        (StreamKind::Fp64, Some(1200.5), None, "1200.5"),
        (StreamKind::Fp64, Some(42.0), None, "42.0"),
        (StreamKind::Fp64, Some(0.1), None, "0.1"),
        (StreamKind::Int32, Some(42.0), None, "42"),
        (StreamKind::Int32, Some(-7.0), None, "-7"),
        (StreamKind::Int16, Some(21.5), None, "21.5"),
        (StreamKind::Bit, Some(1.0), None, "true"),
        (StreamKind::Bit, Some(0.0), None, "false"),
        (StreamKind::Int64, Some(9_007_199_254_740_992.0), None, "9007199254740992"),
        (
            StreamKind::Uint64,
            Some(1.8446744073709552e19),
            Some("18446744073709551615"),
            "18446744073709551615",
        ),
        (StreamKind::Int64, Some(-9.3e18), Some("-9007199254740993"), "-9007199254740993"),
        (StreamKind::Int64, Some(5.0), Some("\",\"x\":1"), "5"),
        (StreamKind::Text, None, Some("a \"quoted\" word"), r#""a \"quoted\" word""#),
        (StreamKind::Text, None, Some("7"), "\"7\""),
        (StreamKind::Enum, None, Some("auto"), "\"auto\""),
        (StreamKind::Enum, Some(3.0), None, "3"),
        (StreamKind::Fp64, Some(9.3e18), Some("9007199254740993"), "9007199254740993"),
        (StreamKind::Int32, Some(-9.3e18), Some("-9007199254740993"), "-9007199254740993"),
        (StreamKind::Fp64, None, Some("007"), "\"007\""),
        (StreamKind::Json, None, Some("{\"a\":[1]}"), "{\"a\":[1]}"),
        (StreamKind::Json, None, Some("{\"a\":"), r#""{\"a\":""#),
        (StreamKind::Location, None, Some("[13.5,52.5]"), "[13.5,52.5]"),
        (StreamKind::Fp64, None, None, "null"),
        (StreamKind::Bit, None, None, "null"),
        (StreamKind::Text, Some(3.5), None, "3.5"),
    ];
    for (kind, value, text, expected) in cases {
        assert_eq!(raw_value(&reading(value, text), kind).get(), expected, "{kind} {value:?} {text:?}");
    }
}

#[test]
fn rows_are_exactly_the_documented_objects() {
    let one = reading(Some(1200.5), None);
    let bare = r#"{"data":10,"timestamp":"2026-04-28T12:00:00Z","value":1200.5}"#;
    let with_id =
        r#"{"id":"10-1777377600000000","data":10,"timestamp":"2026-04-28T12:00:00Z","value":1200.5}"#;
    assert_eq!(String::from_utf8(write_reading(&one, RowForm::Bare, StreamKind::Fp64)).unwrap(), bare);
    assert_eq!(String::from_utf8(write_reading(&one, RowForm::WithId, StreamKind::Fp64)).unwrap(), with_id);
    let gone = Reading { stream: StreamId(11), ..one.clone() };
    let rows = [one.clone(), gone, one].into_iter().collect();
    let kind_of = |id| (id == StreamId(10)).then_some(StreamKind::Fp64);
    let written = String::from_utf8(write_rows(&rows, RowForm::Bare, kind_of)).unwrap();
    assert_eq!(written, format!("{bare},{bare}"), "a stream deleted meanwhile is left out");
}

#[test]
fn only_canonical_ids_name_a_value() {
    let good = |stream, ts| Some((StreamId(stream), Micros(ts)));
    let cases = [
        ("10-1777377600000000", good(10, 1_777_377_600_000_000)),
        ("1-0", good(1, 0)),
        ("", None),
        ("10", None),
        ("10-", None),
        ("-5", None),
        ("10--5", None),
        ("010-5", None),
        ("10-05", None),
        ("+1-5", None),
        ("1-5-6", None),
        ("99999999999-5", None),
        ("1-99999999999999999999", None),
        ("a-b", None),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_id(text), expected, "{text}");
    }
}
