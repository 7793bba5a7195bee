//! The Modbus collector against a device of other people's code (pymodbus), set up and changed over REST.

mod changed;
mod exact;
mod io;
mod lost;
mod serial;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, until};

/// Seconds between two polls in these cases.
pub const INTERVAL_S: f64 = 0.5;

/// Long enough for anything that must come, on a busy machine too.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Creates a Modbus device on this machine; its id.
pub async fn device_at(client: &Client, port: u16, metadata: Value) -> i64 {
    named_device_at(client, "PLC", port, metadata).await
}

/// Creates a device with a name of its own, where it is not the only one.
async fn named_device_at(client: &Client, name: &str, port: u16, metadata: Value) -> i64 {
    let device = json!({"name": name, "protocol": "modbus", "host": "127.0.0.1", "port": port, "timeout": 10,
                        "poll_interval": INTERVAL_S, "metadata": metadata});
    client.create("/api/device/", &device).await
}

/// Creates a stream that is read from a register; its id.
pub async fn stream_at(client: &Client, device: i64, path: &str, kind: &str, wordorder: &str) -> i64 {
    let stream = json!({"name": format!("{kind} {wordorder} {path}"), "device": device, "path": path, "type": kind,
                        "metadata": {"wordorder": wordorder}});
    client.create("/api/data/", &stream).await
}

/// Waits for the device to be in a state.
pub async fn until_state(client: &Client, device: i64, state: &str) {
    until!(state, EVENT_TIMEOUT;
        shown = client.get(&format!("/api/device/{device}/")).await.body; shown["status"] == state);
}

/// Waits until a stream has more readings of a quality than `more_than`; how many it has.
pub async fn until_more(client: &Client, stream: i64, quality: &str, more_than: usize) -> usize {
    until!("another reading", EVENT_TIMEOUT;
        found = readings(client, stream).await.iter().filter(|r| r["quality"] == quality).count(); found > more_than)
}

/// A stream's readings, oldest first: `ts`, `value`, `text`, `quality`.
pub async fn readings(client: &Client, stream: i64) -> Vec<Value> {
    let query = format!(
        "SELECT CAST(ts AS BIGINT) AS ts, value, text, quality FROM readings WHERE stream_id = {stream} ORDER BY ts"
    );
    client.sql(&query).await
}
