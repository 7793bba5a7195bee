//! Messages against the model: the lists of Instathings in the cloud and on-premise, GraphQL, and the table of SQL.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::content::plain;
use super::model::{Message, Model, SECOND, Sensor};
use super::plant::{Plant, text};
use super::views::iso;
use crate::graphql;

/// Rows of a page of Instathings at most, and of one of GraphQL here.
const PER_PAGE: usize = 100;
const FIRST: usize = 200;
/// How long a message of a live project is said to last, seconds.
const TTL_S: i64 = 10 * 365 * 86_400;

/// Checks the stored messages of SQL, and notes the times of arrival of those that were not seen before.
pub async fn check_sql(plant: &Plant, model: &mut Model) {
    let query = "SELECT uuid, device_id, CAST(ts AS BIGINT) AS us, CAST(received_at AS BIGINT) AS received, status, \
        payload, format, principal, client, sensors FROM messages";
    let rows = plant.client.sql(query).await;
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for row in &rows {
        let id = text(&row["uuid"]).to_owned();
        let received = row["received"].as_i64().expect("a time");
        let first_seen = *model.received.entry(id.clone()).or_insert(received);
        assert_eq!(received, first_seen, "the time of arrival stays: {row}");
        let payload: Value = serde_json::from_str(text(&row["payload"])).expect("JSON");
        let mut shown = row.clone();
        (shown["payload"], shown["received"]) = (plain(&payload), Value::Null);
        assert!(found.insert(id, shown).is_none(), "it is there twice: {row}");
    }
    let row = |message: &Message| {
        let (_, id) = message.stored.as_ref().expect("it is stored");
        let row = json!({
            "uuid": id, "device_id": model.devices[message.device].id, "us": message.ts, "received": null,
            "status": message.status, "payload": message.fact, "format": "fact", "principal": "", "client": "",
            "sensors": message.sensors.len(),
        });
        (id.clone(), row)
    };
    let expected: BTreeMap<String, Value> = model.stored.iter().map(row).collect();
    assert_eq!(found, expected);
    let arrivals: Vec<i64> = expected_order(model).collect();
    assert!(arrivals.is_sorted(), "messages arrived in the order of their requests: {arrivals:?}");
}

/// Times of arrival of the stored messages in the order of the model.
fn expected_order(model: &Model) -> impl Iterator<Item = i64> + '_ {
    let ids = model.stored.iter().filter_map(|message| message.stored.as_ref());
    ids.map(|(_, id)| model.received[id])
}

/// Checks the messages of GraphQL, page by page.
pub async fn check_graphql(plant: &Plant, model: &Model) {
    let query = "query($first: Int, $offset: Int) { messages(first: $first, offset: $offset) { totalCount nodes { \
        uuid ts receivedAt status derived payload device { rowId } \
        sensors { index sensorId status value unit } } } }";
    let expected = model.messages();
    let mut found = Vec::new();
    for offset in (0..expected.len()).step_by(FIRST) {
        let page = graphql::data(&plant.client, query, json!({"first": FIRST, "offset": offset})).await;
        assert_eq!(page["messages"]["totalCount"], json!(expected.len()));
        found.extend(page["messages"]["nodes"].as_array().expect("nodes").clone());
    }
    assert_eq!(found.len(), expected.len());
    for (mut row, message) in found.into_iter().zip(&expected) {
        let payload: Value = serde_json::from_str(text(&row["payload"])).expect("JSON");
        row["payload"] = plain(&payload);
        let sensor = |sensor: &Sensor| {
            // GraphQL has no integers of 64 bits here: the payload has them exactly.
            let value = sensor.value.as_f64().map(|value| plain(&json!(value)));
            json!({
                "index": sensor.index, "sensorId": sensor.id, "status": sensor.status,
                "value": value, "unit": sensor.unit
            })
        };
        let received = message.stored.as_ref().map_or(message.ts, |(_, id)| model.received[id]);
        let expected = json!({
            "uuid": model.id_of(message), "ts": iso(message.ts), "receivedAt": iso(received),
            "status": message.status, "derived": message.stored.is_none(), "payload": message.fact,
            "device": {"rowId": model.devices[message.device].id},
            "sensors": message.sensors.iter().map(sensor).collect::<Vec<_>>(),
        });
        assert_eq!(plain(&row), expected);
    }
}

/// Checks the list of the cloud, newest first, and of the gateway on-premise, oldest first, of every device.
pub async fn check_instathings(plant: &Plant, model: &Model) {
    let onpremise = plant.onpremise();
    let messages = model.messages();
    for (place, device) in model.devices.iter().enumerate() {
        let own: Vec<&Message> = messages.iter().filter(|message| message.device == place).collect();
        let list = format!("/device/v1/devices/{}/data", device.key);
        let (mut cloud, mut local) = (Vec::new(), Vec::new());
        // One page more than there are.
        for page in 1..=own.len() / PER_PAGE + 2 {
            let path = format!("{list}?page={page}&perPage={PER_PAGE}");
            let answers = [plant.cloud("GET", &path, &Value::Null).await, onpremise.get(&path).await];
            for (rows, answer) in [&mut cloud, &mut local].into_iter().zip(answers) {
                let answer = answer.has(200, json!({"totalItems": own.len()}));
                rows.extend(answer["data"].as_array().expect("a list").iter().map(plain));
            }
        }
        let id = |message: &Message| model.id_of(message).expect("it is known").to_owned();
        let expected: Vec<Value> = own
            .iter()
            .map(|message| {
                json!({
                    "id": id(message), "deviceId": device.key, "ts": message.ts.div_euclid(1000),
                    "ttl": message.ts.div_euclid(SECOND) + TTL_S, "data": message.document,
                    "principal": "N/A", "clientId": "N/A",
                })
            })
            .collect();
        assert_eq!(cloud, expected, "{list}");
        let mut expected: Vec<_> =
            own.iter().map(|message| (message.ts, short_id(&id(message)), message)).collect();
        expected.sort_by(|(ts, id, _), (other_ts, other_id, _)| (ts, id).cmp(&(other_ts, other_id)));
        let expected: Vec<Value> = expected
            .into_iter()
            .map(|(ts, id, message)| {
                json!({"_id": id, "deviceId": device.key, "ts": iso_millis(ts), "data": message.document})
            })
            .collect();
        assert_eq!(local, expected, "{list}");
    }
}

/// The first 24 digits of an id, without hyphens.
fn short_id(id: &str) -> String {
    id.chars().filter(char::is_ascii_hexdigit).take(24).collect()
}

/// ISO-8601 with three digits; microseconds are cut off.
fn iso_millis(ts: i64) -> String {
    let seconds = iso(ts.div_euclid(SECOND) * SECOND);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), ts.rem_euclid(SECOND) / 1000)
}
