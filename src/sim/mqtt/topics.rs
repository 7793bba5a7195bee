//! Topics of the plant's quantities. Pure, except for the time of the messages.

use opcua::types::Variant;
use serde_json::{Value as Json, json};

use crate::domain::Clock;
use crate::domain::time::SystemClock;
use crate::sim::opcua::{QUANTITIES, Quantity};
use crate::sim::plant::Plant;

const ROOT: &str = "plant/";
const SET: &str = "/set";

/// Stream address of a quantity's value, for a collector.
pub fn value_path(name: &str) -> String {
    format!("{}#/value", topic(name))
}

/// One message for each quantity: topic and payload.
pub fn messages(plant: &Plant) -> Vec<(String, String)> {
    let time = SystemClock.now().to_iso();
    let message = |quantity: &Quantity| {
        let payload = json!({"value": to_json(&quantity.read(plant)), "unit": quantity.unit, "time": time});
        (topic(quantity.name), payload.to_string())
    };
    QUANTITIES.iter().map(message).collect()
}

/// Applies a message of a client, if it is to one of the settings and holds a valid value for it.
pub fn apply(plant: &mut Plant, topic_name: &str, payload: &[u8]) {
    let is_meant = |quantity: &&Quantity| topic_name.strip_suffix(SET) == Some(topic(quantity.name).as_str());
    let Some(quantity) = QUANTITIES.iter().find(is_meant) else { return };
    let Ok(value) = serde_json::from_slice::<Json>(payload) else { return };
    let number = value.as_f64().or_else(|| value.as_bool().map(|on| f64::from(u8::from(on))));
    let Some(number) = number else { return };
    let value = match quantity.read(plant) {
        Variant::Boolean(_) => Variant::Boolean(number != 0.0),
        Variant::UInt16(_) => Variant::UInt16(number.round().clamp(0.0, f64::from(u16::MAX)) as u16),
        _ => Variant::Float(number as f32),
    };
    if let Err(status) = quantity.write(plant, &value) {
        tracing::debug!(topic_name, %status, "the simulator refuses a setting");
    }
}

/// One line for each topic: access and unit.
pub fn lines() -> Vec<String> {
    let line = |quantity: &Quantity| {
        let set = if quantity.is_writable() {
            format!("  set by {}{SET}", topic(quantity.name))
        } else {
            String::new()
        };
        format!("{:<28}  {:<6}{set}", topic(quantity.name), quantity.unit).trim_end().to_owned()
    };
    QUANTITIES.iter().map(line).collect()
}

fn topic(name: &str) -> String {
    format!("{ROOT}{}", name.replace('.', "/"))
}

fn to_json(value: &Variant) -> Json {
    match value {
        Variant::Boolean(on) => json!(on),
        Variant::Byte(number) => json!(number),
        Variant::UInt16(number) => json!(number),
        Variant::Int32(number) => json!(number),
        Variant::Int64(number) => json!(number),
        Variant::UInt64(number) => json!(number),
        Variant::Float(number) => json!(number),
        Variant::Double(number) => json!(number),
        _ => Json::Null,
    }
}
