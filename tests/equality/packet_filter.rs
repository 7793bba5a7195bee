//! Filters of the lists of OpenSynaptic, and which messages pass them.

use rand::Rng;
use rand::rngs::StdRng;

use super::model::{Message, Model, SECOND};
use super::plant::NOON;

/// Filters of a list. The default asks for everything.
#[derive(Debug, Default)]
pub struct PacketFilter {
    device: Option<usize>,
    status: Option<&'static str>,
    /// Seconds, inclusive.
    since: Option<i64>,
    until: Option<i64>,
    sensor: Option<&'static str>,
}

impl PacketFilter {
    pub fn random(model: &Model, rng: &mut StdRng) -> PacketFilter {
        let statuses = ["ONLINE", "WARN", "online", "status \"x\""];
        let sensors = ["Motor RPM", "Count", "Vibration", "Config", "motor rpm"];
        let second = |rng: &mut StdRng| {
            let start = [0, 595, 43_195][rng.random_range(0..3)];
            rng.random_bool(0.3).then(|| NOON / SECOND + start + rng.random_range(0..10))
        };
        PacketFilter {
            device: rng.random_bool(0.4).then(|| rng.random_range(0..model.devices.len())),
            since: second(rng),
            until: second(rng),
            status: rng.random_bool(0.3).then(|| statuses[rng.random_range(0..statuses.len())]),
            sensor: rng.random_bool(0.5).then(|| sensors[rng.random_range(0..sensors.len())]),
        }
    }

    /// The parameters of a list, each with `&` after it.
    pub fn query(&self, model: &Model, list: &str) -> String {
        let mut query = String::new();
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query += &format!("{name}={}&", value.replace(' ', "%20").replace('"', "%22"));
            }
        };
        add("device_id", self.device.map(|device| model.devices[device].external_id.clone()));
        add("since", self.since.map(|second| second.to_string()));
        add("until", self.until.map(|second| second.to_string()));
        match list {
            "packets" => add("status", self.status.map(str::to_owned)),
            _ => add("sensor_id", self.sensor.map(str::to_owned)),
        }
        query
    }

    /// Whether the device and the second of a message pass.
    pub fn has_message(&self, message: &Message) -> bool {
        let second = message.ts.div_euclid(SECOND);
        self.device.is_none_or(|device| device == message.device)
            && self.since.is_none_or(|since| since <= second)
            && self.until.is_none_or(|until| second <= until)
    }

    pub fn has_status(&self, status: &str) -> bool {
        self.status.is_none_or(|wanted| wanted == status)
    }

    pub fn has_sensor(&self, id: &str) -> bool {
        self.sensor.is_none_or(|wanted| wanted == id)
    }
}
