//! MELSEC, FEnet, S7 and EtherNet/IP devices over REST: the collector against the simulators, whose frames are written independently of
//! the collector's; the simulators against other people's clients; and both across a line that misbehaves.

mod chaos;
mod counted;
mod faults;
mod peers;
mod polled;
mod tags;
mod values;

use std::time::Duration;

use basalt::domain::device::Protocol;
use basalt::sim::{Plant, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Client, with};

/// Long enough for anything that must come, on a busy machine too.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

pub async fn simulator(protocol: Protocol) -> Simulator {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Simulator::start_protocol(protocol, listener, Plant::default()).expect("it starts")
}

/// Creates a device on this machine, which may take long to answer, as anything does on a busy one; its id.
pub async fn device_at(client: &Client, protocol: Protocol, port: u16, more: Value) -> i64 {
    let body = json!({"name": format!("{protocol} at {port}"), "protocol": protocol.name(), "host": "127.0.0.1",
               "port": port, "timeout": 10, "poll_interval": null});
    let device = with(body, more);
    client.create("/api/device/", &device).await
}

/// Creates a stream that is read from a register; its id.
pub async fn stream_at(client: &Client, device: i64, path: &str, kind: &str) -> i64 {
    let stream = json!({"name": format!("{kind} {path}"), "device": device, "path": path, "type": kind});
    client.create("/api/data/", &stream).await
}

/// A stream's readings, oldest first: `value`, `text`, `quality`.
pub async fn readings(client: &Client, stream: i64) -> Vec<Value> {
    let query = format!("SELECT value, text, quality FROM readings WHERE stream_id = {stream} ORDER BY ts");
    client.sql(&query).await
}
