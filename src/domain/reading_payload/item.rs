//! Reads a payload: one reading or an array of readings, each wrong for itself.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::value::SentValue;
use super::{MAX_ELEMENTS, MAX_METADATA_BYTES, MAX_SENSOR_ID_CHARS};
use crate::domain::quarantine::{Mistake, QuarantineReason};
use crate::domain::validation::json_bytes;
use crate::domain::{FieldError, Micros};

/// A reading of one sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorReading {
    /// Id or key of the sensor, 1..=36 characters.
    pub sensor: String,
    /// Id of the device that a key belongs to, where the sender is no device.
    pub device: Option<String>,
    /// Time of the value.
    pub ts: Micros,
    /// The value.
    pub value: SentValue,
    /// Further members that the device adds; empty for none.
    pub metadata: Map<String, Value>,
}

/// The values of a component at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentReading {
    /// Id of the component, or its key where the sender is its device.
    pub component: String,
    /// Time of the values.
    pub ts: Micros,
    /// Values by the fields of the component's sensor profile.
    pub values: Map<String, Value>,
    /// Further members that the device adds; empty for none.
    pub metadata: Map<String, Value>,
}

/// A reading of either form.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Of one sensor.
    Sensor(SensorReading),
    /// Of a component.
    Component(ComponentReading),
}

/// An element of a payload: its text and what it says.
#[derive(Debug)]
pub struct PayloadRow<'a> {
    /// As it came.
    pub text: &'a str,
    /// The reading, or why it is none.
    pub item: Result<Item, Mistake>,
}

/// A payload that is JSON.
#[derive(Debug)]
pub struct Payload<'a> {
    /// Whether it is an array; otherwise it has one row.
    pub is_array: bool,
    /// Its elements, in order.
    pub rows: Vec<PayloadRow<'a>>,
}

/// Reads a payload. Its length is checked before.
///
/// # Errors
/// `MALFORMED` when the whole is neither an object nor an array, or has more than [`MAX_ELEMENTS`].
pub fn parse(payload: &[u8]) -> Result<Payload<'_>, Mistake> {
    let malformed = |message: String| Mistake::new(QuarantineReason::Malformed, "payload", message);
    let whole: &RawValue =
        serde_json::from_slice(payload).map_err(|e| malformed(format!("is no JSON: {e}")))?;
    let (is_array, rows) = match whole.get().as_bytes().first() {
        Some(b'[') => {
            let rows = serde_json::from_str::<Vec<&RawValue>>(whole.get());
            let rows = rows.map_err(|e| malformed(format!("is no JSON: {e}")))?;
            if rows.len() > MAX_ELEMENTS {
                return Err(malformed(format!("has {} elements; at most {MAX_ELEMENTS}", rows.len())));
            }
            (true, rows)
        }
        Some(b'{') => (false, vec![whole]),
        _ => return Err(malformed("must be an object or an array of objects".to_owned())),
    };
    let rows = rows.into_iter().map(|row| PayloadRow { text: row.get(), item: read(row.get()) });
    Ok(Payload { is_array, rows: rows.collect() })
}

fn read(text: &str) -> Result<Item, Mistake> {
    let malformed = |message: String| Mistake::new(QuarantineReason::Malformed, "payload", message);
    // An element may be nested too deeply, or hold a number that is too large, where the array as a whole was read.
    let element: Value = serde_json::from_str(text).map_err(|e| malformed(format!("is no JSON: {e}")))?;
    let Value::Object(mut members) = element else { return Err(malformed("must be an object".to_owned())) };
    let mut reader = MemberReader { members: &mut members, wrong: Vec::new(), too_large: false };
    let is_structured = reader.members.contains_key("values") || reader.members.contains_key("componentId");
    let item = if is_structured { reader.component() } else { reader.sensor() };
    let MemberReader { wrong, too_large, .. } = reader;
    match item {
        Some(item) if wrong.is_empty() => item,
        _ => {
            let reason = if too_large { QuarantineReason::TooLarge } else { QuarantineReason::Malformed };
            Err(Mistake { reason, members: wrong })
        }
    }
}

