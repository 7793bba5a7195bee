//! Sixteen writers at once at each interface that takes values, whether or not these have times: every value that was acknowledged is
//! there.

use std::sync::Arc;

use basalt::domain::Micros;
use serde_json::{Value, json};

use super::refused::parquet;
use super::{ARROW, CSV, NDJSON, PARQUET, arrow_body, otlp, readings_batch, remote_write};
use crate::blynk::{BATCH_UPDATE, IMPORT, TokenClient, UPDATE, UPDATE_MANY};
use crate::graphql;
use crate::support::{Answer, Client, Server, free_port, sized};
use crate::tools::mqtt::{Connect, MqttClient, Version};

const WRITERS: i64 = 16;
const BLYNK: &str = "plant:0123456789abcdef0123456789abcdef";
const MK_KEY: &str = "sk_live_0123456789abcdef0123456789abcdef0123456789a";
const DEVICE: &str = "press";
/// 2026-04-28T12:00:00Z, in seconds: the time of the value 0 where values have times.
const NOON: i64 = 1_777_377_600;

/// An interface for values.
#[derive(Debug, Clone, Copy, PartialEq)]
enum WriteInterface {
    DataStone,
    GraphQl,
    Blynk,
    BlynkMany,
    BlynkTable,
    LineProtocol,
    Facts,
    Mqtt,
    MqttObject,
    MqttFacts,
    MqttDocument,
    // Values of these have times.
    Arrow,
    Parquet,
    Ndjson,
    Csv,
    BlynkImport,
    RemoteWrite,
    Otlp,
    Mk,
}

const INTERFACES: [WriteInterface; 19] = [
    WriteInterface::DataStone,
    WriteInterface::GraphQl,
    WriteInterface::Blynk,
    WriteInterface::BlynkMany,
    WriteInterface::BlynkTable,
    WriteInterface::LineProtocol,
    WriteInterface::Facts,
    WriteInterface::Mqtt,
    WriteInterface::MqttObject,
    WriteInterface::MqttFacts,
    WriteInterface::MqttDocument,
    WriteInterface::Arrow,
    WriteInterface::Parquet,
    WriteInterface::Ndjson,
    WriteInterface::Csv,
    WriteInterface::BlynkImport,
    WriteInterface::RemoteWrite,
    WriteInterface::Otlp,
    WriteInterface::Mk,
];

/// A fact creates its device.
fn fact(stream: &str, value: i64) -> Value {
    json!({"id": "floor", "s1_id": stream, "s1_v": value})
}

struct Plant {
    server: Server,
    client: Client,
    blynk: TokenClient,
    mk: TokenClient,
    mqtt: String,
    device: i64,
    streams: Vec<i64>,
    /// Id of the stream of the MK platform there.
    sensor: Value,
}

impl Plant {
    async fn start() -> Plant {
        let mqtt = format!("127.0.0.1:{}", free_port());
        let env = [
            ("BASALT_BOOTSTRAP_BLYNK", BLYNK),
            ("BASALT_BOOTSTRAP_MK", MK_KEY),
            ("BASALT_BLYNK__IMPORT_PER_DEVICE", "1000000/s"),
            ("BASALT_MK__RATE", "1000000/s"),
            ("BASALT_MQTT__LISTEN", mqtt.as_str()),
        ];
        let (server, client) = Server::with_client(&env).await;
        // The stream of a line has the name of its measurement and field.
        let names: Vec<String> = INTERFACES.iter().map(|interface| format!("{interface:?}.value")).collect();
        let streams: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "fp64")).collect();
        let (device, streams) = graphql::plant(&client, DEVICE, &streams).await;
        let blynk = TokenClient::of(&client, BLYNK).await;
        let mk = TokenClient::new(&client, MK_KEY);
        let sensor = client.sql("SELECT uuid FROM streams WHERE name = 'Mk.value'").await[0]["uuid"].clone();
        Plant { server, client, blynk, mk, mqtt, device, streams, sensor }
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
            WriteInterface::BlynkTable => {
                let fields = json!(["deviceId", "BlynkTable.value"]);
                let body = json!({"fields": fields, "updates": [[self.device, value]]});
                done(self.blynk.post(BATCH_UPDATE, &body).await)
            }
            WriteInterface::LineProtocol => {
                let line = format!("LineProtocol value={value}");
                done(client.send("POST", "/write?db=press", &[("content-type", "text/plain")], line).await)
            }
            WriteInterface::Facts => done(client.post("/ingest/facts", &fact("Facts.value", value)).await),
            _ => done(self.write_timed(place, value).await),
        };
        assert!((200..300).contains(&status), "{:?}: {status} {answer}", INTERFACES[place]);
    }

    /// Writes a value with its time.
    async fn write_timed(&self, place: usize, value: i64) -> Answer {
        let (client, stream, second) = (&self.client, self.streams[place], NOON + value);
        let table = || readings_batch(&[(stream, second * 1_000_000, value as f64)]);
        match INTERFACES[place] {
            WriteInterface::Arrow => client.ingest(ARROW, arrow_body(&table())).await,
            WriteInterface::Parquet => client.ingest(PARQUET, parquet(&table())).await,
            WriteInterface::Ndjson => {
                let line = json!({"stream_id": stream, "ts": second, "value": value});
                client.ingest(NDJSON, line.to_string()).await
            }
            WriteInterface::Csv => {
                client.ingest(CSV, format!("stream_id,ts,value\n{stream},{second},{value}\n")).await
            }
            WriteInterface::BlynkImport => {
                let values = json!([{"value": value, "ts": second * 1000}]);
                let body = json!({"deviceId": self.device, "dataStreamId": place + 1, "values": values});
                self.blynk.post(IMPORT, &body).await
            }
            WriteInterface::RemoteWrite => {
                remote_write::write_sample(client, [DEVICE, "RemoteWrite.value"], value.unsigned_abs()).await
            }
            WriteInterface::Otlp => {
                let answer = otlp::write_point(client, [DEVICE, "Otlp.value"], value).await;
                assert_eq!(answer.body, json!({}), "no point is rejected");
                answer
            }
            WriteInterface::Mk => {
                let timestamp = Micros(second * 1_000_000).to_iso();
                let body = json!({"sensorId": self.sensor, "timestamp": timestamp, "value": value});
                let answer = self.mk.post("/api/v1/readings", &body).await;
                assert_eq!(answer["accepted"], json!(1), "{answer}");
                answer
            }
            other => unreachable!("{other:?} takes no times, or is MQTT"),
        }
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

/// Values of a writer, one request each.
fn values_each() -> i64 {
    sized(4, 25)
}

fn values(writer: i64) -> std::ops::Range<i64> {
    writer * values_each()..(writer + 1) * values_each()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_at_each_interface_lose_no_acknowledged_value() {
    let (plant, all) = (Arc::new(Plant::start().await), WRITERS * values_each());
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
        let expected: Value = json!([{"n": all, "different": all}]);
        assert_eq!(json!(plant.client.sql(&query).await), expected, "{name:?}");
    }
}
