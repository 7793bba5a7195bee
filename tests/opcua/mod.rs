//! The OPC UA collector against servers of other people's code (asyncua, node-opcua), set up and changed over REST; and
//! our simulator, as it and other people's clients see it.

mod browse;
mod chaos;
mod exact;
mod peers;
mod restart;
mod secure;
mod simulated;
mod subscribed;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, eventually};

/// Seconds between two polls, or two messages of a subscription, in these cases.
pub const INTERVAL_S: f64 = 0.5;

/// Long enough for anything that must come, on a busy machine too.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Creates an OPC UA device on this machine; its id.
pub async fn device_at(client: &Client, port: u16, metadata: Value) -> i64 {
    device_of(client, &format!("opc.tcp://127.0.0.1:{port}/plant"), metadata).await
}

/// Creates a device that is the server of this address; its id.
pub async fn device_of(client: &Client, address: &str, metadata: Value) -> i64 {
    static DEVICES: AtomicUsize = AtomicUsize::new(1);
    let name = format!("Kiln {}", DEVICES.fetch_add(1, Ordering::Relaxed));
    let device = json!({"name": name, "protocol": "opcua", "host": address, "timeout": 5, "poll_interval": INTERVAL_S,
                        "metadata": metadata});
    created(client, "/api/device/", &device).await
}

/// Creates a stream of a node; its id.
pub async fn stream_at(client: &Client, device: i64, path: &str, kind: &str) -> i64 {
    let stream = json!({"name": path, "device": device, "path": path, "type": kind});
    created(client, "/api/data/", &stream).await
}

async fn created(client: &Client, path: &str, body: &Value) -> i64 {
    let (status, _, made) = client.post(path, body).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_i64().expect("an id")
}

/// Waits for the device to be in a state; what is shown of it then.
pub async fn until_state(client: &Client, device: i64, state: &str) -> Value {
    eventually(state, EVENT_TIMEOUT, || async {
        let (_, _, shown) = client.get(&format!("/api/device/{device}/")).await;
        (shown["status"] == state).then_some(shown)
    })
    .await
}

/// Waits until the last reading of a stream is as wanted.
pub async fn until_last(client: &Client, stream: i64, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, EVENT_TIMEOUT, || async {
        readings(client, stream).await.pop().filter(|last| is_so(last))
    })
    .await
}

/// A stream's readings, oldest first: `ts`, `value`, `text`, `quality`.
pub async fn readings(client: &Client, stream: i64) -> Vec<Value> {
    let query = format!(
        "SELECT CAST(ts AS BIGINT) AS ts, value, text, quality FROM readings WHERE stream_id = {stream} ORDER BY ts"
    );
    client.sql(&query).await
}
