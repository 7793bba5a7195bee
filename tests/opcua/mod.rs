//! The OPC UA collector against servers of other people's code (asyncua, node-opcua), set up and changed over REST; and
//! our simulator, as it and other people's clients see it.

mod browse;
mod chaos;
mod exact;
mod limits;
mod node_chaos;
mod peers;
mod restart;
mod secure;
mod simulated;
mod subscribed;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

pub use crate::modbus::readings;
use crate::support::{Client, eventually, until};

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
    client.create("/api/device/", &device).await
}

/// Creates a stream of a node; its id.
pub async fn stream_at(client: &Client, device: i64, path: &str, kind: &str) -> i64 {
    let stream = json!({"name": path, "device": device, "path": path, "type": kind});
    client.create("/api/data/", &stream).await
}

/// Waits for the device to be in a state; what is shown of it then.
pub async fn until_state(client: &Client, device: i64, state: &str) -> Value {
    until!(state, EVENT_TIMEOUT;
        shown = client.get(&format!("/api/device/{device}/")).await.body; shown["status"] == state)
}

/// Waits until the last reading of a stream is as wanted.
pub async fn until_last(client: &Client, stream: i64, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, EVENT_TIMEOUT, || async {
        readings(client, stream).await.pop().filter(|last| is_so(last))
    })
    .await
}

/// Whether a reading is a good one of this value: a number, and a text where a number would not do.
pub fn holds(last: &Value, value: &Value) -> bool {
    let number = value.as_bool().map(|on| f64::from(u8::from(on))).or(value.as_f64());
    let is_wide =
        value.as_u64().is_some_and(|n| n > 1 << 53) || value.as_i64().is_some_and(|n| n < -(1 << 53));
    let text = value.as_str().map(str::to_owned).or(is_wide.then(|| value.to_string()));
    last["quality"] == "good" && last["value"].as_f64() == number && last["text"].as_str() == text.as_deref()
}
