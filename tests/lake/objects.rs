//! The lake in an object store: the same answers, across kills, merges and a store that goes away.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, DataDir, ObjectStore, Server, eventually, until};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A server whose lake is at `url`.
async fn serve(store: &ObjectStore, url: &str) -> Server {
    let mut env = store.env().to_vec();
    env.extend([
        ("BASALT_LAKE_URL", url),
        ("BASALT_FLUSH__AGE", "50ms"),
        ("BASALT_LAKE__KEEP_REMOVED", "1ms"),
    ]);
    Server::start(&env).await
}

async fn write(client: &Client, stream: i64, from: i64, count: i64, value: i64) {
    let line = |i| json!({"stream_id": stream, "ts": NOON + from + i, "value": value + i}).to_string() + "\n";
    client.ingest(NDJSON, (0..count).map(line).collect::<String>()).await.ok();
}

async fn summary(client: &Client) -> Vec<Value> {
    client
        .sql("SELECT stream_id, count(*) AS n, sum(value + 0) AS sum, max(ts) AS newest FROM readings GROUP BY 1 ORDER BY 1")
        .await
}

fn parts(objects: &[String]) -> usize {
    objects.iter().filter(|name| name.contains("/date=") && name.ends_with(".parquet")).count()
}

#[tokio::test]
async fn a_lake_in_an_object_store_answers_as_a_folder_does() {
    let store = ObjectStore::start().await;
    let mut server = serve(&store, "s3://plant/site/one").await;
    let client = server.client();
    let (_, a) = stream_of(&client, "a", "fp64").await;
    let (_, b) = stream_of(&client, "b", "fp64").await;
    for n in 0..4 {
        write(&client, a, n * 600, 1000, 10_000 * n).await;
        write(&client, b, -86_400 + n * 1000, 1000, 0).await;
        let files = || async { store.objects("site/one/readings/_delta_log/").await.len() };
        // The table was created and claimed by a commit each.
        until!("a commit", EVENT_TIMEOUT; files().await > n as usize + 2);
    }
    // Every write overlaps the one before by 400 rows, and the later wins.
    let sum = |n: i64, rows: i64| 10_000 * n * rows + rows * (rows - 1) / 2;
    let expected = json!([
        {"stream_id": a, "n": 2800, "sum": 3 * sum(0, 600) + 30_000 * 600 + sum(3, 1000), "newest": "2026-04-28T12:46:39Z"},
        {"stream_id": b, "n": 4000, "sum": 4 * sum(0, 1000), "newest": "2026-04-27T13:06:39Z"},
    ]);
    let same =
        |found: Vec<Value>| serde_json::to_value(found).map(|found| numbers(&found) == numbers(&expected));
    assert!(same(summary(&client).await).unwrap(), "{:?}", summary(&client).await);

    server.crash().await;
    let client = server.client();
    assert!(same(summary(&client).await).unwrap(), "after a kill: {:?}", summary(&client).await);

    let before = parts(&store.objects("site/one/readings/").await);
    server.basalt(&["compact"]).await.expect_success();
    assert!(same(summary(&client).await).unwrap(), "merged: {:?}", summary(&client).await);
    server.restart().await;
    let client = server.client();
    assert!(same(summary(&client).await).unwrap(), "restarted: {:?}", summary(&client).await);
    assert!(before > 2, "{before} files were written");
    until!("one file a day", EVENT_TIMEOUT; parts(&store.objects("site/one/readings/").await) == 2);
    assert!(!server.data_dir.path().join("lake").exists(), "nothing of the lake is in the data directory");

    // The store goes: what is written meanwhile is acknowledged from the log, and the newest is in memory.
    drop(store);
    write(&client, a, 10_000, 10, 7).await;
    client.get(&format!("/api/data/{a}/")).await.has(200, json!({"last_value": 16.0}));
    // Pages of values that were read a moment ago are still in memory; nobody asked for these.
    client.try_sql("SELECT sum(seq + 0) FROM readings").await.about("the lake cannot be read").expect(503);
}

/// Sums come as floats.
fn numbers(rows: &Value) -> Vec<Value> {
    let whole = |v: &Value| v.as_f64().map(|n| n as i64);
    let row = |r: &Value| json!([whole(&r["stream_id"]), whole(&r["n"]), whole(&r["sum"]), r["newest"]]);
    rows.as_array().into_iter().flatten().map(row).collect()
}

#[tokio::test]
async fn a_lake_that_cannot_be_reached_refuses_the_start_and_is_named() {
    let store = ObjectStore::start().await;
    let home = DataDir::new();
    for (url, message) in [
        ("s3://nowhere/site", "s3://nowhere/site/"),
        ("s3:///site", "lake.url"),
        ("ftp://plant/site", "lake.url"),
    ] {
        let mut env = store.env().to_vec();
        env.push(("BASALT_LAKE_URL", url));
        let output = home.basalt_with(&["serve", "--listen", "127.0.0.1:0"], &env, "").await.expect_failure();
        assert!(output.contains(message), "{url}: {output}");
    }
}

/// A lake belongs to the data directory that wrote to it first, and of its copies to the one that was started last.
#[tokio::test]
async fn a_lake_has_one_owner() {
    let store = ObjectStore::start().await;
    let url = "s3://plant/site/owned";
    let mut server = serve(&store, url).await;
    let client = server.client();
    let (_, stream) = stream_of(&client, "a", "fp64").await;
    write(&client, stream, 0, 10, 0).await;
    server.restart().await;
    let client = server.client();

    let mut env = store.env().to_vec();
    env.push(("BASALT_LAKE_URL", url));
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let output = DataDir::new().basalt_with(&serve, &env, "").await.expect_failure();
    assert!(output.contains("belongs to another data directory"), "{output}");
    // Whoever was refused has changed nothing.
    write(&client, stream, 10, 10, 0).await;
    eventually("a flush", EVENT_TIMEOUT, || async {
        let rows = client.sql("SELECT count(*) AS n FROM readings").await;
        let flushed = store.objects("site/owned/readings/date=").await.len() > 1;
        (rows == [json!({"n": 20})] && flushed).then_some(())
    })
    .await;

    // As when a disk is cloned for a second machine while the first still runs.
    let home = Arc::new(server.data_dir.copy());
    let mut copied = store.env().to_vec();
    copied.extend([("BASALT_LAKE_URL", url), ("BASALT_FLUSH__AGE", "50ms")]);
    let copy = Server::start_in(home, &copied).await;
    write(&copy.client(), stream, 20, 10, 0).await;
    write(&client, stream, 30, 10, 0).await;
    // The first learns of it with its next flush.
    eventually("the first writes no more", EVENT_TIMEOUT, || async {
        let (status, answer) =
            client.post(&format!("/api/data/{stream}/value/"), &json!({"value": 1})).await.outcome();
        (status == 503 && answer.to_string().contains("another server writes to the lake")).then_some(())
    })
    .await;
    client.get("/readyz/?checks=disk").await.expect(503);
    write(&copy.client(), stream, 40, 10, 0).await;
    copy.client().get("/readyz/?checks=disk").await.ok();
    assert_eq!(copy.client().sql("SELECT count(*) AS n FROM readings").await, [json!({"n": 40})]);
}
