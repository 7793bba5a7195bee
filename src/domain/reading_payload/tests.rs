//! Tables of payloads: what is read from them, why others are refused, and that no bytes are too strange.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::MAX_ELEMENTS;
use super::item::{Item, parse};
use super::profile;
use super::value::{SentValue, to_json};
use crate::domain::document::{ProfileField, ValueType};
use crate::domain::quarantine::QuarantineReason;
use crate::domain::stream::{StreamKind, StreamSpec};
use crate::domain::{DeviceId, Micros};

const NOON: &str = "2026-04-28T12:00:00Z";

fn reasons(payload: &str) -> Vec<Option<QuarantineReason>> {
    let reason = |row: &super::item::PayloadRow<'_>| row.item.as_ref().err().map(|mistake| mistake.reason);
    match parse(payload.as_bytes()) {
        Ok(payload) => payload.rows.iter().map(reason).collect(),
        Err(mistake) => vec![Some(mistake.reason)],
    }
}

#[test]
fn a_payload_is_one_reading_or_an_array_of_them() {
    let one = json!({"sensorId": "t", "timestamp": NOON, "value": 20.0, "metadata": {"a": 1}});
    let parsed = parse(one.to_string().as_bytes()).map(|payload| payload.is_array).unwrap();
    assert!(!parsed);
    let many = json!([one, {"componentId": "c", "timestamp": NOON, "values": {"x": 1}}]).to_string();
    let payload = parse(many.as_bytes()).unwrap();
    assert!(payload.is_array);
    let items: Vec<&Item> = payload.rows.iter().map(|row| row.item.as_ref().unwrap()).collect();
    let [Item::Sensor(sensor), Item::Component(component)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((sensor.sensor.as_str(), sensor.ts), ("t", Micros(1_777_377_600_000_000)));
    assert_eq!((&sensor.value, sensor.metadata.len()), (&SentValue::Double(20.0), 1));
    assert_eq!((component.component.as_str(), component.values.len()), ("c", 1));
    assert!(parse(b"[]").unwrap().rows.is_empty());
}

#[test]
fn what_is_wrong_has_its_reason() {
    use QuarantineReason::{Malformed, TooLarge, TypeMismatch};
    let reading = |member: &str, value: Value| {
        let mut all = json!({"sensorId": "t", "timestamp": NOON, "value": 1});
        all[member] = value;
        all.to_string()
    };
    let long = |length: usize| Value::from("é".repeat(length));
    let rows: Vec<(&str, String, Option<QuarantineReason>)> = vec![
        ("no_json", "{".to_owned(), Some(Malformed)),
        ("no_utf_8", "\u{fffd}".to_owned(), Some(Malformed)),
        ("scalar", "5".to_owned(), Some(Malformed)),
        ("empty", String::new(), Some(Malformed)),
        ("empty_object", "{}".to_owned(), Some(Malformed)),
        ("null_value", reading("value", Value::Null), Some(Malformed)),
        ("array_value", reading("value", json!([1])), Some(TypeMismatch)),
        ("object_value", reading("value", json!({})), Some(TypeMismatch)),
        ("text_of_1000", reading("value", long(1000)), None),
        ("text_of_1001", reading("value", long(1001)), Some(TooLarge)),
        ("id_of_36", reading("sensorId", long(36)), None),
        ("id_of_37", reading("sensorId", long(37)), Some(TooLarge)),
        ("blank_id", reading("sensorId", json!(" ")), Some(Malformed)),
        ("number_as_id", reading("sensorId", json!(7)), Some(Malformed)),
        ("control_character", reading("sensorId", json!("a\u{0}b")), Some(Malformed)),
        ("time_with_offset", reading("timestamp", json!("2026-04-28T14:00:00+02:00")), None),
        ("date_alone", reading("timestamp", json!("2026-04-28")), Some(Malformed)),
        ("epoch", reading("timestamp", json!(1_777_377_600)), Some(Malformed)),
        ("epoch_text", reading("timestamp", json!("1777377600")), Some(Malformed)),
        ("year_1969", reading("timestamp", json!("1969-12-31T23:59:59Z")), Some(Malformed)),
        ("metadata_no_object", reading("metadata", json!([])), Some(Malformed)),
        ("metadata_null", reading("metadata", Value::Null), None),
        ("metadata_10_kib", reading("metadata", json!({"a": "x".repeat(10_240 - 8)})), None),
        ("metadata_longer", reading("metadata", json!({"a": "x".repeat(10_240)})), Some(TooLarge)),
        (
            "infinite",
            r#"{"sensorId":"t","timestamp":"2026-04-28T12:00:00Z","value":1e999}"#.to_owned(),
            Some(Malformed),
        ),
    ];
    for (name, payload, expected) in rows {
        assert_eq!(reasons(&payload), [expected], "{name}: {payload}");
    }
}

#[test]
fn elements_of_an_array_are_wrong_for_themselves() {
    let good = json!({"sensorId": "t", "timestamp": NOON, "value": 1}).to_string();
    let deep = format!("{}1{}", "[".repeat(126), "]".repeat(126));
    for bad in ["5", "null", "{}", "[]", "1e999", deep.as_str()] {
        let found = reasons(&format!("[{good},{bad},{good}]"));
        assert_eq!(found, [None, Some(QuarantineReason::Malformed), None], "{bad}");
    }
}

#[test]
fn an_array_of_more_than_readings_is_one_mistake() {
    let array = |elements: usize| format!("[{}]", vec!["0"; elements].join(","));
    assert_eq!(reasons(&array(MAX_ELEMENTS)).len(), MAX_ELEMENTS);
    assert_eq!(reasons(&array(MAX_ELEMENTS + 1)), [Some(QuarantineReason::Malformed)]);
}

#[test]
fn the_literal_decides_the_type() {
    for (literal, expected) in [
        ("20.0", ValueType::Double),
        ("2e1", ValueType::Double),
        ("20", ValueType::Bigint),
        ("-9223372036854775808", ValueType::Bigint),
        ("18446744073709551615", ValueType::Bigint),
        ("18446744073709551616", ValueType::Double),
        ("true", ValueType::Boolean),
        ("\"20\"", ValueType::Text),
    ] {
        let json: Value = serde_json::from_str(literal).unwrap();
        assert_eq!(SentValue::read("value", &json).unwrap().value_type(), expected, "{literal}");
    }
}

#[test]
fn values_fit_their_streams_or_have_a_reason() {
    use QuarantineReason::{OutOfRange, TypeMismatch};
    let rows = [
        (StreamKind::Fp64, json!(20), Ok(json!(20.0))),
        (StreamKind::Fp64, json!(20.5), Ok(json!(20.5))),
        (StreamKind::Fp64, json!("20"), Err(TypeMismatch)),
        (StreamKind::Fp64, json!(true), Err(TypeMismatch)),
        (StreamKind::Int64, json!(20.0), Err(TypeMismatch)),
        (StreamKind::Int64, json!(9_007_199_254_740_993_i64), Ok(json!(9_007_199_254_740_993_i64))),
        (StreamKind::Int64, json!(i64::MIN), Ok(json!(i64::MIN))),
        (StreamKind::Int64, json!(u64::MAX), Err(OutOfRange)),
        (StreamKind::Uint64, json!(u64::MAX), Ok(json!(u64::MAX))),
        (StreamKind::Int16, json!(32_768), Err(OutOfRange)),
        (StreamKind::Int16, json!(1.5), Err(TypeMismatch)),
        (StreamKind::Fp32, json!(1e39), Err(OutOfRange)),
        (StreamKind::Bit, json!(true), Ok(json!(true))),
        (StreamKind::Bit, json!(1), Err(TypeMismatch)),
        (StreamKind::Text, json!("a"), Ok(json!("a"))),
        (StreamKind::Text, json!(1), Err(TypeMismatch)),
        (StreamKind::Json, json!("{\"a\": 1}"), Ok(json!("{\"a\":1}"))),
        (StreamKind::Json, json!("{"), Err(TypeMismatch)),
        (StreamKind::Location, json!("[13.4, 52.5]"), Ok(json!("[13.4,52.5]"))),
        (StreamKind::Location, json!("[13.4, 95]"), Err(TypeMismatch)),
    ];
    for (kind, json, expected) in rows {
        let spec = StreamSpec { kind, ..StreamSpec::new("s", DeviceId(1)) };
        let stored = SentValue::read("value", &json).unwrap().fit("value", &spec);
        let shown = stored.map(|(value, text)| to_json(kind, value, text.as_deref()));
        assert_eq!(shown.map_err(|mistake| mistake.reason), expected, "{kind} {json}");
    }
}

#[test]
fn a_text_is_refused_with_the_form_that_it_should_have() {
    let rows = [
        (StreamKind::Json, "the sensor is TEXT, and its values are JSON documents"),
        (StreamKind::Location, "the sensor is TEXT, and its values are [longitude, latitude] in degrees"),
        (StreamKind::Fp64, "the sensor is DOUBLE"),
    ];
    for (kind, expected) in rows {
        let spec = StreamSpec { kind, ..StreamSpec::new("s", DeviceId(1)) };
        let mistake = SentValue::Text("north".to_owned()).fit("value", &spec).unwrap_err();
        assert_eq!(mistake.members[0].message, expected);
    }
}

fn field(name: &str, value_type: ValueType) -> ProfileField {
    ProfileField::new(name, value_type)
}

#[test]
fn a_structured_payload_is_accepted_whole_or_has_one_reason() {
    use QuarantineReason::{ArraySize, OutOfRange, RequiredField, TypeMismatch, UnknownSensor};
    let fields = [
        ProfileField {
            min: Some(-40.0),
            max: Some(125.0),
            required: true,
            ..field("temperature", ValueType::Double)
        },
        ProfileField { array_size: Some(3), ..field("axes", ValueType::Double) },
        field("count", ValueType::Bigint),
        field("on", ValueType::Boolean),
        field("note", ValueType::Text),
    ];
    let rows = [
        (json!({"temperature": 20}), Ok(vec!["temperature"])),
        (json!({"temperature": 125, "note": null}), Ok(vec!["temperature"])),
        (
            json!({"temperature": 1.5, "axes": [1, 2.5, 3], "count": 1, "on": true, "note": "n"}),
            Ok(vec!["temperature", "axes.0", "axes.1", "axes.2", "count", "on", "note"]),
        ),
        (json!({}), Err(RequiredField)),
        (json!({"temperature": null}), Err(RequiredField)),
        (json!({"temperature": 125.1}), Err(OutOfRange)),
        (json!({"temperature": -41}), Err(OutOfRange)),
        (json!({"temperature": "hot"}), Err(TypeMismatch)),
        (json!({"temperature": [1]}), Err(TypeMismatch)),
        (json!({"temperature": 1, "axes": [1, 2]}), Err(ArraySize)),
        (json!({"temperature": 1, "axes": 1}), Err(TypeMismatch)),
        (json!({"temperature": 1, "axes": [1, null, 3]}), Err(TypeMismatch)),
        (json!({"temperature": 1, "count": 1.0}), Err(TypeMismatch)),
        (json!({"temperature": 1, "on": 1}), Err(TypeMismatch)),
        (json!({"temperature": 1, "other": 1}), Err(UnknownSensor)),
    ];
    for (values, expected) in rows {
        let values: &Map<String, Value> = values.as_object().unwrap();
        let checked = profile::check(&fields, values);
        let keys = checked.as_ref().map(|all| all.iter().map(|v| v.key.as_str()).collect::<Vec<_>>());
        assert_eq!(keys.map_err(|mistake| mistake.reason), expected, "{values:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(payload) = parse(&bytes) {
            for row in payload.rows {
                prop_assert!(row.item.is_ok() || !row.item.unwrap_err().detail().is_empty());
            }
        }
    }

    #[test]
    fn a_reading_comes_back_as_it_was_sent(value in any::<f64>(), whole in any::<i64>(), text in ".{0,40}", us in 0_i64..9_214_646_400_000_000) {
        prop_assume!(value.is_finite());
        for (kind, sent) in [
            (StreamKind::Fp64, json!(value)),
            (StreamKind::Int64, json!(whole)),
            (StreamKind::Text, json!(text)),
        ] {
            let reading = json!({"sensorId": "t", "timestamp": Micros(us).to_iso(), "value": sent}).to_string();
            let payload = parse(reading.as_bytes()).unwrap();
            let Ok(Item::Sensor(found)) = &payload.rows[0].item else { panic!("{reading}") };
            prop_assert_eq!(found.ts, Micros(us));
            let spec = StreamSpec { kind, ..StreamSpec::new("s", DeviceId(1)) };
            let (number, words) = found.value.fit("value", &spec).unwrap();
            prop_assert_eq!(to_json(kind, number, words.as_deref()), sent);
        }
    }
}
