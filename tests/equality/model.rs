//! The writes, in memory: readings of which the last of a stream and time wins, messages, and commands.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::content::{Kind, plain};

pub const SECOND: i64 = 1_000_000;

/// A device by the names that the vocabularies have for it.
#[derive(Debug, Clone)]
pub struct Device {
    pub id: i64,
    pub key: String,
    pub external_id: String,
}

#[derive(Debug, Clone)]
pub struct Stream {
    pub id: i64,
    /// Place of its device in the model.
    pub device: usize,
    pub channel: i64,
    pub name: String,
    pub kind: Kind,
    /// Empty for none.
    pub unit: String,
    /// Bounds of the values that Blynk writes.
    pub bounds: Option<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    pub index: u64,
    pub id: String,
    pub status: String,
    /// A number or null.
    pub value: Value,
    /// A text or null.
    pub unit: Value,
}

/// A message, stored or derived.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Place of its device in the model.
    pub device: usize,
    /// Microseconds.
    pub ts: i64,
    /// Number of its arrival and its id; `None` for a derived message.
    pub stored: Option<(usize, String)>,
    pub status: String,
    /// The payload as OpenSynaptic shows it.
    pub fact: Value,
    /// The payload as Instathings shows it.
    pub document: Value,
    pub sensors: Vec<Sensor>,
}

/// A command for a device with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub uuid: String,
    /// Name of the request in Instathings.
    pub key: String,
    pub device: usize,
    pub kind: &'static str,
    pub params: Value,
    pub state: &'static str,
    pub result: Value,
    pub error: String,
}

#[derive(Debug, Default)]
pub struct Model {
    pub devices: Vec<Device>,
    /// Streams, those of a device in the order of their channels.
    pub streams: Vec<Stream>,
    /// Values by stream and time.
    pub readings: BTreeMap<(usize, i64), Value>,
    /// Messages that arrived as such, in the order of their arrival.
    pub stored: Vec<Message>,
    /// In the order of their creation.
    pub commands: Vec<Command>,
    /// Ids of derived messages by device and time, as they were first seen: they never change.
    pub derived_ids: BTreeMap<(usize, i64), String>,
    /// Times of arrival of stored messages by their ids, microseconds, as they were first seen.
    pub received: BTreeMap<String, i64>,
}

impl Model {
    /// Notes a reading; the last of a stream and time wins.
    pub fn write(&mut self, stream: usize, ts: i64, value: &Value) {
        self.readings.insert((stream, ts), plain(value));
    }

    /// The stream of a device with this name.
    pub fn stream(&self, device: usize, name: &str) -> Option<usize> {
        self.streams.iter().position(|stream| stream.device == device && stream.name == name)
    }

    /// Values of a stream by time, the oldest first.
    pub fn values(&self, stream: usize) -> Vec<(i64, &Value)> {
        let rows = self.readings.range((stream, i64::MIN)..=(stream, i64::MAX));
        rows.map(|((_, ts), value)| (*ts, value)).collect()
    }

    /// Every message, the newest first: by time, then the last that arrived, then by device. Readings that came in
    /// without a message are messages by device and time, unless one is stored there.
    pub fn messages(&self) -> Vec<Message> {
        let stored: BTreeSet<(usize, i64)> = self.stored.iter().map(|m| (m.device, m.ts)).collect();
        let mut derived: BTreeMap<(usize, i64), Vec<(usize, &Value)>> = BTreeMap::new();
        for ((stream, ts), value) in &self.readings {
            let place = (self.streams[*stream].device, *ts);
            if !stored.contains(&place) {
                derived.entry(place).or_default().push((*stream, value));
            }
        }
        let derived = derived.into_iter().map(|((device, ts), values)| self.derived(device, ts, &values));
        let mut all: Vec<Message> = derived.chain(self.stored.iter().cloned()).collect();
        let arrival = |message: &Message| message.stored.as_ref().map(|(number, _)| *number);
        all.sort_by_key(|message| (Reverse((message.ts, arrival(message))), message.device));
        all
    }

    fn derived(&self, device: usize, ts: i64, values: &[(usize, &Value)]) -> Message {
        let mut fact = Map::new();
        fact.insert("id".to_owned(), json!(self.devices[device].external_id));
        fact.insert("s".to_owned(), json!("ONLINE"));
        fact.insert("t".to_owned(), json!(ts.div_euclid(SECOND)));
        let (mut document, mut sensors) = (Map::new(), Vec::new());
        for (index, (stream, value)) in (1..).zip(values) {
            let Stream { name, kind, unit, .. } = &self.streams[*stream];
            let unit = if unit.is_empty() { Value::Null } else { json!(unit) };
            let (value, shown) = (kind.sensor(value), plain(value));
            for (part, member) in
                [("id", json!(name)), ("s", json!("OK")), ("u", unit.clone()), ("v", value.clone())]
            {
                fact.insert(format!("s{index}_{part}"), member);
            }
            document.insert(name.clone(), shown);
            sensors.push(Sensor { index, id: name.clone(), status: "OK".to_owned(), value, unit });
        }
        let (fact, document) = (Value::Object(fact), Value::Object(document));
        Message { device, ts, stored: None, status: "ONLINE".to_owned(), fact, document, sensors }
    }

    /// The id of a message; that of a derived one is what it was first seen with.
    pub fn id_of<'a>(&'a self, message: &'a Message) -> Option<&'a str> {
        match &message.stored {
            Some((_, id)) => Some(id),
            None => self.derived_ids.get(&(message.device, message.ts)).map(String::as_str),
        }
    }
}
