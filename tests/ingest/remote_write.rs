//! Prometheus' remote write over a real socket: both versions, refused samples, the headers of 2.0, and what senders decide
//! by the status.

use serde_json::{Value, json};

use super::count;
use crate::support::{Answer, Client, Server, rows, run_python};

const PATH: &str = "/api/v1/write";
const V1: &str = "application/x-protobuf";
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
const TIME_MS: u64 = 1_700_000_000_000;

/// A field with a message or a text, shorter than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(content.len()).expect("short")], content].concat()
}

/// A sample of both versions.
fn sample(value: f64, time_ms: u64) -> Vec<u8> {
    let mut time = vec![2 << 3];
    let mut rest = time_ms;
    while rest >= 0x80 {
        time.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    time.push(rest as u8);
    field(2, &[&[1 << 3 | 1][..], &value.to_le_bytes(), &time].concat())
}

/// A request of 1.0 with one series, whose samples follow each other by a millisecond.
fn request(labels: &[(&str, &str)], samples: &[f64]) -> Vec<u8> {
    request_from(TIME_MS, labels, samples)
}

fn request_from(first_ms: u64, labels: &[(&str, &str)], samples: &[f64]) -> Vec<u8> {
    let label = |(name, value): &(&str, &str)| {
        field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
    };
    let labels = labels.iter().flat_map(label);
    let samples = (0..).zip(samples).flat_map(|(n, value)| sample(*value, first_ms + n));
    field(1, &labels.chain(samples).collect::<Vec<u8>>())
}

fn block(body: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(body).expect("a short body")
}

async fn write(client: &Client, path: &str, media: &str, body: &[u8]) -> Answer {
    let headers = [("content-type", media), ("content-encoding", "snappy")];
    client.send("POST", path, &headers, block(body)).await
}

/// Writes a number to a series of a device, as many seconds after a fixed time.
pub async fn write_sample(client: &Client, [device, name]: [&str; 2], value: u64) -> Answer {
    let labels = [("__name__", name), ("instance", device)];
    let body = request_from(TIME_MS + value * 1000, &labels, &[value as f64]);
    write(client, PATH, V1, &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_refused_and_samples_are_written_once_however_often_they_are_sent() {
    let (server, client) = Server::with_client(&[]).await;
    let body = request(&[("__name__", "up"), ("instance", "a")], &[1.0]);
    let snappy = block(&body);
    let bomb = [&b"\xff\xff\xff\x7f"[..], &snappy].concat();
    let unknown = "application/x-protobuf;proto=io.prometheus.write.v3.Request";
    type Row<'a> = (&'a str, Option<&'a str>, &'a [u8], u16, &'a str);
    let rows: [Row; 9] = rows![
        V1, None, &body, 415, "identity";
        V1, Some("zstd"), &snappy, 415, "zstd";
        unknown, Some("snappy"), &snappy, 415, "v3";
        "application/json", Some("snappy"), &snappy, 415, "json";
        V1, Some("snappy"), &body, 400, "Snappy";
        V1, Some("snappy"), b"", 400, "Snappy";
        V1, Some("snappy"), &bomb, 413, "too large";
        V1, Some("snappy"), &block(&body[..10]), 400, "damaged";
        V2, Some("snappy"), &block(&[field(4, b""), field(5, &field(1, &[1, 2]))].concat()), 400, "the symbol 1";
    ];
    for (media, encoding, body, expected, word) in rows {
        let headers: Vec<_> = [("content-type", media)]
            .into_iter()
            .chain(encoding.map(|name| ("content-encoding", name)))
            .collect();
        let answer = client.send("POST", PATH, &headers, body.to_vec()).await;
        answer.about(&format!("{media} {encoding:?}")).refused(expected, word);
    }
    let metadata = block(&field(3, b"\x08\x01\x12\x02up"));
    let headers = [("content-type", V1), ("content-encoding", "snappy")];
    client.send("POST", PATH, &headers, metadata).await.about("metadata alone").expect(204);
    assert_eq!(count(&client).await, 0);
    write(&server.client_with(&["--scope", "value:read"]).await, PATH, V1, &body).await.expect(403);
    write(&client.without_key(), PATH, V1, &body).await.expect(401);
    client.get(PATH).await.with_header("allow", "POST").expect(405);

    let body =
        request(&[("__name__", "up"), ("instance", "node:9100"), ("job", "node"), ("a", "1")], &[1.0, 0.0]);
    for _ in 0..2 {
        write(&client, PATH, V1, &body).await.is(204, &Value::Null);
    }
    let by_default = request(&[("__name__", "job:rate")], &[2.5]);
    write(&client, "/api/v1/write?device=rules", V1, &by_default).await.expect(204);
    let query = "SELECT d.name AS device, s.name AS stream, s.type, r.value FROM readings r JOIN streams s ON s.id = r.stream_id \
        JOIN devices d ON d.id = s.device_id ORDER BY d.name, r.ts";
    let rows = client.sql(query).await;
    let expected = [
        json!({"device": "node:9100", "stream": "up,a=1", "type": "fp64", "value": 1.0}),
        json!({"device": "node:9100", "stream": "up,a=1", "type": "fp64", "value": 0.0}),
        json!({"device": "rules", "stream": "job:rate", "type": "fp64", "value": 2.5}),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_samples_are_told_after_the_others_are_written() {
    let (server, client) = Server::with_client(&[]).await;
    let labels = [("__name__", "up"), ("instance", "a")];
    let body = [
        request(&labels, &[1.0, f64::NAN, 2.0, f64::INFINITY]),
        request(&[("__name__", "up")], &[3.0]),
        request(&labels, &[]),
    ];
    let (status, answer) = write(&client, PATH, V1, &body.concat()).await.outcome();
    let detail = answer["detail"].as_str().unwrap_or_default();
    assert_eq!(status, 400, "{answer}");
    for expected in [
        "partial write (samples written: 2, histograms written: 0, refused: 3): ",
        "sample 2: `up`: NaN",
        "sample 4: `up`: inf",
        "sample 5: `up` names no device",
    ] {
        assert!(detail.contains(expected), "{expected}: {detail}");
    }
    assert_eq!(count(&client).await, 2);
    // A key that is limited to a stream creates no other, and writes its own.
    let rows = client.sql("SELECT id FROM streams").await;
    let key = server.create_key(&["--scope", "value:write", "--data", &rows[0]["id"].to_string()]).await;
    let limited = client.with_key(&key);
    write(&limited, PATH, V1, &request(&labels, &[5.0])).await.expect(204);
    let answer =
        write(&limited, PATH, V1, &request(&[("__name__", "other"), ("instance", "a")], &[5.0])).await;
    let answer = answer.expect(400);
    assert!(answer["detail"].to_string().contains("refused: 1"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_of_2_0_is_told_what_was_written() {
    let (_server, client) = Server::with_client(&[]).await;
    let key = client.key().expect("the client has a key");
    let outcome = run_python("remote_write.py", &[&format!("http://{}", client.address()), key]).await;
    let row = |status: u16, written: [Option<u64>; 3]| json!({"status": status, "written": written});
    let expected = json!({
        "good": row(204, [Some(3), Some(1), Some(0)]),
        "again": row(204, [Some(3), Some(1), Some(0)]),
        "partial": row(400, [Some(1), Some(0), Some(0)]),
        "nothing": row(204, [Some(0), Some(0), Some(0)]),
        "reference": row(400, [None, None, None]),
        "odd": row(400, [None, None, None]),
        "symbol": row(400, [None, None, None]),
        "version": row(415, [None, None, None]),
    });
    assert_eq!(outcome, expected);
    let query = "SELECT s.name AS stream, r.value, r.quality FROM readings r JOIN streams s ON s.id = r.stream_id \
        ORDER BY s.name, r.ts";
    let rows = client.sql(query).await;
    let reading = |stream: &str, value: Option<f64>, quality: &str| json!({"stream": stream, "value": value, "quality": quality});
    let expected = [
        reading("latency_count", Some(7.0), "good"),
        reading("latency_sum", Some(12.5), "good"),
        reading("temp,site=Zürich", Some(21.5), "good"),
        reading("up", Some(1.0), "good"),
        reading("up", None, "bad"),
        reading("up", Some(0.0), "good"),
    ];
    assert_eq!(rows, expected);
}
