//! A real data set, imported: every way to ask agrees with an independent computation, before a flush and after, and
//! over restarts of both kinds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::parquet_files;
use crate::support::{Client, DataDir, Server, eventually, run_python};

const FILE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/nab/ambient_temperature_system_failure.csv");

const IMPORT: [&str; 7] = ["import", FILE, "--device", "Office", "--name", "temperature", "--create"];

#[tokio::test]
async fn imported_beside_a_server_everything_agrees_before_and_after_flush_and_restart() {
    let mut server = Server::start(&[]).await;
    let output = server.basalt(&IMPORT).await.expect_success();
    assert!(output.contains("7267 rows"), "{output}");
    assert_eq!(parquet_files(Path::new(&server.data_dir.lake())), 0, "not flushed yet");
    agree(&server.client(), "from memory").await;
    server.crash().await;
    agree(&server.client(), "from the log, after a crash").await;
    server.restart().await;
    assert!(parquet_files(Path::new(&server.data_dir.lake())) > 0, "a stop flushes");
    agree(&server.client(), "from the lake, after a stop").await;
    server.basalt(&IMPORT).await.expect_success();
    agree(&server.client(), "imported twice").await;
}

#[tokio::test]
async fn flushed_by_age_everything_agrees() {
    let server = Server::start(&[("BASALT_FLUSH__AGE", "100ms")]).await;
    server.basalt(&IMPORT).await.expect_success();
    let lake = server.data_dir.lake();
    let flushed = || async { (parquet_files(Path::new(&lake)) > 0).then_some(()) };
    eventually("a flush by age", Duration::from_secs(30), flushed).await;
    agree(&server.client(), "from the lake").await;
}

#[tokio::test]
async fn imported_without_a_server_everything_agrees() {
    let home = Arc::new(DataDir::new());
    home.basalt(&["org", "create", "unused"]).await.expect_success();
    home.basalt(&IMPORT).await.expect_success();
    agree(&Server::start_in(home, &[]).await.client(), "imported in process").await;
}

/// SQL and REST against the standard library of Python.
async fn agree(client: &Client, when: &str) {
    let expected = run_python("summarize.py", &[FILE]).await;
    assert_eq!(expected["count"], 7267, "the data set");
    let query =
        "SELECT count(*) AS count, min(value) AS min, max(value) AS max, avg(value) AS mean FROM readings";
    compare(&client.sql(query).await[0], &expected, &format!("SQL {when}"));
    let by_name = format!("{query} r JOIN streams s ON s.id = r.stream_id WHERE s.name = 'temperature'");
    compare(&client.sql(&by_name).await[0], &expected, &format!("SQL joined {when}"));

    let mut values: Vec<f64> = Vec::new();
    loop {
        let page = format!("/api/data/1/value/?limit=5000&offset={}", values.len());
        let (status, rows) = client.get(&page).await.outcome();
        let rows = rows.as_array().filter(|_| status == 200).expect("a page").clone();
        values.extend(rows.iter().map(|row| row["value"].as_f64().expect("a number")));
        if rows.len() < 5000 {
            break;
        }
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let got = serde_json::json!({"count": values.len(), "min": min, "max": max, "mean": mean});
    compare(&got, &expected, &format!("REST {when}"));
}

fn compare(got: &Value, expected: &Value, who: &str) {
    for exact in ["count", "min", "max"] {
        assert_eq!(got[exact], expected[exact], "{exact} by {who}");
    }
    let (got, expected) =
        (got["mean"].as_f64().expect("a number"), expected["mean"].as_f64().expect("a number"));
    assert!((got - expected).abs() <= 1e-12 * expected.abs(), "mean by {who}: {got}, not {expected}");
}
