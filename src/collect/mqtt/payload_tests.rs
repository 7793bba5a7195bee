//! Cases of payloads, and arbitrary ones.

use proptest::prelude::*;

use super::*;
use crate::collect::numeric_value::NumericValue;

fn reader(pointer: Option<&str>, kind: StreamKind) -> ValueReader {
    ValueReader { pointer: pointer.map(Box::from), time_pointer: None, kind }
}

fn read(reader: &ValueReader, payload: &str) -> Result<Sample, String> {
    reader.read(&Payload::new(payload.as_bytes()))
}

#[test]
fn a_payload_is_the_value_or_holds_it() {
    let float = |value| Ok(DeviceValue::Number(NumericValue::Float(value)));
    let text = |text: &str| Ok(DeviceValue::Text(text.into()));
    let refused = |why: &str| Err(why.to_owned());
    for (pointer, kind, payload, expected) in [
        (None, StreamKind::Fp64, "21.5", float(21.5)),
        (None, StreamKind::Fp64, " -3\n", float(-3.0)),
        (None, StreamKind::Bit, "true", Ok(DeviceValue::Number(NumericValue::Bit(true)))),
        (
            None,
            StreamKind::Uint64,
            "18446744073709551615",
            Ok(DeviceValue::Number(NumericValue::Uint(u64::MAX))),
        ),
        (None, StreamKind::Text, "run", text("run")),
        (None, StreamKind::Text, "", text("")),
        (None, StreamKind::Json, "{\"a\":1}", text("{\"a\":1}")),
        (None, StreamKind::Fp64, "hot", refused("the device holds \"hot\", which is no fp64")),
        (None, StreamKind::Fp64, "", refused("the device holds \"\", which is no fp64")),
        (None, StreamKind::Byte, "256", refused("the device holds 256, which is no byte")),
        (Some("/value"), StreamKind::Fp64, "{\"value\":21.5}", float(21.5)),
        (Some("/a/1"), StreamKind::Fp64, "{\"a\":[1,2]}", float(2.0)),
        (Some(""), StreamKind::Fp64, "7", float(7.0)),
        (Some("/a"), StreamKind::Json, "{\"a\":[1,2]}", text("[1,2]")),
        (Some("/a"), StreamKind::Text, "{\"a\":\"on\"}", text("on")),
        (Some("/b"), StreamKind::Fp64, "{\"a\":1}", refused("the payload has no `/b`")),
        (Some("/a"), StreamKind::Fp64, "{\"a\":null}", refused("the value is null")),
        (
            Some("/a"),
            StreamKind::Fp64,
            "{\"a\":{}}",
            refused("the value is a list or a map, which is no fp64"),
        ),
    ] {
        let found = read(&reader(pointer, kind), payload).map(|sample| sample.value);
        assert_eq!(found, expected, "{pointer:?} {kind} {payload}");
    }
    let error = read(&reader(Some("/a"), StreamKind::Fp64), "{").unwrap_err();
    assert!(error.starts_with("the payload is no JSON: "), "{error}");
    let bytes = reader(None, StreamKind::Text).read(&Payload::new(b"\xff"));
    assert_eq!(bytes, Err("the payload is no text in UTF-8".to_owned()));
}

/// Plant C5: they were bad.
#[test]
fn numbers_and_switches_are_taken_as_devices_write_them() {
    let float = |value| Ok(DeviceValue::Number(NumericValue::Float(value)));
    let bit = |is_on| Ok(DeviceValue::Number(NumericValue::Bit(is_on)));
    let text = |text: &str| Ok(DeviceValue::Text(text.into()));
    let refused = |why: &str| Err(why.to_owned());
    for (pointer, kind, payload, expected) in [
        (None, StreamKind::Fp64, "+21.5", float(21.5)),
        (None, StreamKind::Fp64, "\u{FEFF}21.5\0", float(21.5)),
        (None, StreamKind::Fp64, "\"21.5\"", float(21.5)),
        (None, StreamKind::Bit, "ON", bit(true)),
        (None, StreamKind::Bit, "False", bit(false)),
        (None, StreamKind::Text, "ON", text("ON")),
        (None, StreamKind::Text, "\"21.5\"", text("\"21.5\"")),
        (None, StreamKind::Bit, "2", refused("the device holds 2, which is no bit")),
        (Some("/value"), StreamKind::Fp64, "\u{FEFF}{\"value\":21.5}\0", float(21.5)),
        (Some("/value"), StreamKind::Fp64, "{\"value\":\"21.5\"}", float(21.5)),
        (Some("/value"), StreamKind::Bit, "{\"value\":\"off\"}", bit(false)),
        (Some("/value"), StreamKind::Text, "{\"value\":\"007\"}", text("007")),
        (
            Some("/value"),
            StreamKind::Fp64,
            "{\"value\":\"hot\"}",
            refused("the device holds \"hot\", which is no fp64"),
        ),
    ] {
        let found = read(&reader(pointer, kind), payload).map(|sample| sample.value);
        assert_eq!(found, expected, "{pointer:?} {kind} {payload}");
    }
}

