//! The memory of queries: a share each, one pool for all, and all of it given back, however a query ends.

use std::ops::Range;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use basalt::domain::reading::Reading;
use basalt::domain::{Kind, Micros, StreamId};
use basalt::query::engine::QueryOutput;
use futures::TryStreamExt;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{answers, open};
use crate::in_process::{TestDb, TestEnv};
use crate::support::until;

/// Rows of about 60 bytes, sorted from the last to the first.
fn sorted(rows: u32) -> String {
    let filler = "x".repeat(40);
    format!(
        "SELECT value, CAST(value AS VARCHAR) || '{filler}' AS filler FROM generate_series(1, {rows}) ORDER BY value DESC"
    )
}

/// Holds its left side while it reads the right one for ever.
const ENDLESS_QUERY: &str =
    "SELECT count(*) FROM generate_series(1, 10000) a JOIN generate_series(1, 1000000000000) b ON a = b";
const HUGE_AGGREGATE_QUERY: &str = "SELECT array_agg(value) FROM generate_series(1, 30000000)";

/// Starts a query and reads its first batch; the rest waits, and with it the memory it holds.
async fn begin(env: &TestEnv, db: &TestDb, query: &str) -> (QueryOutput, RecordBatch) {
    let mut answer = db.query_stream(&env.owner, query, &Value::Null).await.unwrap();
    let first = answer.batches.try_next().await.unwrap().unwrap();
    assert!(db.engine.memory_in_use() > 0, "{query} holds memory while it is read");
    (answer, first)
}

async fn wait_for_release(db: &TestDb) {
    until!("memory and permits are given back", Duration::from_secs(20);
        is_back = db.engine.memory_in_use() == 0 && db.engine.running_queries() == 0; is_back);
}

async fn last_outcome(env: &TestEnv, db: &TestDb) -> Value {
    let query = "SELECT outcome FROM query_log ORDER BY started_at DESC LIMIT 1";
    db.sql(&env.owner, query).await[0]["outcome"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_reading_gives_back_what_his_query_holds() {
    let (env, db, _dir) = open(1, |o| o.max_running = 2).await;
    let (answer, _) = begin(&env, &db, &sorted(300_000)).await;
    drop(answer);
    wait_for_release(&db).await;
    assert_eq!(last_outcome(&env, &db).await, "cancelled");
    // Also before there is an answer.
    let (holder, owner) = (db.clone(), env.owner.clone());
    let task = tokio::spawn(async move { holder.try_sql(&owner, ENDLESS_QUERY, &Value::Null).await });
    until!("the query holds memory", Duration::from_secs(20); db.engine.memory_in_use() > 0);
    task.abort();
    wait_for_release(&db).await;
    assert_eq!(last_outcome(&env, &db).await, "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_socket_gives_back_what_its_query_holds() {
    let (env, db, _dir) = open(1, |o| o.max_running = 2).await;
    let client = answers::client(&env, &db).await;
    let query = sorted(400_000);
    let mut socket = tokio::net::TcpStream::connect(client.address()).await.unwrap();
    let request = format!(
        "POST /sql HTTP/1.1\r\nhost: x\r\nauthorization: ApiKey {}\r\naccept: text/csv\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{query}",
        client.key().unwrap(),
        query.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut begun = [0; 1000];
    socket.read_exact(&mut begun).await.unwrap();
    assert!(begun.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&begun));
    assert!(db.engine.memory_in_use() > 0, "the answer is larger than what sockets hold");
    drop(socket);
    wait_for_release(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_past_its_share_fails_while_another_runs_on() {
    let (env, db, _dir) = open(1, |o| (o.memory_bytes, o.share_bytes) = (96 << 20, 48 << 20)).await;
    let (answer, first) = begin(&env, &db, &sorted(200_000)).await;
    let error = db.try_sql(&env.owner, HUGE_AGGREGATE_QUERY, &Value::Null).await.unwrap_err();
    assert_eq!(error.kind, Kind::TooLarge, "{error}");
    assert!(error.message.contains("limits.query_share"), "{error}");
    let rest: Vec<RecordBatch> = answer.batches.try_collect().await.unwrap();
    check_sorted(&[vec![first], rest].concat(), 200_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_finds_the_pool_taken_is_told_to_come_again() {
    let (env, db, _dir) = open(1, |o| (o.memory_bytes, o.share_bytes) = (64 << 20, 64 << 20)).await;
    let (holder, owner) = (db.clone(), env.owner.clone());
    let first_query = tokio::spawn(async move { holder.try_sql(&owner, ENDLESS_QUERY, &Value::Null).await });
    // Its left side has 80,000 bytes of rows. What it holds beyond them is the hash table, which it takes last: from
    // then on it needs no more.
    until!("the hash table is there", Duration::from_secs(60); db.engine.memory_in_use() > 90_000);
    let error = db.try_sql(&env.owner, HUGE_AGGREGATE_QUERY, &Value::Null).await.unwrap_err();
    assert_eq!(error.kind, Kind::Busy, "{error}");
    assert!(error.message.contains("limits.query_memory"), "{error}");
    assert!(!first_query.is_finished(), "who held it first runs on");
    first_query.abort();
    wait_for_release(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sort_larger_than_its_share_spills_and_answers_right() {
    const ROWS: usize = 600_000;
    const SHARE: usize = 16 << 20;
    let (env, db, _dir) = open(1, |o| o.share_bytes = SHARE).await;
    let query = sorted(ROWS as u32);
    let answer = db.query_stream(&env.owner, &query, &Value::Null).await.unwrap();
    let batches: Vec<RecordBatch> = answer.batches.try_collect().await.unwrap();
    check_sorted(&batches, ROWS);
    let bytes: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    assert!(bytes > 2 * SHARE, "{bytes} bytes do not fit in {SHARE}");
    let log = db.sql(&env.owner, "SELECT peak_memory, rows FROM query_log ORDER BY started_at LIMIT 1").await;
    let peak = log[0]["peak_memory"].as_u64().unwrap() as usize;
    assert!(0 < peak && peak <= SHARE, "{log:?}");
    assert_eq!(log[0]["rows"], ROWS);
    wait_for_release(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_with_late_rows_is_read_however_much_of_it_is_in_memory() {
    const ROWS: i64 = 1_200_000;
    const SHARE: usize = 16 << 20;
    let (env, db, _dir) = open(2, |o| o.share_bytes = SHARE).await;
    let write = async |times: Range<i64>| {
        let row = |i: i64| Reading::good(StreamId(1), Micros(i * 1000), i as f64);
        db.store.write(&env.owner, times.map(row).collect()).await.unwrap();
    };
    write(1000..2000).await;
    db.store.flush().await.unwrap();
    for start in (0..ROWS).step_by(100_000) {
        write(start..start + 100_000).await;
    }
    // Of stream, time and value, which is what is read.
    let bytes = usize::try_from(ROWS).unwrap() * (4 + 8 + 8);
    assert!(bytes > SHARE, "{bytes} bytes fit in {SHARE}");
    let found = db.sql(&env.owner, "SELECT count(*) AS rows, sum(value) AS sum FROM readings").await;
    assert_eq!(found[0]["rows"], ROWS);
    assert_eq!(found[0]["sum"], (ROWS * (ROWS - 1) / 2) as f64);
    wait_for_release(&db).await;
}

/// Every number once, from the last to the first.
fn check_sorted(batches: &[RecordBatch], rows: usize) {
    let values = batches.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec());
    assert!(values.eq((1..=rows as i64).rev()));
}