/// Takes the members of an element and collects what is wrong with them.
struct MemberReader<'a> {
    members: &'a mut Map<String, Value>,
    wrong: Vec<FieldError>,
    too_large: bool,
}

impl MemberReader<'_> {
    fn sensor(&mut self) -> Option<Result<Item, Mistake>> {
        let sensor = self.id("sensorId");
        let ts = self.timestamp();
        let has_device = self.members.get("deviceId").is_some_and(|device| !device.is_null());
        let device = has_device.then(|| self.id("deviceId"));
        let metadata = self.metadata();
        let value = self.members.remove("value").unwrap_or(Value::Null);
        if value.is_null() {
            self.wrong.push(FieldError::new("value", "must not be null"));
            return None;
        }
        let (sensor, ts, metadata) = (sensor?, ts?, metadata?);
        let device = match device {
            Some(parsed) => Some(parsed?),
            None => None,
        };
        Some(
            SentValue::read("value", &value)
                .map(|value| Item::Sensor(SensorReading { sensor, device, ts, value, metadata })),
        )
    }

    fn component(&mut self) -> Option<Result<Item, Mistake>> {
        let component = self.id("componentId");
        let ts = self.timestamp();
        let metadata = self.metadata();
        let values = match self.members.remove("values") {
            Some(Value::Object(values)) => Some(values),
            Some(Value::Null) | None => self.refuse("values", "must not be null"),
            Some(_) => self.refuse("values", "must be an object"),
        };
        let (component, ts, metadata, values) = (component?, ts?, metadata?, values?);
        Some(Ok(Item::Component(ComponentReading { component, ts, values, metadata })))
    }

    fn refuse<T>(&mut self, member: &'static str, message: &str) -> Option<T> {
        self.wrong.push(FieldError::new(member, message));
        None
    }

    fn id(&mut self, member: &'static str) -> Option<String> {
        match self.members.remove(member) {
            Some(Value::String(text)) if text.trim().is_empty() => self.refuse(member, "must not be blank"),
            Some(Value::String(text)) if text.chars().count() > MAX_SENSOR_ID_CHARS => {
                self.too_large = true;
                self.refuse(member, &format!("size must be between 1 and {MAX_SENSOR_ID_CHARS}"))
            }
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                self.refuse(member, "must have no control characters")
            }
            Some(Value::String(text)) => Some(text.trim().to_owned()),
            Some(Value::Null) | None => self.refuse(member, "must not be blank"),
            Some(_) => self.refuse(member, "must be a text"),
        }
    }

    fn timestamp(&mut self) -> Option<Micros> {
        let message = "must be an ISO-8601 time of the years 1970 to 2261, as 2026-04-28T12:00:00Z";
        match self.members.remove("timestamp") {
            Some(Value::String(text)) => match parse_timestamp(&text) {
                Some(ts) => Some(ts),
                None => self.refuse("timestamp", message),
            },
            Some(Value::Null) | None => self.refuse("timestamp", "must not be null"),
            Some(_) => self.refuse("timestamp", message),
        }
    }

    fn metadata(&mut self) -> Option<Map<String, Value>> {
        match self.members.remove("metadata") {
            Some(Value::Object(metadata)) if json_bytes(&metadata) > MAX_METADATA_BYTES => {
                self.too_large = true;
                self.refuse("metadata", &format!("has at most {MAX_METADATA_BYTES} bytes of JSON"))
            }
            Some(Value::Object(metadata)) => Some(metadata),
            Some(Value::Null) | None => Some(Map::new()),
            Some(_) => self.refuse("metadata", "must be an object"),
        }
    }
}

/// A time with a date and a clock; an offset may stand for `Z`. Epoch seconds and dates alone are none.
fn parse_timestamp(text: &str) -> Option<Micros> {
    let has_clock = matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '));
    has_clock.then(|| Micros::parse(text)).flatten()
}
