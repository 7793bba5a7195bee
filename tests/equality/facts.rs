//! Facts of OpenSynaptic: each becomes a packet as it came, and its numbers become readings.

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::content::{Kind, plain};
use super::doors::time;
use super::model::{Message, Model, SECOND, Sensor};
use super::packets;
use super::plant::{Plant, text};
use crate::opensynaptic::{ingest, list};

/// Sensors that a fact may have: streams of most devices, one that a fact creates, one that only packets have, and one
/// without a name.
const SENSORS: [&str; 6] = ["Motor RPM", "Count", "Running", "Note", "Vibration", ""];
const UNITS: [Option<&str>; 3] = [None, Some("mm/s"), Some("")];

/// Posts one to three facts, and reads their packets.
pub async fn post(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let facts: Vec<(usize, Value)> = (0..rng.random_range(1..4)).map(|_| fact(model, rng)).collect();
    let body = match &facts[..] {
        [(_, one)] => one.clone(),
        many => many.iter().map(|(_, fact)| fact.clone()).collect(),
    };
    let ids = ingest(&plant.client, &body).await;
    assert_eq!(ids.len(), facts.len(), "{ids:?}");
    for ((device, fact), id) in facts.into_iter().zip(&ids) {
        let number = model.stored.len();
        let found = list(&plant.stranger(), &format!("/api/data/packets/{id}")).await;
        // Without a time it is that of its arrival.
        let second = fact["t"].as_i64().or_else(|| found["packet"]["timestamp_raw"].as_i64());
        let ts = second.expect("a time") * SECOND;
        let message = message(device, ts, (number, id.clone()), &fact);
        for sensor in &message.sensors {
            let is_truth = fact[format!("s{}_v", sensor.index)].is_boolean();
            note_reading(plant, model, (device, ts), sensor, is_truth).await;
        }
        model.stored.push(message);
        packets::check_one(&found, model, &model.stored[number]);
    }
}

/// A fact of a device. Members are left out at random.
fn fact(model: &Model, rng: &mut StdRng) -> (usize, Value) {
    let device = rng.random_range(0..model.devices.len());
    let mut fact = json!({ "id": model.devices[device].external_id });
    if rng.random_bool(0.8) {
        fact["s"] = json!(["ONLINE", "WARN", "status \"x\""][rng.random_range(0..3)]);
    }
    if rng.random_bool(0.9) {
        fact["t"] = json!(time(rng).div_euclid(SECOND));
    }
    for index in 1..=rng.random_range(0..4) {
        fact[format!("s{index}_id")] = json!(SENSORS[rng.random_range(0..SENSORS.len())]);
        fact[format!("s{index}_v")] = match rng.random_range(0..10) {
            0 => json!("no number"),
            1 => json!(true),
            2 => json!(rng.random_range(0..2)),
            3 => json!(f64::from(rng.random_range(-800..800_i32)) / 16.0),
            _ => json!(rng.random_range(-1000..1000)),
        };
        if rng.random_bool(0.5) {
            fact[format!("s{index}_s")] = json!("OK");
        }
        if let Some(unit) = UNITS[rng.random_range(0..UNITS.len())] {
            fact[format!("s{index}_u")] = json!(unit);
        }
    }
    (device, fact)
}

/// The message that a fact becomes.
pub fn message(device: usize, ts: i64, stored: (usize, String), fact: &Value) -> Message {
    let (status, payload) = (fact.get("s").map_or("UNKNOWN", text).to_owned(), plain(fact));
    let (fact, document, sensors) = (payload.clone(), payload, sensors(fact));
    Message { device, ts, stored: Some(stored), status, fact, document, sensors }
}

fn sensors(fact: &Value) -> Vec<Sensor> {
    let sensor = |index: u64| {
        let member = |part: &str| fact.get(format!("s{index}_{part}"));
        Some(Sensor {
            index,
            id: text(member("id")?).to_owned(),
            status: member("s").map_or("UNKNOWN", text).to_owned(),
            value: member("v").map_or(Value::Null, number),
            unit: member("u").cloned().unwrap_or_default(),
        })
    };
    (1..).map_while(sensor).collect()
}

/// A number; a truth value is 1 or 0.
fn number(value: &Value) -> Value {
    match value {
        Value::Number(_) => plain(value),
        Value::Bool(is_on) => json!(u8::from(*is_on)),
        _ => Value::Null,
    }
}

/// A number becomes a reading of the stream with its name, which it creates unless the name is empty.
async fn note_reading(
    plant: &Plant,
    model: &mut Model,
    (device, ts): (usize, i64),
    sensor: &Sensor,
    is_truth: bool,
) {
    if sensor.id.is_empty() || sensor.value.is_null() {
        return;
    }
    let stream = match model.stream(device, &sensor.id) {
        Some(known) => known,
        None => {
            let unit = sensor.unit.as_str().unwrap_or_default().to_owned();
            let kind = if is_truth { Kind::Bit } else { Kind::Fp64 };
            plant.add_stream(model, device, &sensor.id, (kind, &unit)).await
        }
    };
    let kind = model.streams[stream].kind;
    // A truth value is no reading of a stream of numbers.
    if is_truth && kind != Kind::Bit {
        return;
    }
    if let Some(value) = kind.of_number(&sensor.value) {
        model.write(stream, ts, &value);
    }
}
