//! Long answers in order, of rows that several nodes have.

use serde_json::json;

use super::spread::{ALL, spread, wait_for_tasks};
use crate::ingest::{ARROW, arrow_body, readings_batch};
use crate::rest::stream_of;
use crate::support::{Cluster, Server, has_turn};

/// 2026-04-28T00:00:00Z, in seconds.
const MIDNIGHT: i64 = 1_777_334_400;
const STREAMS: i64 = 6;
const ROWS_A_STREAM: i64 = 20_000;
/// So little that a node reads 4 MB ahead of what another node sends, of some 10. The merge holds two batches of 1.4 MB for each of
/// six streams on a machine that has no time to send them on.
const SHARE: (&str, &str) = ("BASALT_LIMITS__QUERY_SHARE", "32MB");

/// Asks a statement; returns the lines of its answer as CSV, without the head.
async fn lines(node: &Server, statement: &str) -> Vec<String> {
    let headers = [("content-type", "application/json"), ("accept", "text/csv")];
    let body = json!({"query": statement}).to_string();
    let answer = node.client().try_send_bytes("POST", "/sql", &headers, body).await;
    let answer = answer.unwrap_or_else(|e| panic!("not a whole answer: {e:?}\n{}", node.log()));
    let text = String::from_utf8(answer.ok()).expect("text");
    text.lines().skip(1).map(str::to_owned).collect()
}

/// Partitions of a task that come over one connection fill its buffer, while the merge needs rows of one that has none there: unless
/// the task merges them itself, the query waits until its time is over.
#[tokio::test]
async fn a_long_answer_in_order_comes_to_its_end() {
    if !has_turn("cluster", 0, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    let client = cluster.ingest.client();
    for number in 0..STREAMS {
        let (_, stream) = stream_of(&client, &format!("s{number}"), "fp64").await;
        // Spread evenly and with a full mantissa: they must not compress to nothing.
        let value = |at: i64| (at * 2_654_435_761 % 4_294_967_296) as f64 / 7.0;
        let rows: Vec<_> =
            (0..ROWS_A_STREAM).map(|at| (stream, (MIDNIGHT + at) * 1_000_000, value(at))).collect();
        client.ingest(ARROW, arrow_body(&readings_batch(&rows))).await.ok();
    }
    cluster.ingest.basalt(&["compact"]).await.expect_success();
    let nodes = [cluster.query_node(&[ALL, SHARE]).await, cluster.query_node(&[ALL, SHARE]).await];
    wait_for_tasks(&nodes[0], &nodes[1]).await;
    wait_for_tasks(&nodes[1], &nodes[0]).await;
    // Many columns make it long; each is computed where the rows are read.
    let columns: String = (1..=20).map(|n| format!(", value * 1.{n:02} AS c{n}")).collect();
    let statement = format!("SELECT ts, stream_id{columns} FROM readings ORDER BY ts");
    // A file may be read by one node alone: for one of them that is another node.
    for node in &nodes {
        let before = spread(node).await;
        let lines = lines(node, &statement).await;
        assert_eq!(spread(node).await, before + 1, "it is divided");
        assert_eq!(lines.len() as i64, STREAMS * ROWS_A_STREAM);
        let times: Vec<&str> = lines.iter().map(|line| line.split(',').next().expect("a time")).collect();
        assert!(times.is_sorted());
    }
}
