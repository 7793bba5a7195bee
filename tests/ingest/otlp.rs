//! OpenTelemetry's metrics over a real socket: both forms, their answers, rejected points, and the exporter of its SDK.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;

use super::count;
use crate::support::{Answer, Client, Server, run_python};

const PATH: &str = "/v1/metrics";
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const TIME_NS: &str = "1700000000000000000";

/// A request with one gauge of these points.
fn request(device: &str, points: &Value) -> String {
    request_of("temp", device, points)
}

fn request_of(name: &str, device: &str, points: &Value) -> String {
    let resource = json!({"attributes": [{"key": "host.name", "value": {"stringValue": device}}]});
    let metrics = json!([{"name": name, "unit": "Cel", "gauge": {"dataPoints": points}}]);
    json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}).to_string()
}

async fn write(client: &Client, path: &str, body: String) -> Answer {
    client.send("POST", path, &[("content-type", JSON)], body).await
}

/// Writes a number to a metric of a device, as many seconds after a fixed time.
pub async fn write_point(client: &Client, [device, name]: [&str; 2], value: i64) -> Answer {
    let time_ns = (1_700_000_000 + value) * 1_000_000_000;
    let points = json!([{"timeUnixNano": time_ns.to_string(), "asDouble": value}]);
    write(client, PATH, request_of(name, device, &points)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_written_once_and_wrong_ones_are_rejected() {
    let (_server, client) = Server::with_client(&[]).await;
    let good = json!({"timeUnixNano": TIME_NS, "asDouble": 21.5});
    for _ in 0..2 {
        write(&client, PATH, request("edge", &json!([good]))).await.is(200, &json!({}));
    }
    let wrong = json!({"timeUnixNano": TIME_NS, "asDouble": "NaN"});
    let answer = write(&client, PATH, request("press", &json!([wrong, good]))).await;
    let answer = answer.has(200, json!({"/partialSuccess/rejectedDataPoints": "1"}));
    let message = answer["partialSuccess"]["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("data point 1: `temp`: NaN is no value"), "{answer}");
    let answer = write(&client, PATH, request("", &json!([good]))).await.body;
    let message = answer["partialSuccess"]["errorMessage"].to_string();
    assert!(message.contains("ingest.device_attributes"), "{answer}");
    write(&client, "/v1/metrics?device=plant", request("", &json!([good]))).await.is(200, &json!({}));
    let rows = client
        .sql("SELECT d.name AS device, s.name AS stream FROM streams s JOIN devices d ON d.id = s.device_id ORDER BY d.name")
        .await;
    assert_eq!(rows, ["edge", "plant", "press"].map(|device| json!({"device": device, "stream": "temp"})));
    assert_eq!(count(&client).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_have_the_form_of_the_request() {
    let (server, client) = Server::with_client(&[]).await;
    let point = json!([{"timeUnixNano": TIME_NS, "asInt": "1"}]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(request("edge", &point).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    type Headers<'a> = &'a [(&'a str, &'a str)];
    type Row<'a> = (Headers<'a>, &'a [u8], u16, &'a str, &'a [u8]);
    let rows: [Row; 6] = [
        (&[("content-type", JSON), ("content-encoding", "gzip")], &gzip, 200, JSON, b"{}"),
        (&[("content-type", PROTOBUF)], b"", 200, PROTOBUF, b""),
        (&[("content-type", PROTOBUF)], b"\x0a\x7f", 400, PROTOBUF, b"the body is damaged"),
        (&[("content-type", JSON)], b"[1]", 400, JSON, b"ExportMetricsServiceRequest"),
        (&[("content-type", "text/plain")], b"temp 1", 415, JSON, b"text/plain"),
        (&[("content-type", PROTOBUF), ("content-encoding", "snappy")], b"", 415, PROTOBUF, b"snappy"),
    ];
    for (headers, body, expected, media, content) in rows {
        let answer = client.send_bytes("POST", PATH, headers, body.to_vec()).await;
        let answer =
            answer.about(&format!("{headers:?}")).with_header("content-type", media).expect(expected);
        let has = content.is_empty() && answer.is_empty()
            || answer.windows(content.len().max(1)).any(|part| part == content);
        assert!(has, "{headers:?}: {}", String::from_utf8_lossy(&answer));
    }
    let reader = server.client_with(&["--scope", "value:read"]).await;
    let answer = write(&reader, PATH, request("edge", &point)).await.expect(403);
    assert!(answer["message"].to_string().contains("value:write"), "{answer}");
    write(&client.without_key(), PATH, request("edge", &point)).await.expect(401);
    let answer = client.get(PATH).await.expect(405);
    assert!(answer["message"].is_string(), "{answer}");
    assert_eq!(count(&client).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_of_opentelemetry_exports_here() {
    let (_server, client) = Server::with_client(&[]).await;
    let key = client.key().expect("the client has a key");
    let outcome = run_python("otlp_exporter.py", &[&format!("http://{}", client.address()), key]).await;
    assert_eq!(outcome, json!({"exported": true, "warnings": []}));
    let query = "SELECT DISTINCT d.name AS device, s.name AS stream, s.type, r.value, r.text FROM readings r \
        JOIN streams s ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id ORDER BY stream";
    let rows = client.sql(query).await;
    let row = |stream: &str, kind: &str, value: f64, text: Value| json!({"device": "press-1", "stream": stream, "type": kind, "value": value, "text": text});
    let exact = json!("9007199254740993");
    let expected = [
        row("jobs,line=a,n=3,ok=true", "int64", 9_007_199_254_740_992.0, exact),
        row("latency.count", "uint64", 2.0, Value::Null),
        row("latency.max", "fp64", 1.5, Value::Null),
        row("latency.min", "fp64", 0.5, Value::Null),
        row("latency.sum", "fp64", 2.0, Value::Null),
        row("temp", "fp64", 21.5, Value::Null),
        row("wait.count,k=v", "uint64", 1.0, Value::Null),
        row("wait.max,k=v", "fp64", 2.5, Value::Null),
        row("wait.min,k=v", "fp64", 2.5, Value::Null),
        row("wait.sum,k=v", "fp64", 2.5, Value::Null),
    ];
    assert_eq!(rows, expected);
}
