//! The nodes of a cluster: every one lists all, until they end.

use std::time::Duration;

use serde_json::{Value, json};

use super::shards::SHARDS;
use crate::rest::stream_of;
use crate::support::{Client, Cluster, DataDir, eventually, until};

/// A node that ended in silence is known after its lease, which is 10 s.
const LEASE_TIMEOUT: Duration = Duration::from_secs(30);

const NODES: &str = "SELECT role, running FROM nodes ORDER BY role, running";

fn row(role: &str, is_running: bool) -> Value {
    json!({"role": role, "running": is_running})
}

/// Waits until each of them lists these nodes.
async fn list(what: &str, clients: &[&Client], expected: &[Value]) {
    for client in clients {
        until!(what, LEASE_TIMEOUT; client.sql(NODES).await == expected);
    }
}

#[tokio::test]
async fn every_node_lists_all_until_they_end() {
    let cluster = Cluster::start(&[]).await;
    let mut nodes = [cluster.query_node(&[]).await, cluster.query_node(&[]).await];
    let (ingest, first) = (cluster.ingest.client(), nodes[0].client());
    let all = [row("ingest", true), row("query", true), row("query", true)];
    list("three run", &[&ingest, &first], &all).await;
    let details =
        "SELECT url, version, started_at <= renewed_at + INTERVAL '1 minute' AS is_timed FROM nodes";
    for node in first.sql(details).await {
        assert!(node["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{node}");
        assert_eq!((&node["version"], &node["is_timed"]), (&json!(env!("CARGO_PKG_VERSION")), &json!(true)));
    }
    let urls = first.sql("SELECT DISTINCT node_id, url FROM nodes").await;
    assert_eq!(urls.len(), 3, "{urls:?}");
    eventually("the metrics count them", LEASE_TIMEOUT, || async {
        let metrics = first.get("/metrics").await.body;
        let metrics = metrics.as_str().unwrap_or_default();
        let count = |role: &str, n: u8| {
            metrics.lines().any(|line| line == format!("basalt_cluster_nodes{{role=\"{role}\"}} {n}"))
        };
        (count("ingest", 1) && count("query", 2)).then_some(())
    })
    .await;

    nodes[1].kill();
    let silent = [row("ingest", true), row("query", false), row("query", true)];
    list("one is silent", &[&ingest, &first], &silent).await;
    let status = cluster.ingest.basalt(&["cluster", "status"]).await.expect_success();
    assert!(status.contains("running") && status.contains("silent for "), "{status}");
    assert_eq!(status.lines().count(), 7, "a line for each, the shard below, each with titles: {status}");

    nodes[1].start_again().await;
    list("it runs again, under another id and without its old entry", &[&ingest, &first], &all).await;
    nodes[1].stop().await;
    list("it has left", &[&ingest, &first], &[row("ingest", true), row("query", true)]).await;
    nodes[0].stop().await;
    list("the ingest node is alone", &[&ingest], &[row("ingest", true)]).await;
}

#[tokio::test]
async fn nodes_and_shards_are_shown_to_the_operator_alone() {
    let cluster = Cluster::start(&[]).await;
    let node = cluster.query_node(&[]).await;
    let (ingest, query) = (cluster.ingest.client(), node.client());
    list("both run", &[&ingest, &query], &[row("ingest", true), row("query", true)]).await;
    let (device, _) = stream_of(&ingest, "speed", "fp64").await;
    cluster.ingest.basalt(&["org", "create", "other"]).await.expect_success();
    let other = cluster.ingest.create_key(&["--org", "other"]).await;
    let restricted = cluster.ingest.create_key(&["--device", &device.to_string()]).await;
    for client in [&ingest, &query] {
        assert_eq!(client.sql(SHARDS).await.len(), 1);
    }
    for (name, key) in [("other", &other), ("restricted", &restricted)] {
        for client in [&ingest, &query] {
            for statement in [NODES, SHARDS] {
                assert_eq!(client.with_key(key).sql(statement).await, Vec::<Value>::new(), "{name}");
            }
        }
        let args = ["cluster", "status", "--url", node.url.as_str(), "--key", key.as_str()];
        let status = DataDir::new().basalt(&args).await.expect_success();
        assert!(status.starts_with("no nodes") && status.contains("this key"), "{name}: {status}");
    }
    let args = ["cluster", "status", "--url", node.url.as_str(), "--key", node.key.as_str()];
    let status = DataDir::new().basalt(&args).await.expect_success();
    assert!(["ingest", "query", "running"].iter().all(|word| status.contains(word)), "{status}");
}