/// Python and C write numbers that are none like this, and a member that nobody reads cost all values of a message.
#[test]
fn a_number_that_is_none_costs_its_own_stream() {
    let refused = |why: &str| Err(why.to_owned());
    let document = "{\"a\":NaN,\"b\":1e400,\"c\":[-Infinity,2],\"d\":\"NaN\",\"e\":3}\0";
    for (pointer, kind, expected) in [
        (Some("/a"), StreamKind::Fp64, refused("the value is null")),
        (Some("/b"), StreamKind::Fp64, refused("the value is null")),
        (Some("/c/0"), StreamKind::Fp64, refused("the value is null")),
        (Some("/c"), StreamKind::Json, Ok(DeviceValue::Text("[null,2]".into()))),
        (Some("/d"), StreamKind::Text, Ok(DeviceValue::Text("NaN".into()))),
        (Some("/d"), StreamKind::Fp64, refused("the device holds \"NaN\", which is no fp64")),
        (Some("/e"), StreamKind::Fp64, Ok(DeviceValue::Number(NumericValue::Float(3.0)))),
    ] {
        let found = read(&reader(pointer, kind), document).map(|sample| sample.value);
        assert_eq!(found, expected, "{pointer:?} {kind}");
    }
    let whole = |payload| read(&reader(None, StreamKind::Json), payload).map(|sample| sample.value);
    for (payload, expected) in [
        ("{\"a\": NaN}", "{\"a\":null}"),
        ("\u{feff}{\"a\": 1}\0", "{\"a\":1}"),
        ("{\"a\": 1}", "{\"a\": 1}"),
        ("NaN", "\"NaN\""),
        ("run", "\"run\""),
    ] {
        assert_eq!(whole(payload), Ok(DeviceValue::Text(expected.into())), "{payload}");
    }
    let number = read(&reader(None, StreamKind::Fp64), "NaN").map(|sample| sample.value);
    assert_eq!(number, refused("the device holds \"NaN\", which is no fp64"));
}

#[test]
fn a_value_without_its_time_is_uncertain() {
    let timed = ValueReader { time_pointer: Some("/ts".into()), ..reader(Some("/v"), StreamKind::Fp64) };
    let noon = Some(Micros(1_777_377_600_000_000));
    for (payload, time, quality) in [
        ("{\"v\":1,\"ts\":1777377600}", noon, Quality::Good),
        ("{\"v\":1,\"ts\":\"2026-04-28T12:00:00Z\"}", noon, Quality::Good),
        ("{\"v\":1}", None, Quality::Uncertain),
        ("{\"v\":1,\"ts\":\"later\"}", None, Quality::Uncertain),
    ] {
        let sample = read(&timed, payload).unwrap();
        assert_eq!((sample.source_time, sample.quality), (time, quality), "{payload}");
    }
    let plain = ValueReader { time_pointer: Some("/ts".into()), ..reader(None, StreamKind::Fp64) };
    assert_eq!(read(&plain, "5").map(|sample| sample.quality), Ok(Quality::Uncertain));
}

proptest! {
    #[test]
    fn no_payload_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200), pointer in "[/a0~]{0,6}") {
        for kind in StreamKind::ALL {
            for pointer in [None, Some(&*pointer)] {
                let reader = ValueReader { time_pointer: Some("/a".into()), ..reader(pointer, kind) };
                let _ = reader.read(&Payload::new(&bytes));
            }
        }
    }
}
