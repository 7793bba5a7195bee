//! Hostile input: texts and files of the lake.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use basalt::domain::Clock;
use basalt::domain::time::SystemClock;
use basalt::store::schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};

use super::AttackedServer;
use crate::ingest::{NDJSON, PARQUET};
use crate::rest::stream_of;
use crate::support::{Client, Server, rows, sized};

/// Bytes of a long text; a stored one may have 1 MiB.
const LONG: usize = 1_000_000;
/// Rows of a request, which may hold 64 MiB.
const ROWS_EACH: usize = 40;
/// 2026-03-01T00:00:00Z, microseconds.
const DAY_START_US: i64 = 1_772_323_200_000_000;
/// Memory that statements about texts may add to the server's, MiB, in a build without optimisation: a share of
/// 128 MB, and what is decoded and put together beside it.
const MAX_ADDED_MIB: u64 = 320;

/// Texts of one stream, a second each, as a small file: what repeats packs well.
fn texts(stream: i64, first: usize, text: impl Fn(usize) -> String) -> Vec<u8> {
    let rows = first..first + ROWS_EACH;
    let times = rows.clone().map(|i| DAY_START_US + i as i64 * 1_000_000);
    let batch = RecordBatch::try_from_iter([
        ("stream_id", Arc::new(Int32Array::from_value(stream as i32, ROWS_EACH)) as _),
        ("ts", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")) as _),
        ("text", Arc::new(StringArray::from_iter_values(rows.map(text))) as _),
    ]);
    let batch = batch.expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a file");
    writer.write(&batch).expect("written");
    writer.close().expect("finished");
    bytes
}

/// How many requests of texts: a hundred megabytes, or as a whole more than offsets of 31 bits tell.
fn requests() -> usize {
    sized(2, 60)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_texts_are_merged_and_read_within_memory() {
    let attacked = AttackedServer::start(&[]).await;
    let (server, client) = (&attacked.server, attacked.server.client());
    let (_, equal) = stream_of(&client, "equal", "text").await;
    let (_, different) = stream_of(&client, "different", "text").await;
    for request in 0..requests() {
        let first = request * ROWS_EACH;
        let same = texts(equal, first, |_| "x".repeat(LONG));
        let each = texts(different, first, |i| format!("{}{i:>9}", " ".repeat(LONG - 9)));
        for body in [same, each] {
            client.ingest(PARQUET, body).await.ok();
        }
    }
    let before = server.reset_peak_memory();
    let compacted = server.basalt(&["compact"]).await;
    assert_eq!(compacted.code, Some(0), "{}", compacted.stderr);
    let rows = (requests() * ROWS_EACH) as i64;
    for stream in [equal, different] {
        read(&client, stream, rows).await;
    }
    let after = server.peak_memory_mib();
    if let (Some(before), Some(after)) = (before, after) {
        let is_bounded = after < before + MAX_ADDED_MIB;
        assert!(is_bounded, "{before} MiB before merging and reading, {after} at most then");
    }
    attacked.finish().await;
}

/// Every way of reading texts answers, or says which limit it met; one row can always be had.
async fn read(client: &Client, stream: i64, rows: i64) {
    let of = format!("FROM readings WHERE stream_id = {stream}");
    let length = json!([{ "n": LONG }]);
    for (statement, expected) in rows![
        format!("SELECT length(text) AS n {of} LIMIT 1"), length.clone();
        format!("SELECT max(length(text)) AS n {of}"), length.clone();
        format!("SELECT length(max(text)) AS n {of}"), length.clone();
        format!("SELECT length(text) AS n {of} ORDER BY ts DESC LIMIT 1"), length.clone();
        format!("SELECT length(text) AS n {of} ORDER BY text, ts LIMIT 1"), length.clone();
        format!("SELECT count(*) AS n {of} AND text NOT LIKE '%y%'"), json!([{ "n": rows }]);
        format!("SELECT count(*) AS n {of} AND ts > TIMESTAMP '2026-03-01 00:00:09' AND text <> ''"), json!([{ "n": rows - 10 }]);
    ] {
        client.try_sql(&statement).await.is(200, &expected);
    }
    for statement in [
        format!("SELECT text, count(*) {of} GROUP BY text LIMIT 1"),
        format!("SELECT ts, text {of} ORDER BY text"),
        format!("SELECT array_agg(text) {of}"),
    ] {
        let (status, answer) =
            client.try_sql(&format!("SELECT count(*) AS n FROM ({statement})")).await.outcome();
        let limit = answer["detail"].as_str().is_some_and(|detail| detail.contains("limits."));
        assert!(status == 200 || limit, "{statement}: {status} {answer}");
    }
    let (status, values) = client.get(&format!("/api/data/{stream}/value/?limit=3")).await.outcome();
    let values = values.as_array().expect("a list").iter();
    let lengths: Vec<usize> = values.map(|v| v["value"].as_str().map_or(0, str::len)).collect();
    assert_eq!((status, lengths), (200, vec![LONG; 3]), "the list of values");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_too_long_is_refused_by_its_row() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, stream) = stream_of(&client, "t", "text").await;
    let text = "x".repeat((1 << 20) + 1);
    let line = |text: &str| json!({ "stream_id": stream, "ts": 1_772_323_200, "text": text }).to_string();
    client.ingest(NDJSON, line(&text)).await.refused(400, "at most 1048576");
    let answer = client.post(&format!("/api/data/{stream}/value/"), &json!({ "value": text })).await;
    answer.refused(400, "at most 1048576");
    client.ingest(NDJSON, line(&text[1..])).await.ok();
}

/// The files of a day of readings.
fn files(data: &Path) -> Vec<PathBuf> {
    let days = fs::read_dir(data.join("lake/readings")).expect("a lake");
    let days = days.map(|day| day.expect("a day").path());
    let day =
        days.filter(|day| day.ends_with("date=2026-03-01")).map(|day| fs::read_dir(day).expect("files"));
    day.flatten().map(|file| file.expect("a file").path()).collect()
}

/// 64 bytes in the middle of the values become others.
fn invert(file: &Path) {
    let reader = SerializedFileReader::new(fs::File::open(file).expect("a file")).expect("a footer");
    let (start, length) = reader.metadata().row_group(0).column(schema::VALUE).byte_range();
    let mut bytes = fs::read(file).expect("bytes");
    let middle = (start + length / 2) as usize;
    bytes[middle..middle + 64].iter_mut().for_each(|byte| *byte ^= 0xff);
    fs::write(file, bytes).expect("written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_page_is_an_error_on_every_surface_and_names_its_file() {
    let (mut server, client) = Server::with_client(&[("BASALT_COMPACTION__INTERVAL", "1h")]).await;
    let (_, damaged) = stream_of(&client, "damaged", "fp64").await;
    let (_, whole) = stream_of(&client, "whole", "fp64").await;
    let line = |stream, i: i64| {
        let value = (i as f64).sqrt();
        format!("{{\"stream_id\":{stream},\"ts\":{},\"value\":{value}}}\n", DAY_START_US / 1_000_000 + i)
    };
    let rows: String = (0..3000).map(|i| line(damaged, i)).collect();
    client.ingest(NDJSON, rows).await.ok();
    server.restart().await;
    let file = files(server.data_dir.path()).pop().expect("one file");
    let rows: String = (70_000..73_000).map(|i| line(whole, i)).collect();
    client.ingest(NDJSON, rows).await.ok();
    server.stop().await;
    invert(&file);
    server.start_again().await;
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let path = format!("date=2026-03-01/{name}");
    let names_it =
        |what: &str, answer: &Value| assert!(answer.to_string().contains(&path), "{what}: {answer}");

    for statement in ["sum(value)", "sum(value + 0)", "max(value)"] {
        let answer =
            client.try_sql(&format!("SELECT {statement} FROM readings WHERE stream_id = {damaged}")).await;
        let answer = answer.expect(503);
        names_it(statement, &answer);
    }
    let statistics = format!("SELECT * FROM statistics WHERE stream_id = {damaged}");
    let answer = client.try_sql(&statistics).await.expect(503);
    names_it("statistics by SQL", &answer);
    for list in ["value", "statistic"] {
        let answer = client.get(&format!("/api/data/{damaged}/{list}/")).await.expect(503);
        names_it(list, &answer);
    }
    let query = format!("{{ stream(rowId: {damaged}) {{ values(first: 3000) {{ nodes {{ value }} }} }} }}");
    let answer = client.post("/graphql", &json!({ "query": query })).await.body;
    assert!(answer["errors"].is_array(), "{answer}");
    names_it("GraphQL", &answer);
    let compacted = server.basalt(&["compact"]).await;
    assert!(compacted.code != Some(0) && compacted.stderr.contains(&path), "{compacted:?}");

    let sum = format!("SELECT sum(value) > 0 AS is FROM readings WHERE stream_id = {whole}");
    assert_eq!(client.sql(&sum).await, [json!({ "is": true })], "other files are read");
    server.stop().await;
    let verified = server.basalt(&["verify"]).await;
    let all = format!("{}{}", verified.stdout, verified.stderr);
    assert!(verified.code != Some(0) && all.contains(&name) && all.contains("column value"), "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_stay_from_the_moment_a_policy_takes_their_readings() {
    let (mut server, client) = Server::with_client(&[("BASALT_COMPACTION__INTERVAL", "1h")]).await;
    let (_, stream) = stream_of(&client, "s", "fp64").await;
    let minute = (SystemClock.now().0 / 60_000_000 - 5 * 24 * 60) * 60;
    let rows: String = [1, 2, 6]
        .map(|i| format!("{{\"stream_id\":{stream},\"ts\":{},\"value\":{i}}}\n", minute + i))
        .concat();
    client.ingest(NDJSON, rows).await.ok();
    let iso = |seconds: i64| {
        let ts = basalt::domain::Micros(seconds * 1_000_000);
        ts.to_iso()
    };
    let range = format!("from: \"{}\", to: \"{}\"", iso(minute), iso(minute + 60));
    let look = async || {
        let list = client.get(&format!("/api/data/{stream}/statistic/")).await;
        let all = client.get("/api/statistic/").await;
        let statement =
            format!("SELECT ts, count, mean, median, max FROM statistics WHERE stream_id = {stream}");
        let rows = client.sql(&statement).await;
        let query = |step: &str| {
            let fields = "ts count mean min max";
            json!({ "query": format!("{{ stream(rowId: {stream}) {{ statistics({range}, step: \"{step}\") {{ {fields} }} }} }}") })
        };
        let (minute, hour) = (query("PT1M"), query("PT1H"));
        let steps = [client.post("/graphql", &minute).await.body, client.post("/graphql", &hour).await.body];
        (list.body, all.body, rows, steps)
    };
    let before = look().await;
    assert_eq!((before.0[0]["mean"].as_f64(), before.2.len()), (Some(3.0), 1), "{before:?}");
    assert!(before.3[0]["data"]["stream"]["statistics"][0]["mean"] == json!(3.0), "{before:?}");
    let policy = json!({ "hypertable": "core_value", "drop_after_days": 1 });
    client.post(&format!("/api/data/{stream}/policy/retention/"), &policy).await.created();
    let values = client.get(&format!("/api/data/{stream}/value/")).await.body;
    assert_eq!(values, json!([]), "readings have expired at once");
    // Readings that have expired are told by no finer steps.
    let seconds =
        format!("{{ stream(rowId: {stream}) {{ statistics({range}, step: \"PT1S\") {{ mean }} }} }}");
    for moment in ["at once", "flushed", "computed"] {
        match moment {
            "flushed" => server.restart().await,
            "computed" => drop(server.basalt(&["compact"]).await.expect_success()),
            _ => {}
        }
        assert_eq!(look().await, before, "{moment}");
        let answer = client.post("/graphql", &json!({ "query": seconds })).await.body;
        assert_eq!(answer["data"]["stream"]["statistics"], json!([]), "{moment}: {answer}");
    }
}
