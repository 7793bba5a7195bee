//! The query log: a record for every query, and what is in it.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{answers, open};
use crate::in_process::{NOW, TestEnv};
use crate::support::rows;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_leaves_a_record_with_what_became_of_it() {
    let limits = (1 << 20, Duration::from_secs(2));
    let (env, db, _dir) = open(3, |o| (o.share_bytes, o.timeout) = limits).await;
    answers::write(&env, &db, true).await;
    let client = answers::client(&env, &db).await;
    let statements = rows![
        "SELECT 'a secret' AS x FROM readings", 200, "ok", Value::Null;
        "SELECT count(*) AS n FROM readings WHERE stream_id = 1", 200, "ok", json!(1);
        "", 400, "invalid", json!(0);
        "SELEC 1", 400, "invalid", json!(0);
        "SELECT array_agg(value) FROM generate_series(1, 30000000)", 413, "too_large", json!(0);
        "SELECT count(*) FROM generate_series(1, 1000) a, generate_series(1, 1000000) b WHERE a * b < 0", 504,
            "timeout", json!(0);
    ];
    for (query, status, _, _) in &statements {
        client.try_sql(query).await.expect(*status);
    }
    let lists = [
        ("/api/data/1/value/?limit=1", 1),
        ("/api/data/1/value/?limit=7", 7),
        ("/api/value/?data=1&start=2026-04-28T10:00:00Z&limit=5", 5),
    ];
    for (path, rows) in &lists {
        let body = client.get(path).await.ok();
        assert_eq!(body.as_array().map(Vec::len), Some(*rows), "{path}: {body}");
    }
    let log = client.sql("SELECT * FROM query_log ORDER BY started_at").await;
    assert_eq!(log.len(), statements.len() + lists.len(), "{log:#?}");
    for ((query, _, outcome, rows), row) in statements.iter().zip(&log) {
        assert_eq!(row["outcome"], *outcome, "{query}: {row}");
        assert_eq!(row["text_hash"], hex::encode(Sha256::digest(query)), "{query}: {row}");
        assert_eq!(row["surface"], "sql", "{query}: {row}");
        assert!(rows.is_null() || row["rows"] == *rows, "{query}: {row}");
    }
    for ((path, rows), row) in lists.iter().zip(&log[statements.len()..]) {
        assert_eq!((&row["outcome"], &row["surface"]), (&json!("ok"), &json!("values")), "{path}: {row}");
        assert_eq!((&row["rows"], &row["text_hash"]), (&json!(rows), &Value::Null), "{path}: {row}");
    }
    for row in &log {
        assert!(row["principal"].as_str().unwrap().starts_with("key:"), "{row}");
        assert!(row["started_at"].as_str().unwrap().starts_with("2026-04-28T12:00:0"), "{NOW}: {row}");
        assert!(row["wait_ms"].as_f64().unwrap() >= 0.0, "{row}");
        // A list that memory answers runs nothing.
        let is_run = row["run_ms"].as_f64().unwrap() > 0.0;
        assert_eq!(is_run, row["surface"] == "sql" || row["rows"] != 1, "{row}");
    }
    assert!(!format!("{log:?}").contains("secret"), "{log:#?}");
}

/// One stream of one day is asked for: other days' files are left out, and of its own only what is needed is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_of_the_lake_is_counted() {
    let (env, _dir, db) = TestEnv::open_new(3).await;
    answers::write(&env, &db, true).await;
    let files = db.store.snapshot().lake.files().count() as u64;
    let ask = async |query: &str| {
        db.sql(&env.owner, query).await;
        let log = "SELECT * FROM query_log ORDER BY started_at DESC LIMIT 1";
        let row = db.sql(&env.owner, log).await.remove(0);
        ["files_scanned", "files_pruned", "bytes_scanned"].map(|name| row[name].as_u64().unwrap())
    };
    let [scanned, pruned, bytes] = ask("SELECT * FROM readings").await;
    assert_eq!((scanned, pruned), (files, 0));
    assert!(bytes > 0);
    let narrow = "SELECT ts FROM readings WHERE stream_id = 2 AND ts < '2026-04-27T00:00:00Z'";
    let [fewer, more, less] = ask(narrow).await;
    assert!(0 < fewer && fewer < scanned, "{fewer} of {scanned}");
    assert_eq!(fewer + more, files);
    assert!(0 < less && less < bytes, "{less} of {bytes}");
    assert_eq!(ask("SELECT * FROM readings WHERE stream_id = 99").await, [0, files, 0]);
    assert_eq!(ask("SELECT 1").await, [0, 0, 0]);
}
