//! Lists of OpenSynaptic against the model: packets, sensors and devices, by every filter and page.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::content::plain;
use super::model::{Message, Model, SECOND, Sensor};
use super::packet_filter::PacketFilter;
use super::plant::{Plant, text};
use crate::opensynaptic::list;

/// Rows of a page at most.
const PAGE: usize = 500;
const FILTERS: usize = 8;

/// Checks every list. Ids of derived packets that were not seen before are noted. The times of arrival of the stored
/// ones are known.
pub async fn check(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let messages = model.messages();
    note_ids(plant, model, &messages).await;
    for number in 0..FILTERS {
        let filter = if number == 0 { PacketFilter::default() } else { PacketFilter::random(model, rng) };
        let packets = packet_rows(model, &messages, &filter);
        check_list(plant, ("packets", &filter.query(model, "packets")), packets, rng).await;
        let sensors = sensor_rows(model, &messages, &filter);
        check_list(plant, ("sensors", &filter.query(model, "sensors")), sensors, rng).await;
        let message = &messages[rng.random_range(0..messages.len())];
        let id = model.id_of(message).expect("it is known");
        check_one(&list(&plant.stranger(), &format!("/api/data/packets/{id}")).await, model, message);
    }
    check_devices(plant, model, &messages).await;
}

/// Checks a packet with its sensors, as it is read by its id. Its time of arrival may not be known yet.
pub fn check_one(found: &Value, model: &Model, message: &Message) {
    let mut packet = packet_row(model, message);
    if packet["created_at"].is_null() {
        packet["created_at"] = found["packet"]["created_at"].clone();
    }
    assert_eq!(plain(&found["packet"]), packet, "{message:?}");
    let sensors: Vec<Value> = message.sensors.iter().map(sensor_row).collect();
    assert_eq!(plain(&found["sensors"]), json!(sensors), "{message:?}");
}

/// Notes the ids of derived packets: the list is in the order of the messages.
async fn note_ids(plant: &Plant, model: &mut Model, messages: &[Message]) {
    let mut ids = Vec::new();
    for offset in (0..messages.len()).step_by(PAGE) {
        let page = list(&plant.stranger(), &format!("/api/data/packets?limit={PAGE}&offset={offset}")).await;
        let rows = page["packets"].as_array().expect("rows").iter();
        ids.extend(rows.map(|row| text(&row["packet_uuid"]).to_owned()));
    }
    assert_eq!(ids.len(), messages.len(), "packets");
    for (id, message) in ids.into_iter().zip(messages).filter(|(_, message)| message.stored.is_none()) {
        assert_eq!(id.as_bytes()[14], b'8', "a UUID of version 8: {id}");
        model.derived_ids.entry((message.device, message.ts)).or_insert(id);
    }
}

fn packet_rows(model: &Model, messages: &[Message], filter: &PacketFilter) -> Vec<Value> {
    let passes = |message: &&Message| filter.has_message(message) && filter.has_status(&message.status);
    messages.iter().filter(passes).map(|message| packet_row(model, message)).collect()
}

fn packet_row(model: &Model, message: &Message) -> Value {
    let received = match &message.stored {
        Some((_, id)) => model.received.get(id).copied(),
        None => Some(message.ts),
    };
    json!({
        "packet_uuid": model.id_of(message),
        "device_id": model.devices[message.device].external_id,
        "device_status": message.status,
        "timestamp_raw": message.ts.div_euclid(SECOND),
        "payload_json": message.fact,
        "created_at": received.map(|us| us.div_euclid(SECOND)),
    })
}

/// By second descending, then by index, then in the order of the packets.
fn sensor_rows(model: &Model, messages: &[Message], filter: &PacketFilter) -> Vec<Value> {
    let mut rows = Vec::new();
    for message in messages.iter().filter(|message| filter.has_message(message)) {
        let second = message.ts.div_euclid(SECOND);
        for sensor in message.sensors.iter().filter(|sensor| filter.has_sensor(&sensor.id)) {
            let mut row = sensor_row(sensor);
            row["packet_uuid"] = json!(model.id_of(message));
            row["device_id"] = json!(model.devices[message.device].external_id);
            row["timestamp_raw"] = json!(second);
            rows.push(((Reverse(second), sensor.index), row));
        }
    }
    // The sort is stable.
    rows.sort_by_key(|(key, _)| *key);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn sensor_row(sensor: &Sensor) -> Value {
    json!({
        "sensor_index": sensor.index,
        "sensor_id": sensor.id,
        "sensor_status": sensor.status,
        "normalized_value": sensor.value,
        "normalized_unit": sensor.unit,
    })
}

/// Compares the first page of a list, and another one.
async fn check_list(plant: &Plant, (name, query): (&str, &str), rows: Vec<Value>, rng: &mut StdRng) {
    let page = (rng.random_range(0..rows.len() + 2), rng.random_range(1..20));
    for (offset, limit) in [(0, PAGE), page] {
        let path = format!("/api/data/{name}?{query}offset={offset}&limit={limit}");
        let found = list(&plant.stranger(), &path).await;
        assert_eq!(found["total"], json!(rows.len()), "{path}");
        let expected: Vec<Value> = rows.iter().skip(offset).take(limit).cloned().collect();
        assert_eq!(plain(&found[name]), json!(expected), "{path}");
    }
}

async fn check_devices(plant: &Plant, model: &Model, messages: &[Message]) {
    let mut counts: BTreeMap<usize, (i64, u64)> = BTreeMap::new();
    for message in messages {
        let (last_seen, count) = counts.entry(message.device).or_insert((i64::MIN, 0));
        (*last_seen, *count) = ((*last_seen).max(message.ts.div_euclid(SECOND)), *count + 1);
    }
    let row = |(device, (last_seen, count)): (usize, (i64, u64))| {
        let device = &model.devices[device].external_id;
        json!({"device_id": device, "last_seen": last_seen, "packet_count": count})
    };
    let mut expected: Vec<Value> = counts.into_iter().map(row).collect();
    expected.sort_by_key(|row| (Reverse(row["last_seen"].as_i64()), row["device_id"].to_string()));
    let page = list(&plant.stranger(), "/api/data/devices").await;
    assert_eq!((&page["devices"], &page["total"]), (&json!(expected), &json!(expected.len())));
}
