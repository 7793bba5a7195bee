//! polars and DuckDB read the lake as a Delta table while the server runs, and see what the server says.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Server, eventually, run_python, until};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;
const DAY: i64 = 86_400;

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Rows as the peers print them: `[stream_id, epoch microseconds, value, text, quality, seq]`.
async fn by_server(client: &Client) -> Value {
    let query = "SELECT stream_id, CAST(ts AS BIGINT) AS ts, value, text, quality, seq FROM readings \
        ORDER BY stream_id, ts";
    let rows = client.sql(query).await;
    let columns = ["stream_id", "ts", "value", "text", "quality", "seq"];
    rows.iter().map(|row| columns.iter().map(|c| row[*c].clone()).collect::<Value>()).collect()
}

/// Posts `count` readings of a stream, a second apart, and waits until they are flushed.
async fn write(server: &Server, stream: i64, from: i64, count: i64, value: f64) {
    let before = commits(server);
    let line = |i| json!({"stream_id": stream, "ts": from + i, "value": value + i as f64}).to_string() + "\n";
    server.client().ingest(NDJSON, (0..count).map(line).collect::<String>()).await.ok();
    until!("a flush", EVENT_TIMEOUT; commits(server) > before);
}

/// Versions of the Delta table so far.
fn commits(server: &Server) -> usize {
    let log = std::fs::read_dir(format!("{}/_delta_log", server.data_dir.lake()));
    let is_commit = |name: &std::ffi::OsStr| Path::new(name).extension().is_some_and(|e| e == "json");
    log.map_or(0, |entries| entries.filter_map(Result::ok).filter(|e| is_commit(&e.file_name())).count())
}

async fn read(server: &Server) -> Value {
    run_python("read_lake.py", &[&server.data_dir.lake()]).await
}

#[tokio::test]
async fn polars_and_duckdb_agree_with_sql_on_late_and_overwritten_rows() {
    let (server, client) = Server::with_client(&[("BASALT_FLUSH__AGE", "50ms")]).await;
    let (_, a) = stream_of(&client, "a", "fp64").await;
    let (_, b) = stream_of(&client, "b", "fp64").await;
    let (_, text) = stream_of(&client, "t", "text").await;
    write(&server, a, NOON, 1000, 0.0).await;
    write(&server, b, NOON - DAY, 500, 0.5).await;
    // Over what is flushed, half of it; then older than anything flushed of that day; then over both.
    write(&server, a, NOON + 500, 1000, 10_000.0).await;
    write(&server, a, NOON - 300, 200, 20_000.0).await;
    write(&server, a, NOON - 150, 400, 30_000.0).await;
    let rest = format!(
        "stream_id,ts,value,text,quality\n{text},{NOON},,größer ☃,good\n{b},{NOON},,,bad\n{b},{},1.25,,uncertain\n",
        NOON - DAY + 7
    );
    client.ingest("text/csv", rest).await.ok();
    write(&server, b, NOON + DAY, 10, -1.0).await;

    let expected = by_server(&client).await;
    let seen = eventually("the lake has it all", EVENT_TIMEOUT, || async {
        Some(read(&server).await)
            .filter(|seen| seen["polars"].as_array().map(Vec::len) == expected.as_array().map(Vec::len))
    })
    .await;
    assert_eq!(seen["polars"], expected, "polars");
    assert_eq!(seen["duckdb"], expected, "DuckDB");
    assert_eq!(expected.as_array().map(Vec::len), Some(1000 + 500 + 500 + 300 + 2 + 10), "distinct times");
    let files = &seen["files"];
    assert!(files.as_array().expect("a list").len() >= 7, "one file a flush and day: {files}");
}

#[tokio::test]
async fn the_lake_is_whole_at_every_moment_of_writing() {
    let (server, client) = Server::with_client(&[("BASALT_FLUSH__AGE", "20ms")]).await;
    let (_, stream) = stream_of(&client, "s", "fp64").await;
    write(&server, stream, NOON, 10, 0.0).await;
    let writing = tokio::spawn(async move {
        for second in 10.. {
            // Ten rows a request, so that a request seen in part would show.
            let line =
                |i| json!({"stream_id": stream, "ts": NOON + second * 10 + i, "value": second}).to_string();
            let body = (0..10).map(line).collect::<Vec<_>>().join("\n");
            client.ingest(NDJSON, body).await.ok();
            // The readers need processors too; a flush takes what a few requests wrote.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut before = 0;
    for _ in 0..3 {
        let seen = read(&server).await;
        for peer in ["polars", "duckdb"] {
            let rows = seen[peer].as_array().unwrap_or_else(|| panic!("{peer} sees nothing"));
            assert_eq!(rows.len() % 10, 0, "{peer}: a request is in the lake whole or not at all");
        }
        let now = seen["polars"].as_array().map_or(0, Vec::len);
        assert!(now >= before, "rows that were there are gone: {before}, then {now}");
        before = now;
    }
    assert!(before > 10, "the lake grows while it is read");
    assert!(!writing.is_finished(), "writing goes on");
    writing.abort();
}
