//! Payloads of our own topics: a number, JSON, an object with a time, or a batch. Pure.

use serde_json::{Map, Value};

use crate::domain::{Error, Micros, Result, device_json};

/// Maximum values of one message.
pub const MAX_VALUES: usize = 10_000;
/// Members of an object that hold its time.
const TIME_MEMBERS: [&str; 2] = ["ts", "timestamp"];
const VALUE_MEMBER: &str = "value";

/// A value of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// `None` means now.
    pub ts: Option<Micros>,
    pub value: Value,
}

/// The values of several streams at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// `None` means now.
    pub ts: Option<Micros>,
    pub values: Map<String, Value>,
}

/// Reads the values of one stream: `21.5`, `true`, `"text"`, `{"value":21.5,"ts":…}`, or an array of these. What is no
/// JSON is a text.
///
/// # Errors
/// `Invalid` naming the element, counted from 1, and what is wrong with it.
pub fn points(payload: &[u8]) -> Result<Vec<Point>> {
    let value = match device_json::parse(payload) {
        // `NaN` alone is a text.
        Ok(Value::Null) if !is_null(payload) => Value::String(text(payload)?.to_owned()),
        Ok(value) => value,
        Err(_) => Value::String(text(payload)?.to_owned()),
    };
    each(value, point)
}

/// Reads values of several streams: `{"temperature":21.5,"ts":…}` or an array of such objects.
///
/// # Errors
/// The errors of [`points`], also when the payload is no JSON.
pub fn samples(payload: &[u8]) -> Result<Vec<Sample>> {
    let malformed = |e: serde_json::Error| Error::invalid(format!("the payload is no JSON: {e}"));
    let value = device_json::parse(payload).map_err(malformed)?;
    each(value, |value| match value {
        Value::Object(mut values) => Ok(Sample { ts: take_time(&mut values, &TIME_MEMBERS[..1])?, values }),
        _ => Err("must be an object of values by the names of their streams".to_owned()),
    })
}

/// Reads a JSON object.
///
/// # Errors
/// `Invalid` for anything else.
pub fn object(payload: &[u8]) -> Result<Map<String, Value>> {
    let malformed = |e: serde_json::Error| Error::invalid(format!("the payload is no JSON object: {e}"));
    device_json::parse(payload).map_err(malformed)
}

/// Returns the text of an object that [`object`] reads: as it was sent, with null for the numbers that are none.
///
/// # Errors
/// `Invalid` when the payload is no UTF-8.
pub fn object_text(payload: &[u8]) -> Result<String> {
    let sent = device_json::trimmed(payload).trim_ascii();
    let text = device_json::rewrite(sent).unwrap_or_else(|| sent.to_vec());
    String::from_utf8(text).map_err(|_| Error::invalid("the payload is no UTF-8: send a JSON object"))
}

fn is_null(payload: &[u8]) -> bool {
    device_json::trimmed(payload).trim_ascii() == b"null"
}

fn text(payload: &[u8]) -> Result<&str> {
    match std::str::from_utf8(payload) {
        Ok(text) if !text.is_empty() => Ok(text),
        Ok(_) => Err(Error::invalid("the payload is empty: send a number or JSON")),
        Err(_) => Err(Error::invalid("the payload is no UTF-8: send a number or JSON")),
    }
}

fn each<T>(value: Value, read: impl Fn(Value) -> Result<T, String>) -> Result<Vec<T>> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    if values.is_empty() || values.len() > MAX_VALUES {
        return Err(Error::invalid(format!("a payload has 1 to {MAX_VALUES} values")));
    }
    let numbered = (1_usize..).zip(values);
    numbered.map(|(n, value)| read(value).map_err(|e| Error::invalid(format!("value {n}: {e}")))).collect()
}

fn point(value: Value) -> Result<Point, String> {
    match value {
        Value::Object(mut members) if members.contains_key(VALUE_MEMBER) => {
            let ts = take_time(&mut members, &TIME_MEMBERS)?;
            Ok(Point { ts, value: members.remove(VALUE_MEMBER).unwrap_or_default() })
        }
        value => Ok(Point { ts: None, value }),
    }
}

fn take_time(members: &mut Map<String, Value>, names: &[&str]) -> Result<Option<Micros>, String> {
    let Some(given) = names.iter().find_map(|name| members.remove(*name)) else { return Ok(None) };
    let parsed = match &given {
        Value::Null => return Ok(None),
        Value::Number(number) => Micros::parse(&number.to_string()),
        Value::String(text) => Micros::parse(text),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let wrong = || format!("`{given}` is no time: use ISO 8601 or epoch seconds");
    parsed.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOON: Micros = Micros(1_777_377_600_000_000);

    #[test]
    fn one_stream() {
        let at = |ts, value| Point { ts, value };
        for (payload, expected) in [
            ("21.5", vec![at(None, json!(21.5))]),
            (" true ", vec![at(None, json!(true))]),
            ("\"a\"", vec![at(None, json!("a"))]),
            ("running", vec![at(None, json!("running"))]),
            ("21.5\0", vec![at(None, json!(21.5))]),
            ("\u{feff}null\0", vec![at(None, Value::Null)]),
            ("NaN", vec![at(None, json!("NaN"))]),
            (r#"[1,{"value":NaN}]"#, vec![at(None, json!(1)), at(None, Value::Null)]),
            (r#"{"value":1,"ts":1777377600}"#, vec![at(Some(NOON), json!(1))]),
            (r#"{"value":1,"timestamp":"2026-04-28T12:00:00Z"}"#, vec![at(Some(NOON), json!(1))]),
            (r#"{"a":1}"#, vec![at(None, json!({"a": 1}))]),
            (r#"[1,{"value":2,"ts":1777377600}]"#, vec![at(None, json!(1)), at(Some(NOON), json!(2))]),
        ] {
            assert_eq!(points(payload.as_bytes()).unwrap(), expected, "{payload}");
        }
        for wrong in [&b""[..], b"\xff", b"[]", br#"{"value":1,"ts":true}"#, br#"{"value":1,"ts":"soon"}"#] {
            assert!(points(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_text_of_an_object_is_as_it_was_sent() {
        for (payload, expected) in [
            (" {\"z\": 1e2, \"a\":12345678901234567890123}\n", "{\"z\": 1e2, \"a\":12345678901234567890123}"),
            ("\u{feff}{\"a\":\"NaN\",\"b\":[NaN,1e400]}\0", "{\"a\":\"NaN\",\"b\":[null,null]}"),
        ] {
            let text = object_text(payload.as_bytes()).unwrap();
            assert_eq!(text, expected, "{payload}");
            assert_eq!(object(text.as_bytes()).unwrap(), object(payload.as_bytes()).unwrap(), "{payload}");
        }
        assert!(object_text(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn several_streams() {
        let found = samples(br#"[{"t":1,"h":{"in":2},"ts":"2026-04-28T12:00:00Z"},{"t":3}]"#).unwrap();
        assert_eq!(found[0].ts, Some(NOON));
        assert_eq!(Value::Object(found[0].values.clone()), json!({"t": 1, "h": {"in": 2}}));
        assert_eq!(found[1].ts, None);
        let found = samples(b"{\"t\":NaN,\"h\":[1e400,2]}\0").unwrap();
        assert_eq!(Value::Object(found[0].values.clone()), json!({"t": null, "h": [null, 2]}));
        for wrong in ["", "1", "[1]", "[]", r#"{"t":1,"ts":[]}"#] {
            assert!(samples(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
