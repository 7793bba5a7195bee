//! Facts and readings at random against a model: every list, filter and page agrees with it, also after a restart.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{NOON, create_device, ingest, list, stranger, write};
use crate::support::{Client, Server};

const DEVICES: [&str; 3] = ["Press 1", "Press 2", "node"];
const STREAMS: [&str; 2] = ["RPM", "TEMP"];
const STEPS: usize = 120;

/// A packet as the model expects it.
#[derive(Debug, Clone, PartialEq)]
struct Expected {
    device: usize,
    /// Microseconds after noon.
    ts: i64,
    /// Number of its fact; `None` for a derived packet.
    arrival: Option<usize>,
    status: &'static str,
    /// Index, id and value.
    sensors: Vec<(u64, &'static str, f64)>,
}

#[derive(Default)]
struct Model {
    facts: Vec<Expected>,
    /// Ids of the facts' packets.
    ids: Vec<String>,
    /// Values by device, time and stream.
    readings: BTreeMap<(usize, i64, usize), f64>,
}

impl Model {
    /// Every packet in order: by time descending, then the last that arrived, then by device.
    fn packets(&self) -> Vec<Expected> {
        let mut derived: BTreeMap<(usize, i64), Expected> = BTreeMap::new();
        for ((device, ts, stream), value) in &self.readings {
            if self.facts.iter().any(|fact| (fact.device, fact.ts) == (*device, *ts)) {
                continue;
            }
            let (device, ts, arrival, status) = (*device, *ts, None, "ONLINE");
            let packet = Expected { device, ts, arrival, status, sensors: Vec::new() };
            let sensors = &mut derived.entry((device, ts)).or_insert(packet).sensors;
            sensors.push((sensors.len() as u64 + 1, STREAMS[*stream], *value));
        }
        let mut all: Vec<Expected> = self.facts.iter().cloned().chain(derived.into_values()).collect();
        all.sort_by_key(|packet| (std::cmp::Reverse((packet.ts, packet.arrival)), packet.device));
        all
    }
}

/// A filter, and what passes it.
struct Case {
    query: String,
    device: Option<usize>,
    status: Option<&'static str>,
    /// Seconds after noon, inclusive.
    within: Option<(i64, i64)>,
    sensor: Option<&'static str>,
}

impl Case {
    fn random(chance: &mut StdRng) -> Case {
        let device = chance.random_bool(0.4).then(|| chance.random_range(0..DEVICES.len()));
        let status = chance.random_bool(0.3).then(|| ["ONLINE", "WARN"][chance.random_range(0..2)]);
        let within = chance.random_bool(0.4).then(|| (chance.random_range(0..8), chance.random_range(4..12)));
        let sensor = chance.random_bool(0.4).then(|| STREAMS[chance.random_range(0..2)]);
        let mut query = String::new();
        if let Some(device) = device {
            query += &format!("device_id={}&", DEVICES[device].replace(' ', "%20"));
        }
        if let Some((since, until)) = within {
            query += &format!("since={}&until={}&", NOON + since, NOON + until);
        }
        Case { query, device, status, within, sensor }
    }

