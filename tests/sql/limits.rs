//! Row cap, timeout, queue: a clear refusal while nothing was sent, a cut connection after.

use std::time::Duration;

use super::{answers, open};
use crate::in_process::TestEnv;
use crate::support::{rows, until};

/// Long enough for anything that must come, on a busy machine too.
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_past_the_row_cap_is_refused_or_cut_but_never_looks_whole() {
    let (env, db, _dir) = open(1, |o| o.max_rows = 20_000).await;
    let client = answers::client(&env, &db).await;
    let rows = |n: u32| format!("SELECT value FROM generate_series(1, {n})");
    assert_eq!(client.sql(&rows(20_000)).await.len(), 20_000);
    for (name, n) in [("just past it", 20_001), ("far past it", 5_000_000)] {
        for accept in ["application/json", "text/csv", "application/vnd.apache.arrow.stream"] {
            let headers = [("accept", accept), ("content-type", "text/plain")];
            match client.try_send_bytes("POST", "/sql", &headers, rows(n)).await {
                Err(_) => {}
                Ok(answer) => {
                    let (status, bytes) = answer.outcome();
                    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
                    let is_refused = status == 413 && text.contains("20000 rows");
                    assert!(is_refused, "{name}, {accept}: {status} {text}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_runs_too_long_is_ended() {
    let (env, db, _dir) = open(1, |o| o.timeout = Duration::from_millis(300)).await;
    let client = answers::client(&env, &db).await;
    for query in [
        "SELECT count(*) FROM generate_series(1, 1000) a, generate_series(1, 1000000) b WHERE a * b < 0",
        "SELECT sum(a) FROM generate_series(1, 10000000000) a",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    ] {
        client.try_sql(query).await.refused(504, "longer than 0.3 s");
    }
    // The threads are free again. On a busy machine even this may take longer than it may.
    until!("another is answered", EVENT_TIMEOUT; client.try_sql("SELECT 1").await.status == 200);
}

/// One batch of this join is minutes of work in a debug build, during which the operator never yields.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_never_yields_is_given_up() {
    let limit = Duration::from_millis(100);
    let (env, db, _dir) = open(1, |o| (o.timeout, o.queue_deadline) = (limit, limit)).await;
    let query =
        "SELECT count(*) FROM generate_series(1, 15000) a, generate_series(1, 15000) b WHERE a * b < 0";
    let answer = db.try_sql(&env.owner, query, &serde_json::Value::Null);
    let error = tokio::time::timeout(Duration::from_secs(60), answer).await.expect("given up").unwrap_err();
    assert_eq!(error.kind, basalt::domain::Kind::Timeout, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_takes_too_much_memory_is_refused() {
    let (env, db, _dir) = open(1, |o| o.memory_bytes = 4 << 20).await;
    let client = answers::client(&env, &db).await;
    let query = "SELECT array_agg(value) FROM generate_series(1, 30000000)";
    client.try_sql(query).await.refused(413, "more memory");
}

/// They would take memory that no pool counts; the table function `generate_series` streams and stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_that_make_gigabytes_of_a_number_are_refused() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    let client = answers::client(&env, &db).await;
    for call in rows![
        "repeat('x', 2000000000)"; "lpad('x', 2000000000)"; "rpad('x', 2000000000)";
        "array_repeat(1, 1000000000)"; "list_repeat(1, 1000000000)"; "array_resize([1], 1000000000)";
        "list_resize([1], 1000000000)"; "range(1, 1000000000)";
    ] {
        let answer = client.try_sql(&format!("SELECT {call} IS NULL AS x")).await.expect(400);
        let is_told = ["Invalid function", "at most 1000 characters"]
            .iter()
            .any(|why| answer.to_string().contains(why));
        assert!(is_told, "{call}: {answer}");
    }
}

/// A query that may take long gives its place up between planning and execution, and whoever asks then has it. So nobody
/// asks before rows of the join are held, which is during its execution.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_at_once_and_a_client_that_leaves_frees_its_place() {
    let (env, db, _dir) = open(1, |o| (o.max_running, o.max_waiting) = (1, 0)).await;
    let client = answers::client(&env, &db).await;
    let endless = "SELECT sum(a + b) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b";
    let (holder, owner) = (db.clone(), env.owner.clone());
    let running =
        tokio::spawn(async move { holder.try_sql(&owner, endless, &serde_json::Value::Null).await });
    until!("the query is executed", EVENT_TIMEOUT; db.engine.memory_in_use() > 0);
    let (status, headers, answer) = client.try_sql("SELECT 1").await.into_parts();
    assert!(status == 503 && headers.contains_key("retry-after"), "{status} {answer}");
    // Who has waited is told that too many run.
    assert!(answer.to_string().contains("too many queries are waiting"), "at once: {answer}");
    running.abort();
    until!("the place is free", EVENT_TIMEOUT; client.try_sql("SELECT 1").await.status == 200);
}
