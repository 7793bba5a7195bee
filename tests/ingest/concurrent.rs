//! Sixteen writers at once at each door whose values come without a time: every value that was acknowledged is there (rest.md B6).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{CSV, NDJSON};
use crate::blynk::{TokenClient, UPDATE, UPDATE_MANY};
use crate::graphql;
use crate::support::{Answer, Client, Server, free_port};
use crate::tools::mqtt::{Connect, MqttClient, Version};

const WRITERS: i64 = 16;
/// Values of a writer, one request each.
const VALUES: i64 = 6;
const BLYNK: &str = "plant:0123456789abcdef0123456789abcdef";

/// Where values are written without their times.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Door {
    DataStone,
    Ndjson,
    Csv,
    GraphQl,
    Blynk,
    BlynkMany,
    LineProtocol,
    Mqtt,
    MqttObject,
}

const DOORS: [Door; 9] = [
    Door::DataStone,
    Door::Ndjson,
    Door::Csv,
    Door::GraphQl,
    Door::Blynk,
    Door::BlynkMany,
    Door::LineProtocol,
    Door::Mqtt,
    Door::MqttObject,
];

struct Plant {
    server: Server,
    client: Client,
    blynk: TokenClient,
    mqtt: String,
    device: i64,
    streams: Vec<i64>,
}

impl Plant {
    async fn start() -> Plant {
        let mqtt = format!("127.0.0.1:{}", free_port());
        let server =
            Server::start(&[("BASALT_BOOTSTRAP_BLYNK", BLYNK), ("BASALT_MQTT__LISTEN", &mqtt)]).await;
        let client = server.client();
        // The stream of a line has the name of its measurement and field.
        let names: Vec<String> = DOORS.iter().map(|door| format!("{door:?}.value")).collect();
        let streams: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "fp64")).collect();
        let (device, streams) = graphql::plant(&client, "press", &streams).await;
        let blynk = TokenClient::of(&client, BLYNK).await;
        Plant { server, client, blynk, mqtt, device, streams }
    }

    async fn write(&self, door: usize, value: i64) {
        let (stream, client) = (self.streams[door], &self.client);
        let (channel, done) = (door + 1, |(status, _, answer): Answer| (status, answer));
        let (status, answer) = match DOORS[door] {
            Door::DataStone => {
                done(client.post(&format!("/api/data/{stream}/value/"), &json!({ "value": value })).await)
            }
            Door::Ndjson => {
                let line = json!({"stream_id": stream, "value": value});
                done(client.ingest(NDJSON, format!("{line}\n")).await)
            }
            Door::Csv => done(client.ingest(CSV, format!("stream_id,value\n{stream},{value}\n")).await),
            Door::GraphQl => {
                let mutation = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows } }";
                let input = json!([{"stream": stream.to_string(), "value": value}]);
                (200, graphql::data(client, mutation, json!({ "input": input })).await)
            }
            Door::Blynk => {
                let body = json!({"deviceId": self.device, "dataStreamId": channel, "value": value});
                done(self.blynk.post(UPDATE, &body).await)
            }
            Door::BlynkMany => {
                let entries = json!([{"dataStreamId": channel, "value": value}]);
                let body = json!({"deviceId": self.device, "dataStreams": entries});
                done(self.blynk.post(UPDATE_MANY, &body).await)
            }
            Door::LineProtocol => {
                let line = format!("LineProtocol value={value}");
                done(client.send("POST", "/write?db=press", &[("content-type", "text/plain")], line).await)
            }
            Door::Mqtt | Door::MqttObject => return,
        };
        assert!((200..300).contains(&status), "{:?}: {status} {answer}", DOORS[door]);
    }

    /// A writer of MQTT waits for each acknowledgement, as the others do.
    async fn publish(&self, door: usize, writer: i64) {
        let hello = Connect::new(Version::V5, &format!("{door}-{writer}"), &self.server.key);
        let mut client = MqttClient::connect(&self.mqtt, &hello).await;
        for value in values(writer) {
            let answer = match DOORS[door] {
                Door::Mqtt => client.publish("basalt/press/Mqtt.value", value.to_string(), 1).await,
                _ => client.publish("basalt/press", json!({"MqttObject.value": value}).to_string(), 1).await,
            };
            assert_eq!(answer, Ok(0), "{:?}", DOORS[door]);
        }
        client.disconnect(0).await;
    }
}

fn values(writer: i64) -> std::ops::Range<i64> {
    writer * VALUES..(writer + 1) * VALUES
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_at_each_door_lose_no_acknowledged_value() {
    let plant = Arc::new(Plant::start().await);
    for (door, name) in DOORS.iter().enumerate() {
        let writers = (0..WRITERS).map(|writer| {
            let plant = plant.clone();
            tokio::spawn(async move {
                if matches!(DOORS[door], Door::Mqtt | Door::MqttObject) {
                    return plant.publish(door, writer).await;
                }
                for value in values(writer) {
                    plant.write(door, value).await;
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("it writes");
        }
        let stream = plant.streams[door];
        let query = format!(
            "SELECT count(*) AS n, count(DISTINCT value) AS different FROM readings WHERE stream_id = {stream}"
        );
        let expected: Value = json!([{"n": WRITERS * VALUES, "different": WRITERS * VALUES}]);
        assert_eq!(json!(plant.client.sql(&query).await), expected, "{name:?}");
    }
}
