//! The end of a query on several nodes when its client, or a node, is gone.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use reqwest::Response;
use serde_json::json;

use super::spread::{ALL, counted, wait_for_tasks};
use crate::ingest::{ARROW, arrow_body};
use crate::rest::stream_of;
use crate::support::{Client, Cluster, Link, LinkFault, Server, has_turn, until};

/// 2026-04-28T00:00:00Z, in microseconds.
const MIDNIGHT: i64 = 1_777_334_400_000_000;
const ROWS: usize = 30_000;
const ROWS_A_REQUEST: usize = 6_000;
/// Time between two rows, microseconds: all of them are of two days.
const STEP: i64 = 5_000_000;
const TEXT_BYTES: usize = 1_520;
/// Less than the texts of either day.
const SMALL_SHARE: (&str, &str) = ("BASALT_LIMITS__QUERY_SHARE", "16MB");
/// All rows, as they come.
const ROW_BY_ROW: &str = "SELECT stream_id, ts, text FROM readings WHERE seq > 0";

/// Texts of two days, 45 MB.
async fn fill(cluster: &Cluster, client: &Client) {
    let (_, stream) = stream_of(client, "a", "text").await;
    // A multiplicative generator (Lehmer, 1951): the texts must not compress to nothing.
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed * 48_271 % 0x7fff_ffff;
        seed as usize
    };
    let letters: String = (0..1 << 20).map(|_| char::from(b'a' + (random() % 26) as u8)).collect();
    for first in (0..ROWS).step_by(ROWS_A_REQUEST) {
        let mut text = || {
            let start = random() % (letters.len() - TEXT_BYTES);
            &letters[start..start + TEXT_BYTES]
        };
        let texts = StringArray::from_iter_values((0..ROWS_A_REQUEST).map(|_| text()));
        let times = (first..first + ROWS_A_REQUEST).map(|row| MIDNIGHT + row as i64 * STEP);
        let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
        let ids = Int32Array::from_value(stream as i32, ROWS_A_REQUEST);
        let columns: [(&str, ArrayRef); 3] =
            [("stream_id", Arc::new(ids)), ("ts", Arc::new(times)), ("text", Arc::new(texts))];
        client.ingest(ARROW, arrow_body(&RecordBatch::try_from_iter(columns).unwrap())).await.ok();
    }
    cluster.ingest.basalt(&["compact"]).await.expect_success();
}

/// Asks a statement and reads the beginning of its answer.
async fn begin(node: &Server, statement: &str) -> Response {
    let http = reqwest::Client::builder().no_proxy().tls_built_in_root_certs(false).build().unwrap();
    let request =
        http.post(format!("{}/sql", node.url)).header("authorization", format!("ApiKey {}", node.key));
    let mut answer = request.json(&json!({"query": statement})).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.chunk().await.unwrap().is_some(), "it begins");
    answer
}

/// Returns the bytes that queries hold on a node.
async fn memory_used(node: &Server) -> u64 {
    counted(node, "basalt_memory_used_bytes{budget=\"queries\"} ").await
}

/// Waits until no query holds memory on a node.
async fn wait_for_rest(node: &Server) {
    until!("nothing of the query is left", Duration::from_secs(60); memory_used(node).await == 0);
}

/// Two query nodes. The second reads the lake over a link, which can stop it in the midst of its part of a query.
struct Pair {
    node: Server,
    other: Server,
    lake: Link,
}

impl Pair {
    async fn start(cluster: &Cluster) -> Pair {
        let lake = Link::to(&cluster.store.url).await;
        let node = cluster.query_node(&[ALL]).await;
        let other = cluster.query_node(&[ALL, ("AWS_ENDPOINT_URL", &lake.url)]).await;
        wait_for_tasks(&node, &other).await;
        Pair { node, other, lake }
    }

    /// Asks the first node for all rows. When this returns, an answer has begun, and the second node has read some of its rows
    /// and gets no more.
    async fn begin(&self) -> Response {
        self.lake.fail(LinkFault::Slowness);
        let before = counted(&self.other, "basalt_query_tasks_total ").await;
        let answer = begin(&self.node, ROW_BY_ROW).await;
        assert_eq!(counted(&self.other, "basalt_query_tasks_total ").await, before + 1);
        until!("a part of the query is there", Duration::from_secs(60); memory_used(&self.other).await > 0);
        self.lake.fail(LinkFault::Silence);
        answer
    }
}

#[tokio::test]
async fn nothing_of_a_query_is_left_on_any_node() {
    if !has_turn("cluster", 1, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    fill(&cluster, &cluster.ingest.client()).await;
    let mut pair = Pair::start(&cluster).await;
    let answer = pair.begin().await;
    drop(answer);
    wait_for_rest(&pair.node).await;
    wait_for_rest(&pair.other).await;

    let answer = pair.begin().await;
    pair.node.kill();
    drop(answer);
    wait_for_rest(&pair.other).await;
}

#[tokio::test]
async fn a_node_killed_in_a_query_costs_that_query_only() {
    if !has_turn("cluster", 1, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h")]).await;
    fill(&cluster, &cluster.ingest.client()).await;
    let mut pair = Pair::start(&cluster).await;
    let mut answer = pair.begin().await;
    pair.other.kill();
    let mut body = Vec::new();
    let ended = loop {
        match answer.chunk().await {
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            ended => break ended,
        }
    };
    assert!(ended.is_err(), "half an answer of {} bytes does not look like a whole one", body.len());
    let count = "SELECT count(*) AS n FROM readings WHERE seq > 0";
    assert_eq!(pair.node.client().sql(count).await, [json!({"n": ROWS})]);
    wait_for_rest(&pair.node).await;
}

/// The first rows of a long order are held in memory; unlike a sort of all rows, this does not spill.
#[tokio::test]
async fn a_share_holds_on_every_node() {
    if !has_turn("cluster", 1, 2) {
        return;
    }
    let cluster = Cluster::start(&[("BASALT_FLUSH__AGE", "1h"), SMALL_SHARE]).await;
    let owner = cluster.ingest.client();
    fill(&cluster, &owner).await;
    let small = cluster.query_node(&[ALL, SMALL_SHARE]).await;
    let large = cluster.query_node(&[ALL, ("BASALT_LIMITS__QUERY_SHARE", "200MB")]).await;
    wait_for_tasks(&small, &large).await;
    wait_for_tasks(&large, &small).await;
    let statement =
        format!("SELECT stream_id, ts, text FROM readings WHERE seq > 0 ORDER BY text LIMIT {}", ROWS - 1);
    let expected = owner.try_sql(&statement).await.expect(413);
    assert!(expected.to_string().contains("16.0 MB one query may use (limits.query_share)"), "{expected}");
    // Whichever node is asked, the part of the small one does not fit there.
    for node in [&small, &large] {
        let counts = || async {
            let spread = counted(node, "basalt_queries_spread_total ").await;
            (spread, counted(node, "basalt_queries_repeated_total ").await)
        };
        let (spread, repeated) = counts().await;
        node.client().try_sql(&statement).await.is(413, &expected);
        assert_eq!(counts().await, (spread + 1, repeated), "it would fail again, so it does not run again");
        wait_for_rest(&small).await;
        wait_for_rest(&large).await;
        let count = "SELECT count(*) AS n FROM readings WHERE seq > 0";
        assert_eq!(node.client().sql(count).await, [json!({"n": ROWS})], "what fits is answered");
    }
}
