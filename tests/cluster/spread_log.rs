//! The query log of a node that divides queries: the numbers of a query are those of all nodes that worked on it.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::spread::{ALL, counted, spread, wait_for_tasks, write};
use crate::rest::stream_of;
use crate::support::{Cluster, Server, has_turn, until};

/// 2026-04-28T00:00:00Z, in seconds.
const MIDNIGHT: i64 = 1_777_334_400;
/// Each is one file, and all are of one size, so that neither of two nodes gets all of several. A file so small is read by one
/// node, whose bytes are then those of a node alone.
const DAYS: i64 = 6;
const ROWS_A_DAY: i64 = 200;

/// Statements that read all rows of the files that they select, on one node or on several.
const STATEMENTS: [&str; 4] = [
    "SELECT count(value + 0) AS n FROM readings",
    "SELECT stream_id, count(*) AS n, sum(value + 0) AS sum FROM readings GROUP BY 1 ORDER BY 1",
    "SELECT * FROM readings WHERE value + 0 > 100 ORDER BY stream_id, ts",
    "SELECT count(value + 0) AS n FROM readings WHERE ts >= '2026-04-30' AND ts < '2026-05-03'",
];

/// Returns what the log of a node says that a statement has read, for each time that it was asked there.
async fn reads(node: &Server, statement: &str) -> Vec<Value> {
    let hash = hex::encode(Sha256::digest(statement));
    let numbers = "bytes_scanned, files_scanned, files_pruned";
    node.client().sql(&format!("SELECT {numbers} FROM query_log WHERE text_hash = '{hash}'")).await
}

#[tokio::test]
async fn a_divided_query_is_logged_with_what_all_nodes_have_read() {
    if !has_turn("cluster", 0, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let owner = cluster.ingest.client();
    let mut streams = Vec::new();
    for name in ["a", "b", "c"] {
        streams.push(stream_of(&owner, name, "fp64").await.1);
    }
    for day in 0..DAYS {
        let row = |stream: i64, at: i64| json!({"stream_id": stream, "ts": MIDNIGHT + day * 86_400 + at * 400, "value": (stream * at * 7) % 131});
        write(&owner, streams.iter().flat_map(|stream| (0..ROWS_A_DAY).map(move |at| row(*stream, at))))
            .await;
        cluster.ingest.basalt(&["compact"]).await.expect_success();
    }
    let node = cluster.query_node(&[ALL]).await;
    let alone = cluster.query_node(&[ALL, ("BASALT_CLUSTER__SPREAD", "false")]).await;
    wait_for_tasks(&node, &alone).await;
    for statement in STATEMENTS {
        let answer = alone.client().sql(statement).await;
        let expected = reads(&alone, statement).await;
        let is_logged = expected.len() == 1 && expected[0]["bytes_scanned"].as_u64() > Some(0);
        assert!(is_logged, "{statement}: {expected:?}");
        assert!(expected[0]["files_scanned"].as_u64() > Some(1), "{statement}: {expected:?}");

        let (before, tasks) = (spread(&node).await, counted(&alone, "basalt_query_tasks_total ").await);
        assert_eq!(node.client().sql(statement).await, answer, "{statement}");
        assert_eq!(spread(&node).await, before + 1, "{statement}");
        assert!(counted(&alone, "basalt_query_tasks_total ").await > tasks, "{statement}");
        // The other node is asked for its part after the answer.
        let whole = format!("{statement} has read {expected:?}");
        until!(&whole, Duration::from_secs(30); reads(&node, statement).await == expected);
    }
}
