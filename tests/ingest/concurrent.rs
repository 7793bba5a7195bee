//! Sixteen writers at once at each interface whose values come without a time: every value that was acknowledged is there (rest.md B6).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::blynk::{TokenClient, UPDATE, UPDATE_MANY};
use crate::graphql;
use crate::support::{Answer, Client, Server, free_port};
use crate::tools::mqtt::{Connect, MqttClient, Version};

const WRITERS: i64 = 16;
/// Values of a writer, one request each.
const VALUES: i64 = 6;
const BLYNK: &str = "plant:0123456789abcdef0123456789abcdef";

/// An interface for values without their times.
#[derive(Debug, Clone, Copy, PartialEq)]
enum WriteInterface {
    DataStone,
    GraphQl,
    Blynk,
    BlynkMany,
    LineProtocol,
    Facts,
    Mqtt,
    MqttObject,
    MqttFacts,
    MqttDocument,
}

const INTERFACES: [WriteInterface; 10] = [
    WriteInterface::DataStone,
    WriteInterface::GraphQl,
    WriteInterface::Blynk,
    WriteInterface::BlynkMany,
    WriteInterface::LineProtocol,
    WriteInterface::Facts,
    WriteInterface::Mqtt,
    WriteInterface::MqttObject,
    WriteInterface::MqttFacts,
    WriteInterface::MqttDocument,
];

/// A fact creates its device.
fn fact(stream: &str, value: i64) -> Value {
    json!({"id": "floor", "s1_id": stream, "s1_v": value})
}

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
        let names: Vec<String> = INTERFACES.iter().map(|interface| format!("{interface:?}.value")).collect();
        let streams: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "fp64")).collect();
        let (device, streams) = graphql::plant(&client, "press", &streams).await;
        let blynk = TokenClient::of(&client, BLYNK).await;
        Plant { server, client, blynk, mqtt, device, streams }
    }

    async fn write(&self, place: usize, value: i64) {
        let (stream, client) = (self.streams[place], &self.client);
        let (channel, done) = (place + 1, Answer::outcome);
        let (status, answer) = match INTERFACES[place] {
            WriteInterface::DataStone => {
                done(client.post(&format!("/api/data/{stream}/value/"), &json!({ "value": value })).await)
            }
            WriteInterface::GraphQl => {
                let mutation = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows } }";
                let input = json!([{"stream": stream.to_string(), "value": value}]);
                (200, graphql::data(client, mutation, json!({ "input": input })).await)
            }
            WriteInterface::Blynk => {
                let body = json!({"deviceId": self.device, "dataStreamId": channel, "value": value});
                done(self.blynk.post(UPDATE, &body).await)
            }
            WriteInterface::BlynkMany => {
                let entries = json!([{"dataStreamId": channel, "value": value}]);
                let body = json!({"deviceId": self.device, "dataStreams": entries});
                done(self.blynk.post(UPDATE_MANY, &body).await)
            }
            WriteInterface::LineProtocol => {
                let line = format!("LineProtocol value={value}");
                done(client.send("POST", "/write?db=press", &[("content-type", "text/plain")], line).await)
            }
            WriteInterface::Facts => done(client.post("/ingest/facts", &fact("Facts.value", value)).await),
            WriteInterface::Mqtt
            | WriteInterface::MqttObject
            | WriteInterface::MqttFacts
            | WriteInterface::MqttDocument => unreachable!("publish writes it"),
        };
        assert!((200..300).contains(&status), "{:?}: {status} {answer}", INTERFACES[place]);
    }

    /// A writer of MQTT waits for each acknowledgement, as the others do.
    async fn publish(&self, place: usize, writer: i64) {
        let hello = Connect::new(Version::V5, &format!("{place}-{writer}"), &self.server.key);
        let mut client = MqttClient::connect(&self.mqtt, &hello).await;
        for value in values(writer) {
            let (topic, payload) = match INTERFACES[place] {
                WriteInterface::Mqtt => ("basalt/press/Mqtt.value", json!(value)),
                WriteInterface::MqttFacts => ("os/sensors/raw", fact("MqttFacts.value", value)),
                WriteInterface::MqttDocument => {
                    ("discover/default/press/press/post", json!({"MqttDocument": {"value": value}}))
                }
                _ => ("basalt/press", json!({ "MqttObject.value": value })),
            };
            assert_eq!(client.publish(topic, payload.to_string(), 1).await, Ok(0), "{:?}", INTERFACES[place]);
        }
        client.disconnect(0).await;
    }
}

fn values(writer: i64) -> std::ops::Range<i64> {
    writer * VALUES..(writer + 1) * VALUES
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_at_each_interface_lose_no_acknowledged_value() {
    let plant = Arc::new(Plant::start().await);
    for (place, name) in INTERFACES.iter().enumerate() {
        let writers = (0..WRITERS).map(|writer| {
            let plant = plant.clone();
            tokio::spawn(async move {
                if format!("{:?}", INTERFACES[place]).starts_with("Mqtt") {
                    return plant.publish(place, writer).await;
                }
                for value in values(writer) {
                    plant.write(place, value).await;
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("it writes");
        }
        let query = format!(
            "SELECT count(*) AS n, count(DISTINCT value) AS different FROM readings r JOIN streams s ON s.id = r.stream_id \
             WHERE s.name = '{name:?}.value'"
        );
        let expected: Value = json!([{"n": WRITERS * VALUES, "different": WRITERS * VALUES}]);
        assert_eq!(json!(plant.client.sql(&query).await), expected, "{name:?}");
    }
}
