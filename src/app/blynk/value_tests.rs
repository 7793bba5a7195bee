//! Values that each kind takes and shows.

use serde_json::json;

use super::*;
use crate::domain::DeviceId;

fn stream(kind: StreamKind, metadata: Value) -> StreamSpec {
    let metadata = metadata.as_object().cloned().unwrap_or_default();
    StreamSpec { kind, metadata, ..StreamSpec::new("s", DeviceId(1)) }
}

/// Value that is shown after it was stored; `None` when it is refused.
fn stored(spec: &StreamSpec, given: &Value) -> Option<Value> {
    let (value, text) = parse(spec, given)?;
    to_json(spec.kind, value, text.as_deref())
}

#[test]
fn each_kind_takes_its_values() {
    let (long, too_long) = ("x".repeat(1024), "x".repeat(1025));
    let rows = [
        (StreamKind::Fp64, json!(22.5), Some(json!(22.5))),
        (StreamKind::Fp64, json!(1300.0), Some(json!(1300))),
        (StreamKind::Fp64, json!(-1e300), Some(json!(-1e300))),
        (StreamKind::Fp64, json!("22.5"), None),
        (StreamKind::Fp64, json!(true), None),
        (StreamKind::Fp64, json!([1]), None),
        (StreamKind::Fp64, json!({"a": 1}), None),
        (StreamKind::Fp32, json!(1e38), Some(json!(1e38))),
        (StreamKind::Fp32, json!(1e39), None),
        (StreamKind::Fp16, json!(65504), Some(json!(65504))),
        (StreamKind::Fp16, json!(-65505), None),
        (StreamKind::Byte, json!(255), Some(json!(255))),
        (StreamKind::Byte, json!(256), None),
        (StreamKind::Byte, json!(-1), None),
        (StreamKind::Byte, json!(1.0), Some(json!(1))),
        (StreamKind::Byte, json!(1.5), None),
        (StreamKind::Int64, json!(i64::MIN), Some(json!(i64::MIN))),
        (StreamKind::Uint64, json!(u64::MAX), Some(json!(u64::MAX))),
        (StreamKind::Uint64, json!(-1), None),
        (StreamKind::Enum, json!(3), Some(json!(3))),
        (StreamKind::Enum, json!(3.5), None),
        (StreamKind::Enum, json!("auto"), None),
        (StreamKind::Bit, json!(true), Some(json!(1))),
        (StreamKind::Bit, json!(0), Some(json!(0))),
        (StreamKind::Bit, json!(2), None),
        (StreamKind::Bit, json!("true"), None),
        (StreamKind::Text, json!("Some DataStream Value"), Some(json!("Some DataStream Value"))),
        (StreamKind::Text, json!(""), Some(json!(""))),
        (StreamKind::Text, json!(long), Some(json!(long))),
        (StreamKind::Text, json!(too_long), None),
        (StreamKind::Text, json!(1), None),
        (StreamKind::Json, json!(r#"{ "a": [1, 2] }"#), Some(json!(r#"{"a":[1,2]}"#))),
        (StreamKind::Json, json!("no JSON"), None),
        (StreamKind::Json, json!({"a": 1}), None),
        (StreamKind::Location, json!([13.38886, 52.517037]), Some(json!([13.38886, 52.517037]))),
        (StreamKind::Location, json!([-180, 90]), Some(json!([-180, 90]))),
        (StreamKind::Location, json!([180.1, 0]), None),
        (StreamKind::Location, json!([0, -90.1]), None),
        (StreamKind::Location, json!([1]), None),
        (StreamKind::Location, json!([1, 2, 3]), None),
        (StreamKind::Location, json!("1,2"), None),
    ];
    for (kind, given, expected) in rows {
        assert_eq!(stored(&stream(kind, json!({})), &given), expected, "{kind} {given}");
    }
}

#[test]
fn bounds_move_numbers() {
    let rows = [
        (StreamKind::Fp64, json!({"min": 0, "max": 10.5}), json!(11), Some(json!(10.5))),
        (StreamKind::Fp64, json!({"min": 0, "max": 10.5}), json!(-1), Some(json!(0))),
        (StreamKind::Fp64, json!({"min": 0, "max": 10.5}), json!(3.5), Some(json!(3.5))),
        (StreamKind::Int16, json!({"max": 10.5}), json!(11), Some(json!(10))),
        (StreamKind::Int16, json!({"min": -10.5}), json!(-20), Some(json!(-10))),
        (StreamKind::Byte, json!({"max": 100}), json!(200), Some(json!(100))),
        (StreamKind::Byte, json!({"max": 100}), json!(300), None),
        (StreamKind::Byte, json!({"min": 300}), json!(200), None),
        (StreamKind::Uint64, json!({"max": 5}), json!(u64::MAX), Some(json!(5))),
        (StreamKind::Enum, json!({"max": 2}), json!(7), Some(json!(2))),
        (StreamKind::Text, json!({"max": 2}), json!("abc"), Some(json!("abc"))),
    ];
    for (kind, bounds, given, expected) in rows {
        assert_eq!(stored(&stream(kind, bounds.clone()), &given), expected, "{kind} {bounds} {given}");
    }
}

#[test]
fn a_scaled_stream_takes_any_number() {
    for kind in [StreamKind::Int16, StreamKind::Fp16] {
        let spec = StreamSpec { scale: 0.1, ..stream(kind, json!({"max": 1e6})) };
        assert_eq!(stored(&spec, &json!(70_000.5)), Some(json!(70_000.5)), "{kind}");
        assert_eq!(stored(&spec, &json!(2e6)), Some(json!(1_000_000)), "{kind}");
    }
}

#[test]
fn what_other_ways_stored_is_shown() {
    let rows = [
        (StreamKind::Json, None, Some("{ \"b\": 1 }"), Some(json!(r#"{"b":1}"#))),
        (StreamKind::Json, None, Some("{"), Some(json!("{"))),
        (StreamKind::Location, None, Some("?"), Some(json!("?"))),
        (StreamKind::Enum, None, Some("auto"), Some(json!("auto"))),
        (StreamKind::Text, Some(1.5), None, Some(json!(1.5))),
        (StreamKind::Fp64, None, None, None),
    ];
    for (kind, value, text, expected) in rows {
        assert_eq!(to_json(kind, value, text), expected, "{kind} {value:?} {text:?}");
    }
}
