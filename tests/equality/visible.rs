//! Each write is seen by every vocabulary within a second: every door against every view.
//!
//! A second is what a client is promised; the machine of a test may be slower, so the views are asked until they show
//! the value. A view that never shows it, or shows another, fails.

use std::time::Duration;

use serde_json::{Value, json};

use super::model::{Model, SECOND};
use super::plant::{NOON, Plant, text};
use super::views::{View, iso};
use crate::blynk::{BATCH_UPDATE, DATASTREAMS, IMPORT, UPDATE, UPDATE_MANY};
use crate::graphql;
use crate::support::eventually;

/// How long a view is asked.
const PATIENCE: Duration = Duration::from_secs(60);

/// The doors, and whether they take the time of the value.
const DOORS: [(&str, bool); 8] = [
    ("DataStone", true),
    ("ingest", true),
    ("GraphQL", true),
    ("Blynk's update of one", false),
    ("Blynk's update of several", false),
    ("Blynk's table", false),
    ("Blynk's import", true),
    ("a fact", true),
];

/// Writes through a door; returns the time of the value, microseconds.
async fn write(plant: &Plant, model: &Model, (door, is_timed): (&str, bool), ts: i64, value: &Value) -> i64 {
    let stream = &model.streams[0];
    let (id, channel, device) = (stream.id, stream.channel, &model.devices[0]);
    let (blynk, ms) = (json!({"deviceId": device.id, "dataStreamId": channel}), ts / 1000);
    let with = |member: &str, value: Value| {
        let mut body = blynk.clone();
        body[member] = value;
        body
    };
    let answer = match door {
        "DataStone" => {
            let body = json!({"timestamp": iso(ts), "value": value});
            plant.client.post(&format!("/api/data/{id}/value/"), &body).await
        }
        "ingest" => {
            let line = json!({"stream_id": id, "ts": iso(ts), "value": value}).to_string();
            plant.client.ingest("application/x-ndjson", line).await
        }
        "GraphQL" => {
            let query = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows } }";
            let input = json!([{"stream": id.to_string(), "ts": iso(ts), "value": value}]);
            let body = json!({"query": query, "variables": {"input": input}});
            plant.client.post("/graphql", &body).await
        }
        "Blynk's update of one" => plant.blynk.post(UPDATE, &with("value", value.clone())).await,
        "Blynk's update of several" => {
            let entries = json!([{"dataStreamId": channel, "value": value}]);
            plant.blynk.post(UPDATE_MANY, &json!({"deviceId": device.id, "dataStreams": entries})).await
        }
        "Blynk's table" => {
            let body = json!({"fields": ["deviceId", "Motor_RPM"], "updates": [[device.id, value]]});
            plant.blynk.post(BATCH_UPDATE, &body).await
        }
        "Blynk's import" => {
            plant.blynk.post(IMPORT, &with("values", json!([{"value": value, "ts": ms}]))).await
        }
        _ => {
            let fact = json!({
                "id": device.external_id, "t": ts / SECOND, "s1_id": stream.name, "s1_s": "OK", "s1_v": value
            });
            plant.client.post("/ingest/facts", &fact).await
        }
    };
    assert!((200..300).contains(&answer.status), "{door}: {answer}");
    if is_timed {
        return ts;
    }
    let path = format!("{DATASTREAMS}?deviceId={}&dataStreamIds={channel}", device.id);
    let found = plant.blynk.get(&path).await.body;
    assert_eq!(&found[0]["value"], value, "{door} is read at once");
    found[0]["updatedAt"].as_i64().expect("a time") * 1000
}

/// The vocabulary that sees what came through a door at once.
fn own_view(interface: &str) -> View {
    match interface {
        "DataStone" => View::DataStone,
        "ingest" => View::Sql,
        "GraphQL" => View::GraphQl,
        "a fact" => View::Sensors,
        _ => View::Blynk,
    }
}

#[tokio::test]
async fn a_device_what_it_answers_and_what_comes_through_any_door_are_seen_by_every_vocabulary() {
    let (plant, mut model) = Plant::start().await;
    let place = super::control::queue(&plant, &mut model, 1, "get", json!({})).await;
    let answer = json!({"state": "ON"});
    super::control::report(&plant, &mut model, place, ("done", answer, "")).await;
    let probe = || async {
        let sql = plant.client.sql("SELECT state FROM commands").await;
        let graph = graphql::data(&plant.client, "{ commands { state } }", json!({})).await;
        let is_done = sql == [json!({"state": "done"})] && graph == json!({"commands": [{"state": "done"}]});
        is_done.then_some(())
    };
    eventually("SQL and GraphQL show the answer", PATIENCE, probe).await;
    // The devices were created by DataStone, Instathings, GraphQL and a fact.
    let cloud = plant.cloud("GET", "/device/v1/devices", &Value::Null).await.body;
    let sql = plant.client.sql("SELECT key, external_id FROM devices ORDER BY id").await;
    let keys: Vec<&str> = cloud.as_array().expect("a list").iter().map(|row| text(&row["id"])).collect();
    let expected: Vec<&str> = model.devices.iter().map(|device| device.key.as_str()).collect();
    assert_eq!(keys, expected, "in the order of their creation");
    let rows: Vec<Value> =
        model.devices.iter().map(|one| json!({"key": one.key, "external_id": one.external_id})).collect();
    assert_eq!(sql, rows);
    for device in &model.devices {
        let answer = plant.blynk.get(&format!("{DATASTREAMS}?deviceId={}", device.id)).await;
        answer.about(&device.external_id).ok();
    }

    for (number, interface) in DOORS.into_iter().enumerate() {
        for is_again in [false, true] {
            // Every other value replaces the one before it, where the door says the time.
            let value = json!(number as i64 * 100 + i64::from(is_again) + 7);
            // A second fact would be another packet.
            let ts = NOON + (2 * number as i64 + i64::from(is_again && interface.0 == "a fact")) * SECOND;
            let ts = write(&plant, &model, interface, ts, &value).await;
            model.write(0, ts, &value);
            own_view(interface.0).check(&plant, &model, 0, ts).await;
            for view in View::ALL {
                let what = format!("{view:?} shows {value}, which came through {}", interface.0);
                let expected = view.expected(model.streams[0].kind, &value);
                let probe = || async { (view.read(&plant, &model, 0, ts).await == expected).then_some(()) };
                eventually(&what, PATIENCE, probe).await;
            }
        }
    }
}
