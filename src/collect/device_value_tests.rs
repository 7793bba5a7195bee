//! Conversion of device values to each kind of stream.

use serde_json::json;

use super::*;

fn number(value: NumericValue) -> DeviceValue {
    DeviceValue::Number(value)
}

fn text(text: &str) -> DeviceValue {
    DeviceValue::Text(text.into())
}

#[test]
fn a_content_becomes_what_its_stream_is() {
    use StreamKind::*;
    for (content, kind, expected) in [
        (number(NumericValue::Bit(true)), Bit, Some(number(NumericValue::Bit(true)))),
        (number(NumericValue::Int(0)), Bit, Some(number(NumericValue::Bit(false)))),
        (number(NumericValue::Int(2)), Bit, None),
        (number(NumericValue::Bit(true)), Uint16, Some(number(NumericValue::Uint(1)))),
        (number(NumericValue::Uint(255)), Byte, Some(number(NumericValue::Uint(255)))),
        (number(NumericValue::Uint(256)), Byte, None),
        (number(NumericValue::Int(-1)), Int16, Some(number(NumericValue::Int(-1)))),
        (number(NumericValue::Int(-1)), Uint16, None),
        (number(NumericValue::Float(7.0)), Int32, Some(number(NumericValue::Uint(7)))),
        (number(NumericValue::Float(7.5)), Int32, None),
        (number(NumericValue::Float(f64::NAN)), Int32, None),
        (number(NumericValue::Uint(u64::MAX)), Uint64, Some(number(NumericValue::Uint(u64::MAX)))),
        (number(NumericValue::Uint(u64::MAX)), Int64, None),
        (number(NumericValue::Int(i64::MIN)), Int64, Some(number(NumericValue::Int(i64::MIN)))),
        (number(NumericValue::Int(3)), Fp32, Some(number(NumericValue::Float(3.0)))),
        (number(NumericValue::Float(1.5)), Fp16, Some(number(NumericValue::Float(1.5)))),
        (number(NumericValue::Float(0.1)), Fp64, Some(number(NumericValue::Float(0.1)))),
        (text("on"), Fp64, None),
        (text("on"), Bit, None),
        (text("on"), Text, Some(text("on"))),
        (number(NumericValue::Uint(3)), Enum, Some(number(NumericValue::Uint(3)))),
        (number(NumericValue::Bit(true)), Text, Some(text("true"))),
        (text("{\"a\": 1}"), Json, Some(text("{\"a\": 1}"))),
        (text("on"), Json, Some(text("\"on\""))),
        (number(NumericValue::Int(-3)), Json, Some(text("-3"))),
    ] {
        let made = content.clone().convert_to(kind);
        assert_eq!(made.clone().ok(), expected, "{content:?} as {kind}: {made:?}");
    }
    let error = number(NumericValue::Uint(256)).convert_to(StreamKind::Byte).unwrap_err();
    assert_eq!(error, "the device holds 256, which is no byte");
}

#[test]
fn a_reading_keeps_text_quality_and_every_digit() {
    let (stream, ts) = (StreamId(1), Micros(5));
    let wide = number(NumericValue::Uint(u64::MAX)).to_reading(stream, ts, Quality::Uncertain).unwrap();
    assert_eq!((wide.text.as_deref(), wide.quality), (Some("18446744073709551615"), Quality::Uncertain));
    let words = text("Läuft").to_reading(stream, ts, Quality::Good).unwrap();
    assert_eq!((words.value, words.text.as_deref()), (None, Some("Läuft")));
    assert_eq!(number(NumericValue::Float(f64::INFINITY)).to_reading(stream, ts, Quality::Good), None);
}

#[test]
fn json_and_back_is_exact() {
    for given in [json!(true), json!(-5), json!(u64::MAX), json!(i64::MIN), json!(0.5), json!("a")] {
        assert_eq!(DeviceValue::from_json(&given).unwrap().to_json(), given);
    }
    for given in [json!(null), json!([1]), json!({})] {
        assert_eq!(DeviceValue::from_json(&given), None);
    }
}

#[test]
fn texts_are_apart_unless_they_are_the_same() {
    assert_eq!(text("a").distance(&text("a")), 0.0);
    assert_eq!(text("a").distance(&text("b")), f64::INFINITY);
    assert_eq!(text("1").distance(&number(NumericValue::Int(1))), f64::INFINITY);
    assert_eq!(number(NumericValue::Int(1)).distance(&number(NumericValue::Int(4))), 3.0);
}
