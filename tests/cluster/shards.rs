//! The shards of the data: every node says who owns them and how far they are.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, Cluster, DataDir, Server, assert_members, eventually};

/// A node has its entry in the catalog at once, unless the machine is busy.
const ENTRY_TIMEOUT: Duration = Duration::from_secs(30);

pub const SHARDS: &str = "SELECT * FROM shards";

/// Waits until all of them show one shard alike, which has this owner.
async fn shard(what: &str, clients: &[&Client], owner: &str) -> Value {
    eventually(what, ENTRY_TIMEOUT, || async {
        let mut found = Vec::new();
        for client in clients {
            found.push(client.sql(SHARDS).await);
        }
        let is_alike = found.iter().all(|rows| rows.len() == 1 && *rows == found[0]);
        let row = found.swap_remove(0).pop().unwrap_or_default();
        (is_alike && row["owner"] == owner).then_some(row)
    })
    .await
}

fn number(row: &Value, name: &str) -> i64 {
    row[name].as_i64().unwrap_or_else(|| panic!("no number `{name}`: {row}"))
}

async fn write(client: &Client, stream: i64) {
    let line = json!({"stream_id": stream, "ts": 1_777_377_600, "value": 1}).to_string();
    client.ingest(NDJSON, line).await.ok();
}

#[tokio::test]
async fn every_node_names_the_owner_the_epoch_and_the_seqs_alike() {
    // Nothing is flushed, merged or removed unless it is told to.
    let env = [
        ("BASALT_FLUSH__AGE", "1h"),
        ("BASALT_COMPACTION__INTERVAL", "1h"),
        ("BASALT_RETENTION__INTERVAL", "1h"),
    ];
    let mut cluster = Cluster::start(&env).await;
    let node = cluster.query_node(&[]).await;
    let owner = format!("{}/", cluster.owner_url());
    let (ingest, query) = (cluster.ingest.client(), node.client());
    let clients = [&ingest, &query];
    let (_, stream) = stream_of(&ingest, "speed", "fp64").await;
    let empty = shard("both know the owner", &clients, &owner).await;
    assert_eq!(number(&empty, "shard"), 0);
    assert!(number(&empty, "epoch") >= 1 && number(&empty, "lake_version") >= 0, "{empty}");

    write(&ingest, stream).await;
    let ahead = shard("a row is in memory", &clients, &owner).await;
    assert_eq!(number(&ahead, "seq"), number(&empty, "seq") + 1, "{ahead} after {empty}");
    for name in ["epoch", "flushed_seq", "lake_version"] {
        assert_eq!(ahead[name], empty[name], "{name}: {ahead} after {empty}");
    }

    cluster.ingest.basalt(&["compact"]).await.expect_success();
    let flushed = shard("it is in the lake", &clients, &owner).await;
    assert_eq!((&flushed["epoch"], &flushed["flushed_seq"]), (&ahead["epoch"], &ahead["seq"]), "{flushed}");
    assert!(number(&flushed, "lake_version") > number(&ahead, "lake_version"), "{flushed} after {ahead}");

    let status = cluster.ingest.basalt(&["cluster", "status"]).await.expect_success();
    let last: Vec<&str> = status.lines().last().unwrap_or_default().split_whitespace().collect();
    let numbers = ["epoch", "seq", "flushed_seq", "lake_version"].map(|name| number(&flushed, name));
    let mut expected = vec!["0".to_owned(), owner.clone()];
    expected.extend(numbers.map(|number| number.to_string()));
    assert_eq!(last, expected, "{status}");

    cluster.ingest.crash().await;
    let again = shard("the owner has started again", &clients, &owner).await;
    assert_eq!(number(&again, "epoch"), number(&flushed, "epoch") + 1, "each start claims the lake: {again}");
}

#[tokio::test]
async fn a_server_alone_has_one_shard_without_an_owner_and_no_nodes() {
    let server = Server::start_alone(Arc::new(DataDir::new()), &[("BASALT_FLUSH__AGE", "1h")]).await;
    let client = server.client();
    let (_, stream) = stream_of(&client, "speed", "fp64").await;
    write(&client, stream).await;
    let rows = client.sql(SHARDS).await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_members(row, &json!({"shard": 0, "owner": null, "epoch": null}));
    assert!(number(row, "seq") > number(row, "flushed_seq"), "{row}");

    assert_eq!(client.sql("SELECT role FROM nodes").await, Vec::<Value>::new());
    let metrics = client.get("/metrics").await.body;
    assert!(!metrics.as_str().unwrap_or_default().contains("basalt_cluster_nodes"), "{metrics}");
    let status = server.basalt(&["cluster", "status"]).await.expect_success();
    assert!(status.starts_with("no nodes") && status.contains("cluster.listen"), "{status}");
}
