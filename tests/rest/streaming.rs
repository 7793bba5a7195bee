//! Long lists over a real socket: they come as they are read, in memory that does not grow with them, and reading
//! ends when the reader goes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{stream_of, with_stream};
use crate::ingest::{ARROW, arrow_body, readings_batch};
use crate::support::{Client, Server, until};

const ROWS: i64 = 1_500_000;
const BATCH: i64 = 100_000;
/// Four rows a second: the list is of more than four days.
const EVERY_US: i64 = 250_000;
const START: i64 = 1_777_334_400_000_000;
/// The JSON of all rows is nearly twice this.
const MAX_GROWTH_MIB: u64 = 64;
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Rows `from..from + BATCH` of a stream as Arrow.
fn batch(stream: i64, from: i64) -> Vec<u8> {
    let rows: Vec<_> = (from..from + BATCH).map(|n| (stream, START + n * EVERY_US, n as f64)).collect();
    arrow_body(&readings_batch(&rows))
}

/// An answer being read by hand.
struct ResponseReader(TcpStream);

impl ResponseReader {
    /// Asks, and returns when the first bytes of the array are there.
    async fn open(client: &Client, path: &str) -> ResponseReader {
        let mut socket = TcpStream::connect(client.address()).await.unwrap();
        let key = client.key().unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: ApiKey {key}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("transfer-encoding: chunked"), "{head}");
        let mut first = [0; 100];
        socket.read_exact(&mut first).await.unwrap();
        assert!(first.contains(&b'['));
        ResponseReader(socket)
    }

    /// Reads to the end; how many rows came, and whether the array and the body were closed.
    async fn finish(mut self) -> (usize, bool) {
        // What `open` has read of it: one row at most, and it is whole.
        let (mut rows, mut last, mut buffer) = (0, Vec::new(), vec![0; 1 << 16]);
        loop {
            let read = self.0.read(&mut buffer).await.unwrap();
            if read == 0 {
                break;
            }
            rows += buffer[..read].iter().filter(|byte| **byte == b'}').count();
            last.extend_from_slice(&buffer[..read]);
            last.drain(..last.len().saturating_sub(64));
        }
        (rows, String::from_utf8_lossy(&last).ends_with("]\r\n0\r\n\r\n"))
    }
}

/// Outcomes of the lists so far, the oldest first.
async fn outcomes(client: &Client) -> Vec<Value> {
    client.sql("SELECT outcome, rows FROM query_log WHERE surface = 'values' ORDER BY started_at").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_many_values_is_streamed() {
    let (mut server, client) = Server::with_client(&[("BASALT_LIMITS__QUERIES_RUNNING", "1")]).await;
    let (_, stream) = stream_of(&client, "s", "fp64").await;
    for from in (0..ROWS).step_by(BATCH as usize) {
        assert_eq!(client.ingest(ARROW, batch(stream, from)).await.body, json!({"rows": BATCH}));
    }
    // Everything in files, and nothing of all that in the memory of the process.
    server.restart().await;
    let client = server.client();
    let day = format!("/api/data/{stream}/value/?from={}&to={}", START / 1_000_000, START / 1_000_000 + 3600);
    assert_eq!(client.get(&day).await.body.as_array().map(Vec::len), Some(4 * 3600 + 1));

    let path = format!("/api/data/{stream}/value/?from=0");
    let before = server.reset_peak_memory();
    let reader = ResponseReader::open(&client, &path).await;
    // The first rows are here, and the list is far from its end: nobody has taken the rest. The only permit is free.
    assert_eq!(outcomes(&client).await.len(), 1, "the list still runs");
    let (rows, is_whole) = reader.finish().await;
    assert!(is_whole && ROWS - 1 <= rows as i64 && rows as i64 <= ROWS, "{rows} rows");
    if let (Some(before), Some(peak)) = (before, server.peak_memory_mib()) {
        println!("{rows} rows: {before} MiB before, {peak} MiB at most");
        assert!(peak <= before + MAX_GROWTH_MIB, "from {before} to {peak} MiB");
    }

    drop(ResponseReader::open(&client, &path).await);
    until!("the list nobody reads is cancelled", EVENT_TIMEOUT; outcomes(&client).await.len() == 3);
    let all = outcomes(&client).await;
    assert_eq!(all[1], json!({"outcome": "ok", "rows": ROWS}));
    assert_eq!(all[2]["outcome"], "cancelled");
    assert!(all[2]["rows"].as_i64().unwrap() < ROWS / 2, "reading ended with the reader: {all:?}");
    // The only permit is there for the next.
    assert_eq!(client.get(&day).await.body.as_array().map(Vec::len), Some(4 * 3600 + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_and_event_logs_are_streamed_too() {
    let (_server, client, _, stream) = with_stream("s", "fp64").await;
    // A statistic a minute.
    for from in (0..ROWS).step_by(BATCH as usize) {
        client.ingest(ARROW, batch(stream, from)).await.ok();
    }
    let list = format!("/api/data/{stream}/statistic/?from=0");
    let windows = ROWS * EVERY_US / 60_000_000;
    let (rows, is_whole) = ResponseReader::open(&client, &list).await.finish().await;
    assert!(is_whole && windows - 1 <= rows as i64 && rows as i64 <= windows + 1, "{rows} rows");

    let payload = "x".repeat(4096);
    for n in 0..60 {
        let event = json!({"kind": "long", "payload": {"n": n, "text": payload}});
        client.post("/api/event-log/", &event).await.created();
    }
    // Each event closes two braces, its own and its payload's.
    let (braces, is_whole) = ResponseReader::open(&client, "/api/event-log/?from=0").await.finish().await;
    assert!(is_whole && (118..=120).contains(&braces), "{braces}");
    let events = client.get("/api/event-log/?from=0").await.body;
    let numbers = events.as_array().unwrap().iter().map(|event| event["payload"]["n"].as_i64().unwrap());
    assert!(numbers.eq(0..60), "in order, each once");
}
