//! Plans of queries that a node divides: they say nothing of rows that the caller may not see.

use serde_json::{Value, json};

use super::spread::{ALL, counted, wait_for_tasks};
use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Cluster, has_turn, one_in};

/// 2026-04-28T00:00:00Z, in seconds.
const MIDNIGHT: i64 = 1_777_334_400;
const DAYS: i64 = 4;

/// Numbers of rows a day: those of the caller, and of streams that the caller does not see.
const OWN: i64 = 24;
const HIDDEN: i64 = 31;
const FOREIGN: i64 = 43;

/// Statements that are divided, by aggregates, order, filters and windows of their own.
const DIVIDED: [&str; 8] = [
    "SELECT count(*) AS n, sum(value) AS sum, max(ts) AS last FROM readings WHERE value + 0 >= 10",
    "SELECT stream_id, count(*) AS n, sum(value + 0) AS sum FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT time_bucket('6 hours', ts) AS t, min(value + 0) AS low FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT stream_id, ts, value FROM readings ORDER BY value DESC, stream_id, ts LIMIT 7",
    "SELECT stream_id, ts, value, quality FROM readings WHERE value + 0 > 3 ORDER BY stream_id, ts",
    "SELECT DISTINCT stream_id, quality FROM readings ORDER BY 1, 2",
    "SELECT count(DISTINCT value) AS n, count(DISTINCT stream_id) AS streams FROM readings",
    "SELECT stream_id, ts, value - lag(value) OVER (PARTITION BY stream_id ORDER BY ts) AS step FROM readings ORDER BY 1, 2",
];

/// Writes rows of a stream on every day, evenly over the day: those of several streams are in the same files.
async fn write(client: &Client, stream: i64, rows: i64, value: i64) {
    let row = |day: i64, at: i64| {
        let ts = MIDNIGHT + day * 86_400 + at * (86_400 / rows);
        json!({"stream_id": stream, "ts": ts, "value": value + at}).to_string() + "\n"
    };
    let lines: String = (0..DAYS).flat_map(|day| (0..rows).map(move |at| row(day, at))).collect();
    client.ingest(NDJSON, lines).await.ok();
}

async fn rows_of(client: &Client, statement: &str) -> Value {
    Value::Array(client.sql(statement).await)
}

/// The statements that a short case asks.
fn divided() -> Vec<&'static str> {
    one_in(2, DIVIDED)
}

/// The answers to the statements, and their plans in both forms.
async fn plans(client: &Client) -> Vec<(String, Value)> {
    let mut plans = Vec::new();
    for statement in divided() {
        for form in ["", "EXPLAIN ", "EXPLAIN FORMAT TREE "] {
            let statement = format!("{form}{statement}");
            let answer = rows_of(client, &statement).await;
            plans.push((statement, answer));
        }
    }
    plans
}

/// Checks that plans with figures name no file, and count no rows but those that the caller sees.
async fn check_figures(client: &Client, stage: &str) {
    for statement in divided() {
        for form in ["EXPLAIN ANALYZE", "EXPLAIN ANALYZE VERBOSE"] {
            let text = rows_of(client, &format!("{form} {statement}")).await.to_string();
            let place = format!("{stage}: {form} {statement}: {text}");
            assert!(text.contains("VisibleRows"), "{place}");
            for word in ["parquet", "date=", "file_groups", "DataSource", "http://", "Network", "Distributed"]
            {
                assert!(!text.contains(word), "says `{word}`: {place}");
            }
            // A day of each, all days of each, and both with the caller's own.
            for rows in [HIDDEN, FOREIGN, HIDDEN + FOREIGN, 2 * OWN + HIDDEN, 2 * OWN + HIDDEN + FOREIGN] {
                for count in [rows, rows * DAYS] {
                    let is_counted =
                        [",", "]"].iter().any(|end| text.contains(&format!("output_rows={count}{end}")));
                    assert!(!is_counted, "counts {count}: {place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn explain_is_the_same_whether_or_not_others_have_rows() {
    if !has_turn("cluster", 1, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let (node, other) = (cluster.query_node(&[ALL]).await, cluster.query_node(&[ALL]).await);
    let owner = cluster.ingest.client();
    cluster.ingest.basalt(&["org", "create", "other"]).await.expect_success();
    let foreign = owner.with_key(&cluster.ingest.create_key(&["--org", "other"]).await);
    // Streams that the caller does not see have ids below and above those that he does.
    let hidden =
        [stream_of(&owner, "hidden", "fp64").await.1, stream_of(&foreign, "foreign", "fp64").await.1];
    let (device, first) = stream_of(&owner, "own", "fp64").await;
    let second = json!({"name": "own too", "device": device, "type": "fp64"});
    let second = owner.post("/api/data/", &second).await.created();
    let above = stream_of(&foreign, "above", "fp64").await.1;
    let key = cluster.ingest.create_key(&["--device", &device.to_string()]).await;
    let client = node.client().with_key(&key);
    for stream in [first, second["id"].as_i64().unwrap()] {
        write(&owner, stream, OWN, 0).await;
    }
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    wait_for_tasks(&node, &other).await;

    let before = plans(&client).await;
    for stage in ["in memory", "in the lake", "late, in memory", "late, in the lake"] {
        if stage.ends_with("memory") {
            write(&owner, hidden[0], HIDDEN, 7_000).await;
            write(&foreign, hidden[1], FOREIGN, 8_000).await;
            write(&foreign, above, FOREIGN, 9_000).await;
        } else {
            cluster.ingest.basalt(&["compact"]).await.expect_success();
        }
        let before_them = counted(&node, "basalt_queries_spread_total ").await;
        for ((statement, was), (_, is)) in before.iter().zip(plans(&client).await) {
            assert!(*was == is, "{stage}: {statement}\n  was {was}\n  is  {is}");
        }
        assert_eq!(
            counted(&node, "basalt_queries_spread_total ").await - before_them,
            divided().len() as u64,
            "{stage}: the statements are divided, and their plans are not"
        );
        check_figures(&client, stage).await;
    }
}
