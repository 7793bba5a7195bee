//! What a stream of each kind makes of what a device holds.

use serde_json::json;

use super::*;

fn number(value: Value) -> Content {
    Content::Number(value)
}

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

#[test]
fn a_content_becomes_what_its_stream_is() {
    use StreamKind::*;
    for (held, kind, expected) in [
        (number(Value::Bit(true)), Bit, Some(number(Value::Bit(true)))),
        (number(Value::Int(0)), Bit, Some(number(Value::Bit(false)))),
        (number(Value::Int(2)), Bit, None),
        (number(Value::Bit(true)), Uint16, Some(number(Value::Uint(1)))),
        (number(Value::Uint(255)), Byte, Some(number(Value::Uint(255)))),
        (number(Value::Uint(256)), Byte, None),
        (number(Value::Int(-1)), Int16, Some(number(Value::Int(-1)))),
        (number(Value::Int(-1)), Uint16, None),
        (number(Value::Float(7.0)), Int32, Some(number(Value::Uint(7)))),
        (number(Value::Float(7.5)), Int32, None),
        (number(Value::Float(f64::NAN)), Int32, None),
        (number(Value::Uint(u64::MAX)), Uint64, Some(number(Value::Uint(u64::MAX)))),
        (number(Value::Uint(u64::MAX)), Int64, None),
        (number(Value::Int(i64::MIN)), Int64, Some(number(Value::Int(i64::MIN)))),
        (number(Value::Int(3)), Fp32, Some(number(Value::Float(3.0)))),
        (number(Value::Float(1.5)), Fp16, Some(number(Value::Float(1.5)))),
        (number(Value::Float(0.1)), Fp64, Some(number(Value::Float(0.1)))),
        (text("on"), Fp64, None),
        (text("on"), Bit, None),
        (text("on"), Text, Some(text("on"))),
        (number(Value::Uint(3)), Enum, Some(text("3"))),
        (number(Value::Bit(true)), Text, Some(text("true"))),
        (text("{\"a\": 1}"), Json, Some(text("{\"a\": 1}"))),
        (text("on"), Json, Some(text("\"on\""))),
        (number(Value::Int(-3)), Json, Some(text("-3"))),
    ] {
        let made = held.clone().of_kind(kind);
        assert_eq!(made.clone().ok(), expected, "{held:?} as {kind}: {made:?}");
    }
    let error = number(Value::Uint(256)).of_kind(StreamKind::Byte).unwrap_err();
    assert_eq!(error, "the device holds 256, which is no byte");
}

#[test]
fn a_reading_keeps_text_quality_and_every_digit() {
    let (stream, ts) = (StreamId(1), Micros(5));
    let wide = number(Value::Uint(u64::MAX)).to_reading(stream, ts, Quality::Uncertain).unwrap();
    assert_eq!((wide.text.as_deref(), wide.quality), (Some("18446744073709551615"), Quality::Uncertain));
    let words = text("Läuft").to_reading(stream, ts, Quality::Good).unwrap();
    assert_eq!((words.value, words.text.as_deref()), (None, Some("Läuft")));
    assert_eq!(number(Value::Float(f64::INFINITY)).to_reading(stream, ts, Quality::Good), None);
}

#[test]
fn json_and_back_is_exact() {
    for given in [json!(true), json!(-5), json!(u64::MAX), json!(i64::MIN), json!(0.5), json!("a")] {
        assert_eq!(Content::from_json(&given).unwrap().to_json(), given);
    }
    for given in [json!(null), json!([1]), json!({})] {
        assert_eq!(Content::from_json(&given), None);
    }
}

#[test]
fn texts_are_apart_unless_they_are_the_same() {
    assert_eq!(text("a").distance(&text("a")), 0.0);
    assert_eq!(text("a").distance(&text("b")), f64::INFINITY);
    assert_eq!(text("1").distance(&number(Value::Int(1))), f64::INFINITY);
    assert_eq!(number(Value::Int(1)).distance(&number(Value::Int(4))), 3.0);
}
