//! `cases/*.sql`, each with its answer beside it: the same from memory, from the lake, from both, and after a restart.
//!
//! A case is one statement; a line `-- params: …` gives its parameters. `BASALT_TEST_UPDATE=1` writes the answers anew.

use std::fs;
use std::path::{Path, PathBuf};

use basalt::domain::event::{EventSpec, Level};
use basalt::domain::reading::{Quality, Reading};
use basalt::domain::statistic::Statistic;
use basalt::domain::{DeviceId, Micros, StreamId};
use basalt::store::statistics::rows;
use serde_json::{Value, json};

use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv, message};
use crate::support::{Client, event, posted_minute};

/// Readings that the cases query: two numbers and a text over three days; some late, overwritten, bad or uncertain.
pub fn requests() -> Vec<Vec<Reading>> {
    let number = |stream, ts, value| Reading::good(StreamId(stream), Micros(ts), value);
    let text = |ts, text: &str| Reading { text: Some(text.into()), value: None, ..number(3, ts, 0.0) };
    let regular = (0..60).map(|m| number(1, NOW - 120 * MINUTE + m * MINUTE, m as f64 / 4.0)).collect();
    let days = (0..3)
        .flat_map(|d| (0..4).map(move |m| number(2, NOW - d * DAY - m * 30 * MINUTE, (10 * d + m) as f64)));
    let late = vec![number(1, NOW - 119 * MINUTE - 1, -1.5), number(1, NOW - 119 * MINUTE, 100.0)];
    let states = vec![
        text(NOW - 90 * MINUTE, "started"),
        text(NOW - 80 * MINUTE, "at \"full\" load, zürich"),
        text(NOW - 70 * MINUTE, ""),
    ];
    let lost = vec![
        Reading::lost(StreamId(2), Micros(NOW - DAY)),
        Reading::lost(StreamId(3), Micros(NOW - 60 * MINUTE)),
        Reading { quality: Quality::Uncertain, ..number(2, NOW, 0.25) },
    ];
    let twice = vec![number(1, NOW - 60 * MINUTE, 1.0), number(1, NOW - 60 * MINUTE, 2.0)];
    vec![regular, days.collect(), late, states, lost, twice]
}

pub async fn write(env: &TestEnv, db: &TestDb, flushes: bool) {
    for request in requests() {
        db.store.write(&env.owner, request.into_iter().collect()).await.unwrap();
        if flushes {
            db.store.flush().await.unwrap();
        }
    }
}

/// Rows of the other tables: statistics written by hand, messages and events.
async fn write_others(env: &TestEnv, db: &TestDb) {
    let row = |stream, ts, mean| {
        let row = posted_minute(StreamId(stream), Micros(ts), mean);
        Statistic { count: 2, min: Some(mean - 1.0), q3: Some(mean + 0.5), ..row }
    };
    let posted = rows::posted_rows(&[row(1, NOW - 118 * MINUTE, 7.0), row(2, NOW - 10 * MINUTE - 1, -0.25)]);
    db.store.upsert(&env.owner, posted).await.unwrap();
    for (ts, text) in [(NOW - 2 * DAY, "first"), (NOW - 30 * MINUTE, "\"second\""), (NOW - 29 * MINUTE, "")] {
        let message = message(DeviceId(1), Micros(ts), text);
        db.store.upsert(&env.owner, message).await.unwrap();
    }
    for (n, (kind, level)) in [("alarm", Level::Critical), ("note", Level::Info)].into_iter().enumerate() {
        let payload = json!({"n": n}).as_object().unwrap().clone();
        let stream = (n == 0).then_some(StreamId(2));
        let event = event(DeviceId(1), stream, kind, Micros(NOW - n as i64 * DAY));
        let event = EventSpec { level, message: format!("event {n}"), payload, ..event };
        env.catalog.events.create_event(&env.owner, event).await.unwrap();
    }
}

/// A client of it that may do everything.
pub async fn client(env: &TestEnv, db: &TestDb) -> Client {
    let request = basalt::app::access::KeyRequest { name: "all".to_owned(), ..Default::default() };
    let (_, secret) = db.app().access.create_key(&env.owner, &request).await.unwrap();
    db.serve().await.with_key(&secret)
}

fn cases() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql/cases");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "sql"));
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    files
}

/// A line a row, or the refusal.
async fn answer(client: &Client, case: &Path) -> String {
    let query = fs::read_to_string(case).unwrap();
    let params = query.lines().find_map(|line| line.strip_prefix("-- params: "));
    let params: Value = params.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let body = json!({"query": query, "params": params}).to_string();
    let (status, bytes) = client.send_bytes("POST", "/sql", &headers, body).await.outcome();
    let text = String::from_utf8(bytes).unwrap();
    if status == 200 { text } else { format!("{status} {text}\n") }
}

async fn check(client: &Client, stage: &str) {
    for case in cases() {
        let found = answer(client, &case).await;
        let expected = fs::read_to_string(case.with_extension("result")).unwrap_or_default();
        let name = case.file_name().unwrap().to_string_lossy();
        assert!(found == expected, "{name}, {stage}\n--- got\n{found}--- expected\n{expected}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_answers_the_same_from_memory_from_the_lake_and_after_a_restart() {
    let (env, dir, db) = TestEnv::open_new(3).await;
    write(&env, &db, false).await;
    write_others(&env, &db).await;
    let asking = client(&env, &db).await;
    if std::env::var_os("BASALT_TEST_UPDATE").is_some() {
        for case in cases() {
            fs::write(case.with_extension("result"), answer(&asking, &case).await).unwrap();
        }
    }
    check(&asking, "in memory").await;
    db.store.flush().await.unwrap();
    check(&asking, "in the lake").await;
    drop((asking, db));
    let db = env.open_local(dir.path()).await;
    check(&client(&env, &db).await, "after a restart").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_answers_the_same_from_files_that_overlap() {
    let (env, dir, db) = TestEnv::open_new(3).await;
    write(&env, &db, true).await;
    write_others(&env, &db).await;
    db.store.flush().await.unwrap();
    check(&client(&env, &db).await, "a flush after each request").await;
    db.store.compute_statistics().await.unwrap();
    check(&client(&env, &db).await, "with statistics").await;
    // The same rows once more, in memory over those of the lake.
    write(&env, &db, false).await;
    check(&client(&env, &db).await, "memory over the lake").await;
    drop(db);
    let db = env.open_local(dir.path()).await;
    check(&client(&env, &db).await, "replayed over the lake").await;
}