    fn passes(&self, packet: &Expected) -> bool {
        let second = packet.ts.div_euclid(1_000_000);
        self.device.is_none_or(|device| device == packet.device)
            && self.within.is_none_or(|(since, until)| since <= second && second <= until)
    }
}

/// A sensor of a packet: device, second, index, id, value.
type SensorRow = (String, i64, u64, String, f64);

fn sensor_of(row: &Value) -> SensorRow {
    let text = |name: &str| row[name].as_str().expect(name).to_owned();
    let second = row["timestamp_raw"].as_i64().expect("a time") - NOON;
    let value = row["normalized_value"].as_f64().expect("a value");
    let index = row["sensor_index"].as_u64().expect("an index");
    (text("device_id"), second, index, text("sensor_id"), value)
}

async fn check_packets(client: &Client, model: &Model, case: &Case, (offset, limit): (usize, usize)) {
    let expected = model.packets();
    let passes =
        |packet: &&Expected| case.passes(packet) && case.status.is_none_or(|status| status == packet.status);
    let expected: Vec<&Expected> = expected.iter().filter(passes).collect();
    let status = case.status.map(|status| format!("status={status}&")).unwrap_or_default();
    let path = format!("/api/data/packets?{}{status}offset={offset}&limit={limit}", case.query);
    let page = list(client, &path).await;
    assert_eq!(page["total"], expected.len(), "{path}");
    let rows = page["packets"].as_array().expect("rows");
    assert_eq!(rows.len(), expected.len().saturating_sub(offset).min(limit), "{path}");
    for (row, expected) in rows.iter().zip(&expected[offset.min(expected.len())..]) {
        let device = DEVICES[expected.device];
        let second = NOON + expected.ts.div_euclid(1_000_000);
        let found = (&row["device_id"], &row["timestamp_raw"], &row["device_status"]);
        assert_eq!(found, (&json!(device), &json!(second), &json!(expected.status)), "{path}: {expected:?}");
        assert_eq!(row["payload_json"]["id"], device, "{path}");
        if let Some(number) = expected.arrival {
            assert_eq!(row["packet_uuid"], *model.ids[number], "{path}: {expected:?}");
        }
        let value = |(index, ..): &(u64, &str, f64)| row["payload_json"][format!("s{index}_v")].as_f64();
        let values: Vec<_> = expected.sensors.iter().map(value).collect();
        let wanted: Vec<_> = expected.sensors.iter().map(|(.., value)| Some(*value)).collect();
        assert_eq!(values, wanted, "{path}: {expected:?}");
    }
    if let Some(row) = rows.first() {
        let id = row["packet_uuid"].as_str().expect("an id");
        let one = list(client, &format!("/api/data/packets/{id}")).await;
        assert_eq!(&one["packet"], row, "{path}");
        let sensor = |sensor: &Value| {
            let value = sensor["normalized_value"].as_f64().expect("a value");
            (sensor["sensor_index"].as_u64().expect("an index"), sensor["sensor_id"].clone(), value)
        };
        let found: Vec<_> = one["sensors"].as_array().expect("sensors").iter().map(sensor).collect();
        let wanted: Vec<_> = expected[offset].sensors.iter().map(|(i, id, v)| (*i, json!(id), *v)).collect();
        assert_eq!(found, wanted, "{path}");
    }
}

async fn check_sensors(client: &Client, model: &Model, case: &Case, (offset, limit): (usize, usize)) {
    let mut expected: Vec<SensorRow> = Vec::new();
    for packet in model.packets().iter().filter(|packet| case.passes(packet)) {
        let second = packet.ts.div_euclid(1_000_000);
        let wanted =
            packet.sensors.iter().filter(|(_, id, _)| case.sensor.is_none_or(|wanted| wanted == *id));
        let row = |(index, id, value): &(u64, &str, f64)| {
            (DEVICES[packet.device].to_owned(), second, *index, (*id).to_owned(), *value)
        };
        expected.extend(wanted.map(row));
    }
    // The sort is stable: the newest packet first.
    expected.sort_by_key(|(_, second, index, ..)| (std::cmp::Reverse(*second), *index));
    let sensor = case.sensor.map(|sensor| format!("sensor_id={sensor}&")).unwrap_or_default();
    let path = format!("/api/data/sensors?{}{sensor}offset={offset}&limit={limit}", case.query);
    let page = list(client, &path).await;
    assert_eq!(page["total"], expected.len(), "{path}");
    let found: Vec<_> = page["sensors"].as_array().expect("rows").iter().map(sensor_of).collect();
    let wanted: Vec<_> = expected.into_iter().skip(offset).take(limit).collect();
    assert_eq!(found, wanted, "{path}");
}

async fn check_devices(client: &Client, model: &Model) {
    let mut counts: BTreeMap<usize, (i64, u64)> = BTreeMap::new();
    for packet in model.packets() {
        let second = NOON + packet.ts.div_euclid(1_000_000);
        let device = counts.entry(packet.device).or_insert((second, 0));
        *device = (device.0.max(second), device.1 + 1);
    }
    let mut expected: Vec<_> = counts.into_iter().map(|(device, seen)| (seen, DEVICES[device])).collect();
    expected.sort_by_key(|((seen, _), name)| (std::cmp::Reverse(*seen), *name));
    let expected: Vec<Value> = expected
        .into_iter()
        .map(|((seen, count), name)| json!({"device_id": name, "last_seen": seen, "packet_count": count}))
        .collect();
    let page = list(client, "/api/data/devices").await;
    assert_eq!((&page["devices"], &page["total"]), (&json!(expected), &json!(expected.len())));
}

async fn check(server: &Server, model: &Model, chance: &mut StdRng) {
    let client = stranger(server);
    check_devices(&client, model).await;
    for _ in 0..6 {
        let case = Case::random(chance);
        let page = (chance.random_range(0..20), chance.random_range(1..12));
        for page in [(0, 500), page] {
            check_packets(&client, model, &case, page).await;
            check_sensors(&client, model, &case, page).await;
        }
    }
}

/// Writes a fact of one or two sensors, or a reading, within twelve seconds.
async fn step(client: &Client, model: &mut Model, streams: &[Vec<i64>], chance: &mut StdRng) {
    let device = chance.random_range(0..DEVICES.len());
    let second: i64 = chance.random_range(0..12);
    if chance.random_bool(0.4) {
        let status = ["ONLINE", "WARN"][chance.random_range(0..2)];
        let mut fact = json!({"id": DEVICES[device], "s": status, "t": NOON + second});
        let mut sensors = Vec::new();
        let ts = second * 1_000_000;
        for (index, stream) in (1..).zip(0..chance.random_range(1..3)) {
            let value = f64::from(chance.random_range(0..1000_i32));
            fact[format!("s{index}_id")] = json!(STREAMS[stream]);
            fact[format!("s{index}_v")] = json!(value);
            sensors.push((index, STREAMS[stream], value));
            model.readings.insert((device, ts, stream), value);
        }
        let arrival = Some(model.facts.len());
        model.facts.push(Expected { device, ts, arrival, status, sensors });
        model.ids.extend(ingest(client, &fact).await);
        return;
    }
    let ts = second * 1_000_000 + [0, 0, 1, 250_000, 999_999][chance.random_range(0..5)];
    let stream = chance.random_range(0..STREAMS.len());
    let value = f64::from(chance.random_range(0..1000_i32));
    let time = format!("2026-04-28T12:00:{second:02}.{:06}Z", ts % 1_000_000);
    write(client, streams[device][stream], &json!(time), value).await;
    model.readings.insert((device, ts, stream), value);
}

#[tokio::test]
async fn every_list_agrees_with_a_model_of_facts_and_readings() {
    let mut server = Server::start(&[]).await;
    let (mut model, mut streams) = (Model::default(), Vec::new());
    for device in DEVICES {
        streams.push(create_device(&server.client(), device, &STREAMS).await.1);
    }
    let mut chance = StdRng::seed_from_u64(21);
    for number in 0..STEPS {
        step(&server.client(), &mut model, &streams, &mut chance).await;
        if number % 20 == 19 {
            check(&server, &model, &mut chance).await;
        }
        match number {
            // What is in memory is written to the lake, or read again from the log.
            50 => server.restart().await,
            90 => {
                server.kill();
                server.start_again().await;
            }
            _ => {}
        }
    }
    server.restart().await;
    check(&server, &model, &mut chance).await;
}
