//! Devices that are no PLC: servers asked over HTTP, brokers subscribed to, and values made up.

mod generated;
mod http;
mod mqtt;
mod server;
mod sparkplug;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, eventually};

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

async fn stream_at(client: &Client, device: i64, path: &str, kind: &str, metadata: Value) -> i64 {
    let row = json!({"name": format!("{path} {kind}"), "device": device, "path": path, "type": kind, "metadata": metadata});
    client.create("/api/data/", &row).await
}

async fn readings(client: &Client, stream: i64) -> Vec<Value> {
    let query =
        format!("SELECT ts, value, text, quality FROM readings WHERE stream_id = {stream} ORDER BY ts");
    client.sql(&query).await
}

/// Waits until the newest reading of a stream is as wanted.
async fn until_newest(client: &Client, stream: i64, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let is_so = &is_so;
    eventually(&format!("{what} of stream {stream}"), EVENT_TIMEOUT, || async move {
        readings(client, stream).await.pop().filter(is_so)
    })
    .await
}

/// Waits for a state, and answers the status with it.
async fn until_state(client: &Client, device: i64, state: &str) -> Value {
    eventually(&format!("device {device} {state}"), EVENT_TIMEOUT, || async move {
        let status = client.get(&format!("/api/device/{device}/status/")).await.body;
        (status["state"] == state).then_some(status)
    })
    .await
}
