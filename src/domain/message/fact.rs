//! OpenSynaptic facts: `{"id","s","t","s1_id","s1_s","s1_u","s1_v","s2_…"}`.

use serde_json::{Map, Number, Value, json};

use super::sensor::MessageSensor;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros, Result};

/// Status of a derived message, and of a stored one whose format has none of its own.
pub const STATUS_ONLINE: &str = "ONLINE";
/// Value of a name or a status that a fact leaves out.
pub const UNKNOWN: &str = "UNKNOWN";
/// Maximum sensors of one fact.
pub const MAX_SENSORS: usize = 1024;

/// A fact as sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Name of the device.
    pub device: String,
    /// Status of the device.
    pub status: String,
    /// Whole seconds as time; `None` when the fact has none.
    pub ts: Option<Micros>,
    /// Sensors from 1 up to the first number without any member.
    pub sensors: Vec<MessageSensor>,
}

impl Fact {
    /// Reads a fact.
    ///
    /// # Errors
    /// `Invalid` naming the member that is wrong: a name or a status that is no text, a time that is no number of
    /// seconds or outside of the years 1970 to 2261, or more than [`MAX_SENSORS`] sensors.
    pub fn read(fact: &Map<String, Value>) -> Result<Fact> {
        Ok(Fact {
            device: text(fact, "id", UNKNOWN)?,
            status: text(fact, "s", UNKNOWN)?,
            ts: time(fact)?,
            sensors: sensors(fact)?,
        })
    }
}

/// Texts stay; numbers and truth values are taken as they print.
fn text(fact: &Map<String, Value>, name: &str, absent: &str) -> Result<String> {
    match fact.get(name) {
        None | Some(Value::Null) => Ok(absent.to_owned()),
        Some(Value::String(text)) if text.contains('\0') => {
            Err(Error::field(name.to_owned(), "null characters are not allowed"))
        }
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        Some(Value::Array(_) | Value::Object(_)) => Err(Error::field(name.to_owned(), "must be a text")),
    }
}

fn time(fact: &Map<String, Value>) -> Result<Option<Micros>> {
    let seconds = match fact.get("t") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64().or_else(|| truncated(number.as_f64())),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    let ts = seconds.and_then(|seconds| seconds.checked_mul(MICROS_PER_SECOND)).map(Micros);
    let ts = ts.filter(|ts| ts.is_storable());
    ts.map(Some).ok_or_else(|| Error::field("t", "must be epoch seconds in the years 1970 to 2261"))
}

/// Cuts the fraction of a number that an i64 can hold.
fn truncated(number: Option<f64>) -> Option<i64> {
    number.filter(|number| number.abs() < 9.2e18).map(|number| number.trunc() as i64)
}

fn sensors(fact: &Map<String, Value>) -> Result<Vec<MessageSensor>> {
    let mut found = Vec::new();
    for index in 1_u32.. {
        let member = |part: &str| format!("s{index}_{part}");
        let names = ["id", "s", "u", "v"].map(member);
        if !names.iter().any(|name| fact.contains_key(name)) {
            break;
        }
        if found.len() == MAX_SENSORS {
            return Err(Error::field(names[0].clone(), format!("a fact has at most {MAX_SENSORS} sensors")));
        }
        let [id, status, unit, value] = &names;
        found.push(MessageSensor {
            index,
            id: text(fact, id, "")?,
            status: text(fact, status, UNKNOWN)?,
            value: fact.get(value).and_then(number),
            json: fact.get(value).cloned().unwrap_or_default(),
            unit: fact.get(unit).filter(|unit| !unit.is_null()).map(|_| text(fact, unit, "")).transpose()?,
        });
    }
    Ok(found)
}

/// The number that the vendor's program makes of a value: texts are read, and truth values are 1 and 0.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::Bool(is_on) => Number::from_f64(f64::from(u8::from(*is_on))),
        Value::String(text) => number_in(text),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Reads a number in decimal digits as Python does: between blanks, with an exponent, and with single underscores between
/// digits. What JSON cannot hold is none.
fn number_in(text: &str) -> Option<Number> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let is_right = |(at, byte): (usize, &u8)| match byte {
        b'_' => is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1)),
        _ => byte.is_ascii_digit() || b"+-.eE".contains(byte),
    };
    let is_number = bytes.iter().enumerate().all(is_right);
    Number::from_f64(text.replace('_', "").parse().ok().filter(|_| is_number)?)
}

/// Reads the sensors of a stored fact.
pub(super) fn sensors_of_stored(payload: &str) -> Result<Vec<MessageSensor>> {
    let damaged = |e| Error::unavailable("the payload of a stored message is no fact").with_source(e);
    sensors(&serde_json::from_str(payload).map_err(damaged)?)
}

