//! Doors through which readings come, each in the words of its own protocol.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use basalt::app::App;
use basalt::app::mqtt::{Publication, PublishOutcome};
use basalt::domain::Micros;
use basalt::domain::mqtt::Qos;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::plain::{SECOND, SentReading};
use crate::ingest::{ARROW, CSV, NDJSON, arrow_body, readings_batch};
use crate::support::rows;

/// Name of the device that all streams belong to.
pub const DEVICE: &str = "line";
const JSON: &str = "application/json";

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestDoor {
    Ndjson,
    Csv,
    Arrow,
    LineProtocol,
    Otlp,
    GraphQl,
    DataStone,
    OpenSynaptic,
    Mqtt,
}

/// A request: a stream with its readings, which are written together.
pub struct StreamWrite<'a> {
    pub stream: i32,
    pub rows: &'a [SentReading],
}

impl IngestDoor {
    pub const ALL: [IngestDoor; 9] = rows![
        IngestDoor::Ndjson; IngestDoor::Csv; IngestDoor::Arrow; IngestDoor::LineProtocol; IngestDoor::Otlp;
        IngestDoor::GraphQl; IngestDoor::DataStone; IngestDoor::OpenSynaptic; IngestDoor::Mqtt;
    ];

    /// Whether readings can be marked as bad there.
    pub fn has_quality(self) -> bool {
        matches!(self, IngestDoor::Ndjson | IngestDoor::Csv)
    }

    /// Whether a request may have several readings of a stream.
    pub fn has_batches(self) -> bool {
        self != IngestDoor::DataStone
    }

    /// Name of a stream that this door writes to.
    pub fn stream_name(self, id: i32) -> String {
        match self {
            IngestDoor::LineProtocol => format!("s{id}.value"),
            _ => format!("s{id}"),
        }
    }
}

/// Credentials that clients have for a server.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub key: String,
    /// Id of the device in facts.
    pub external_id: String,
}

/// A server without sockets, and a client of it.
pub struct RouterClient {
    pub app: Arc<App>,
    pub router: Router,
    pub credentials: Credentials,
}

impl RouterClient {
    /// Sends a request, which has to be answered by success.
    async fn post(&self, path: &str, media: &str, body: impl Into<Body>) -> Value {
        let request = Request::post(path)
            .header("authorization", format!("ApiKey {}", self.credentials.key))
            .header("content-type", media)
            .body(body.into())
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(status.is_success() || status == StatusCode::NO_CONTENT, "{path}: {status} {text}");
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    }

    /// Publishes the readings of a stream as one message, which has to be acknowledged.
    async fn publish(&self, write: &StreamWrite<'_>) {
        let who = self.app.access.authenticate_key(&self.credentials.key).unwrap();
        let reading = |row: &SentReading| json!({"ts": iso(row.ts), "value": row.value});
        let payload = json!(write.rows.iter().map(reading).collect::<Vec<_>>()).to_string().into();
        let topic = format!("basalt/{DEVICE}/s{}", write.stream);
        let message = Publication { topic, payload, qos: Qos::AtLeastOnce, is_retained: false };
        let outcome = self.app.mqtt.publisher.publish(&who, message).await;
        assert!(matches!(outcome, PublishOutcome::Stored), "{outcome:?}");
    }

    /// Writes readings of many streams through a door: all in one request where the door takes several.
    pub async fn write(&self, door: IngestDoor, writes: &[StreamWrite<'_>]) {
        let rows = || writes.iter().flat_map(|write| write.rows.iter().map(|row| (write.stream, *row)));
        match door {
            IngestDoor::Ndjson => {
                let line = |(stream, row): (i32, SentReading)| {
                    let quality = if row.is_bad { "bad" } else { "good" };
                    let value = if row.is_bad { Value::Null } else { json!(row.value) };
                    let ts = iso(row.ts);
                    format!(
                        "{}\n",
                        json!({"stream_id": stream, "ts": ts, "value": value, "quality": quality})
                    )
                };
                self.post("/ingest", NDJSON, rows().map(line).collect::<String>()).await;
            }
            IngestDoor::Csv => {
                let line = |(stream, row): (i32, SentReading)| match row.is_bad {
                    true => format!("{stream},{},,bad\n", iso(row.ts)),
                    false => format!("{stream},{},{},good\n", iso(row.ts), row.value),
                };
                let lines: String = rows().map(line).collect();
                self.post("/ingest", CSV, format!("stream_id,ts,value,quality\n{lines}")).await;
            }
            IngestDoor::Arrow => {
                let table: Vec<(i64, i64, f64)> =
                    rows().map(|(stream, row)| (i64::from(stream), row.ts, row.value)).collect();
                self.post("/ingest", ARROW, arrow_body(&readings_batch(&table))).await;
            }
            IngestDoor::LineProtocol => {
                let line = |(stream, row): (i32, SentReading)| {
                    format!("s{stream},device={DEVICE} value={} {}\n", row.value, row.ts)
                };
                self.post("/write?db=plant&precision=us", "text/plain", rows().map(line).collect::<String>())
                    .await;
            }
            IngestDoor::Otlp => {
                let metric = |(stream, row): (i32, SentReading)| {
                    let point = json!({"timeUnixNano": (row.ts * 1000).to_string(), "asDouble": row.value});
                    json!({"name": format!("s{stream}"), "gauge": {"dataPoints": [point]}})
                };
                let host = json!({"key": "host.name", "value": {"stringValue": DEVICE}});
                let scopes = json!([{"metrics": rows().map(metric).collect::<Vec<_>>()}]);
                let body = json!({"resourceMetrics": [{"resource": {"attributes": [host]}, "scopeMetrics": scopes}]});
                let answer = self.post("/v1/metrics", JSON, body.to_string()).await;
                assert_eq!(answer, json!({}));
            }
            IngestDoor::GraphQl => {
                let input = |(stream, row): (i32, SentReading)| json!({"stream": stream.to_string(), "ts": iso(row.ts), "value": row.value});
                let query =
                    "mutation($input: [ValueInput!]!) { writeValues(input: $input) { errors { message } } }";
                let body =
                    json!({"query": query, "variables": {"input": rows().map(input).collect::<Vec<_>>()}});
                let answer = self.post("/graphql", JSON, body.to_string()).await;
                assert_eq!(answer, json!({"data": {"writeValues": {"errors": []}}}));
            }
            IngestDoor::DataStone => {
                for (stream, row) in rows() {
                    let body = json!({"timestamp": iso(row.ts), "value": row.value});
                    self.post(&format!("/api/data/{stream}/value/"), JSON, body.to_string()).await;
                }
            }
            IngestDoor::OpenSynaptic => {
                let fact = |(stream, row): (i32, SentReading)| {
                    let name = format!("s{stream}");
                    json!({"id": self.credentials.external_id, "s": "ONLINE", "t": row.ts / SECOND, "s1_id": name, "s1_v": row.value})
                };
                let facts: Vec<Value> = rows().map(fact).collect();
                self.post("/ingest/facts", JSON, json!(facts).to_string()).await;
            }
            IngestDoor::Mqtt => {
                for write in writes {
                    self.publish(write).await;
                }
            }
        }
    }
}

fn iso(ts: i64) -> String {
    Micros(ts).to_iso()
}
