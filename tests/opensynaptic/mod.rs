//! The data-query API of OpenSynaptic: its two listeners, who is admitted, and every parameter.

mod access;
mod examples;
mod lists;
mod paths;

use serde_json::{Value, json};

use crate::support::{Client, Server};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;
/// The media type of every answer.
const JSON_TYPE: &str = "application/json; charset=utf-8";
/// An id that no packet has.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// A client of the API without any credential.
fn stranger(server: &Server) -> Client {
    server.client().without_key()
}

/// Stores facts; returns the ids of their packets.
pub async fn ingest(client: &Client, facts: &Value) -> Vec<String> {
    let answer = client.post("/ingest/facts", facts).await.ok();
    let packets = answer["packets"].as_array().expect("ids").iter();
    packets.map(|id| id.as_str().expect("an id").to_owned()).collect()
}

/// Creates a row by the REST API.
async fn create(client: &Client, path: &str, body: &Value) -> Value {
    client.post(path, body).await.created()
}

/// Creates a device with streams; returns the device and the ids of the streams.
async fn create_device(client: &Client, name: &str, streams: &[&str]) -> (Value, Vec<i64>) {
    let device = create(client, "/api/device/", &json!({"name": name, "protocol": "virtual"})).await;
    let mut ids = Vec::new();
    for stream in streams {
        let row = create(client, "/api/data/", &json!({"name": stream, "device": device["id"]})).await;
        ids.push(row["id"].as_i64().expect("an id"));
    }
    (device, ids)
}

/// Writes a reading by the REST API.
async fn write(client: &Client, stream: i64, timestamp: &Value, value: f64) {
    let path = format!("/api/data/{stream}/value/");
    client.post(&path, &json!({"timestamp": timestamp, "value": value})).await.expect_one_of(&[200, 201]);
}

/// Asks for a list, which has to be answered.
pub async fn list(client: &Client, path: &str) -> Value {
    let answer = client.get(path).await.with_header("content-type", JSON_TYPE);
    answer.has(200, json!({"ok": true}))
}