/// The fact that a derived message stands for. Its sensors are numbered from 1 without gaps.
pub fn derived_payload(external_id: &str, ts: Micros, sensors: &[MessageSensor]) -> Value {
    let seconds = ts.0.div_euclid(MICROS_PER_SECOND);
    let mut fact = Map::new();
    fact.insert("id".to_owned(), json!(external_id));
    fact.insert("s".to_owned(), json!(STATUS_ONLINE));
    fact.insert("t".to_owned(), json!(seconds));
    for sensor in sensors {
        let mut put = |part: &str, value: Value| fact.insert(format!("s{}_{part}", sensor.index), value);
        put("id", json!(sensor.id));
        put("s", json!(sensor.status));
        put("u", json!(sensor.unit));
        put("v", sensor.value.clone().map_or(Value::Null, Value::Number));
    }
    Value::Object(fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fact: &Value) -> Result<Fact> {
        Fact::read(fact.as_object().unwrap())
    }

    fn sensor(index: u32, id: &str, status: &str, json: Value, unit: Option<&str>) -> MessageSensor {
        let (id, status, unit) = (id.to_owned(), status.to_owned(), unit.map(Into::into));
        MessageSensor { index, id, status, value: json.as_number().cloned(), json, unit }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let cases = [
            (json!({}), ("UNKNOWN", "UNKNOWN", None), vec![]),
            (
                json!({"id": "n1", "s": "ONLINE", "t": 1_777_377_600.9, "s1_id": "T", "s1_s": "OK", "s1_u": "C", "s1_v": 21.5}),
                ("n1", "ONLINE", Some(1_777_377_600)),
                vec![sensor(1, "T", "OK", json!(21.5), Some("C"))],
            ),
            (
                json!({"t": "12", "s1_v": "x", "s2_id": null, "s4_v": 1}),
                ("UNKNOWN", "UNKNOWN", Some(12)),
                vec![sensor(1, "", "UNKNOWN", json!("x"), None), sensor(2, "", "UNKNOWN", Value::Null, None)],
            ),
            (
                json!({"id": 7, "s1_v": 9_007_199_254_740_993_i64}),
                ("7", "UNKNOWN", None),
                vec![sensor(1, "", "UNKNOWN", json!(9_007_199_254_740_993_i64), None)],
            ),
        ];
        for (fact, (device, status, seconds), sensors) in cases {
            let found = read(&fact).unwrap();
            let ts = seconds.map(|seconds: i64| Micros(seconds * MICROS_PER_SECOND));
            assert_eq!(
                (found.device.as_str(), found.status.as_str(), found.ts),
                (device, status, ts),
                "{fact}"
            );
            assert_eq!(found.sensors, sensors, "{fact}");
        }
    }

    #[test]
    fn numbers_in_texts_and_truth_values_are_numbers() {
        for (value, expected) in [
            (json!("22.5"), json!(22.5)),
            (json!(" -1e3\n"), json!(-1000.0)),
            (json!("+.5"), json!(0.5)),
            (json!("1_000.25"), json!(1000.25)),
            (json!("7"), json!(7.0)),
            (json!(true), json!(1.0)),
            (json!(false), json!(0.0)),
            (json!(7), json!(7)),
            (json!(""), json!(null)),
            (json!("22,5"), json!(null)),
            (json!("1__0"), json!(null)),
            (json!("_1"), json!(null)),
            (json!("1_"), json!(null)),
            (json!("0x10"), json!(null)),
            (json!("nan"), json!(null)),
            (json!("inf"), json!(null)),
            (json!("1e999"), json!(null)),
            (json!("hot"), json!(null)),
            (json!([1]), json!(null)),
        ] {
            let found = number(&value).map_or(Value::Null, Value::Number);
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let many: Map<String, Value> = (1..=1025).map(|i| (format!("s{i}_v"), json!(1))).collect();
        for (fact, field) in [
            (json!({"id": []}), "id"),
            (json!({"s": {}}), "s"),
            (json!({"t": "noon"}), "t"),
            (json!({"t": -1}), "t"),
            (json!({"t": 1e300}), "t"),
            (json!({"t": 9_300_000_000_i64}), "t"),
            (json!({"s1_u": []}), "s1_u"),
            (Value::Object(many), "s1025_id"),
        ] {
            let error = read(&fact).unwrap_err();
            assert_eq!(error.fields[0].field, field, "{fact}");
        }
    }

    #[test]
    fn a_derived_payload_reads_as_the_fact_it_is() {
        let sensors = vec![
            sensor(1, "Motor RPM", "OK", json!(1300.0), None),
            sensor(2, "T", "OK", Value::Null, Some("C")),
        ];
        let ts = Micros(1_777_377_600_999_999);
        let payload = derived_payload("Press 1", ts, &sensors);
        let fact = read(&payload).unwrap();
        assert_eq!((fact.device.as_str(), fact.status.as_str()), ("Press 1", "ONLINE"));
        assert_eq!(fact.ts, Some(Micros(1_777_377_600_000_000)));
        assert_eq!(fact.sensors, sensors);
    }
}
