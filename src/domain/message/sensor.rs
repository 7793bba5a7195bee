//! Sensors: the values of a message.

use serde_json::{Number, Value};

use crate::domain::integer::exact_integer;
use crate::domain::reading::{Quality, Reading};
use crate::domain::stream::{Stream, StreamKind};

/// Status of a sensor with a value.
pub const SENSOR_OK: &str = "OK";
/// Status of a sensor whose reading has bad quality.
pub const SENSOR_BAD: &str = "BAD";

/// One value of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageSensor {
    /// Place in the message, from 1.
    pub index: u32,
    /// Name of the sensor; the name of the stream unless it is empty.
    pub id: String,
    /// Status that the device gave the sensor.
    pub status: String,
    /// `None` when there is no number.
    pub value: Option<Number>,
    /// The value as JSON of whatever kind; null when there is none.
    pub json: Value,
    /// Unit; `None` when there is none.
    pub unit: Option<String>,
}

impl MessageSensor {
    /// The sensor of a derived message: a reading of a stream.
    pub fn of_reading(index: u32, stream: &Stream, reading: &Reading) -> Self {
        let json = json_value(stream.spec.kind, reading);
        let status = if reading.quality == Quality::Bad { SENSOR_BAD } else { SENSOR_OK };
        let value = match &json {
            Value::Number(number) if stream.spec.kind.is_numeric() => Some(number.clone()),
            Value::Bool(on) if stream.spec.kind.is_numeric() => Some(u8::from(*on).into()),
            _ => None,
        };
        MessageSensor {
            index,
            id: stream.spec.name.clone(),
            status: status.to_owned(),
            value,
            json,
            unit: Some(stream.spec.unit.clone()).filter(|unit| !unit.is_empty()),
        }
    }
}

/// A reading as JSON: integers without a fraction and beyond ±2^53 exactly, bits as truth values, locations and JSON as
/// they were sent.
fn json_value(kind: StreamKind, reading: &Reading) -> Value {
    let text = reading.text.as_deref();
    match kind {
        StreamKind::Bit => reading.value.map_or(Value::Null, |value| Value::Bool(value != 0.0)),
        StreamKind::Json | StreamKind::Location => {
            text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
        }
        StreamKind::Text => text.map_or(Value::Null, Value::from),
        _ => match text {
            // Enums were texts before they were numbers.
            Some(digits) => serde_json::from_str(digits).map_or_else(|_| digits.into(), Value::Number),
            None => reading.value.and_then(|value| number(kind, value)).map_or(Value::Null, Value::Number),
        },
    }
}

/// The number of a reading as its kind has it. A scaled stream of an integer kind holds engineering values; those keep
/// their fraction.
fn number(kind: StreamKind, value: f64) -> Option<Number> {
    let whole = kind.integer_range().and_then(|_| exact_integer(value));
    whole.map(Number::from).or_else(|| Number::from_f64(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{Micros, StreamId};

    #[test]
    fn readings_are_shown_as_their_kinds_are() {
        for (kind, value, text, expected) in [
            (StreamKind::Bit, Some(1.0), None, json!(true)),
            (StreamKind::Fp64, Some(1.5), None, json!(1.5)),
            (StreamKind::Fp64, None, None, json!(null)),
            (StreamKind::Uint64, Some(1.8e19), Some("18446744073709551615"), json!(u64::MAX)),
            (StreamKind::Fp64, Some(42.0), None, json!(42.0)),
            (StreamKind::Int32, Some(-7.0), None, json!(-7)),
            (StreamKind::Int16, Some(21.5), None, json!(21.5)),
            (StreamKind::Enum, Some(3.0), None, json!(3)),
            (StreamKind::Enum, None, Some("auto"), json!("auto")),
            (StreamKind::Text, None, Some("7"), json!("7")),
            (StreamKind::Json, None, Some("[1]"), json!([1])),
            (StreamKind::Location, None, Some("[1.0,2.0]"), json!([1.0, 2.0])),
        ] {
            let reading = Reading {
                stream: StreamId(1),
                ts: Micros(0),
                value,
                text: text.map(Into::into),
                quality: Quality::Good,
            };
            assert_eq!(json_value(kind, &reading), expected, "{kind} {value:?} {text:?}");
        }
    }
}
