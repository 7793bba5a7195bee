//! The MQTT broker from outside: every packet written by hand, and other people's clients.

mod certificate;
mod cloud;
mod command;
mod connect;
mod durability;
mod half_packet;
mod hostile;
mod isolation;
mod malformed;
mod peers;
mod publish;
mod retained;
mod session;
mod shown;
mod subscribe;
mod will;

use std::time::Duration;

use serde_json::{Value, json};

use crate::graphql;
use crate::support::{Client, Server, free_port, until};
use crate::tools::mqtt::{Connect, Message, MqttClient, Version};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON_S: i64 = 1_777_377_600;
/// Long enough for anything that is going to happen at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with the broker, and a device `press` with streams of numbers: `temp`, `rpm`, `state`.
struct Plant {
    server: Server,
    /// Address of the broker, also after a restart.
    address: String,
    /// Row numbers of the streams.
    streams: Vec<i64>,
}

impl Plant {
    async fn start() -> Plant {
        Plant::start_with(&[]).await
    }

    async fn start_with(env: &[(&str, &str)]) -> Plant {
        let address = format!("127.0.0.1:{}", free_port());
        let env = [&[("BASALT_MQTT__LISTEN", address.as_str())], env].concat();
        let server = Server::start(&env).await;
        assert_eq!(server.mqtt_address(), address);
        let kinds = [("temp", "fp64"), ("rpm", "fp64"), ("state", "fp64")];
        let (_, streams) = graphql::plant(&server.client(), "press", &kinds).await;
        Plant { server, address, streams }
    }

    fn client(&self) -> Client {
        self.server.client()
    }

    /// How a client with every right connects.
    fn hello(&self, version: Version, client_id: &str) -> Connect {
        Connect::new(version, client_id, &self.server.key)
    }

    /// A client with every right and a clean session.
    async fn connect(&self, version: Version, client_id: &str) -> MqttClient {
        MqttClient::connect(&self.address, &self.hello(version, client_id)).await
    }

    /// A client with every right that has subscribed to this.
    async fn subscriber(&self, version: Version, id: &str, filter: &str, qos: u8) -> MqttClient {
        let mut client = self.connect(version, id).await;
        assert_eq!(client.subscribe(&[(filter, qos)]).await, [qos], "{id}: {filter}");
        client
    }

    /// The values of a stream by time.
    async fn values(&self, stream: i64) -> Vec<f64> {
        let query = format!("SELECT value FROM readings WHERE stream_id = {stream} ORDER BY ts");
        let rows = self.client().sql(&query).await;
        rows.iter().map(|row| row["value"].as_f64().expect("a number")).collect()
    }

    /// Waits until a stream has exactly these values.
    async fn expect_values(&self, stream: i64, expected: &[f64]) {
        until!(&format!("{expected:?} in {stream}"), PATIENCE; self.values(stream).await == expected);
    }

    /// The row number of a stream by its device and name.
    async fn stream(&self, device: &str, name: &str) -> i64 {
        let query = format!(
            "SELECT s.id FROM streams s JOIN devices d ON d.id = s.device_id WHERE d.name = '{device}' AND s.name = '{name}'"
        );
        let rows = self.client().sql(&query).await;
        assert_eq!(rows.len(), 1, "{device}/{name}: {rows:?}");
        rows[0]["id"].as_i64().expect("an id")
    }

    /// The row number of a device and its uuid.
    async fn device(&self, name: &str) -> (i64, String) {
        let devices = self.client().get("/api/device/").await.body;
        let found = devices.as_array().and_then(|list| list.iter().find(|device| device["name"] == name));
        let device = found.unwrap_or_else(|| panic!("{name} in {devices}"));
        (device["id"].as_i64().expect("an id"), device["uuid"].as_str().expect("a uuid").to_owned())
    }

    /// Revokes the key that was created last.
    async fn revoke_newest_key(&self) {
        let listed = self.server.basalt(&["key", "list"]).await.expect_success();
        let ids = listed.lines().filter_map(|line| line.split_whitespace().next()?.parse::<i32>().ok());
        let newest = ids.max().expect("a key").to_string();
        self.server.basalt(&["key", "revoke", &newest]).await.expect_success();
    }

    /// Kills the server and starts it again.
    async fn crash(&mut self) {
        self.server.crash().await;
    }
}

/// A reading as a payload, so many seconds after noon.
fn reading(second: i64, value: f64) -> String {
    json!({"timestamp": NOON_S + second, "value": value}).to_string()
}

/// The number in a message: as such, or as the `value` of an object.
fn number(message: &Message) -> f64 {
    let payload: Value =
        serde_json::from_slice(&message.payload).unwrap_or_else(|e| panic!("{e}: {message:?}"));
    let one = payload.as_array().and_then(|list| list.first()).unwrap_or(&payload);
    one.get("value").unwrap_or(one).as_f64().unwrap_or_else(|| panic!("no number: {message:?}"))
}

/// The next messages, acknowledged: topic and number of each.
async fn take(client: &mut MqttClient, count: usize) -> Vec<(String, f64)> {
    let mut taken = Vec::new();
    for _ in 0..count {
        let message = client.take_message().await;
        taken.push((message.topic.clone(), number(&message)));
    }
    taken
}
