//! A lake in a directory that processes of one machine share: the same answers as in the data directory, and one owner.

use std::time::Duration;

use serde_json::json;

use super::parquet_files;
use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, DataDir, Server, until};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

const COUNT: &str = "SELECT count(*) AS n, CAST(sum(value) AS BIGINT) AS sum FROM readings";

async fn write(client: &Client, stream: i64, from: i64) {
    let line = |i| json!({"stream_id": stream, "ts": NOON + i, "value": i}).to_string() + "\n";
    client.ingest(NDJSON, (from..from + 10).map(line).collect::<String>()).await.ok();
}

#[tokio::test]
async fn a_lake_in_a_directory_of_its_own_answers_and_has_one_owner() {
    let lake = DataDir::new();
    let url = url::Url::from_directory_path(lake.path()).expect("an absolute path").to_string();
    let env = [("BASALT_LAKE_URL", url.as_str()), ("BASALT_FLUSH__AGE", "50ms")];
    let mut server = Server::start(&env).await;
    let (_, stream) = stream_of(&server.client(), "a", "fp64").await;
    write(&server.client(), stream, 0).await;
    until!("a file", EVENT_TIMEOUT; parquet_files(lake.path()) > 0);
    assert!(!server.data_dir.path().join("lake").exists(), "nothing of the lake is in the data directory");

    let (other, serve) = (DataDir::new(), ["serve", "--listen", "127.0.0.1:0"]);
    let output = other.basalt_with(&serve, &env, "").await.expect_failure();
    assert!(output.contains("another server writes to the lake"), "{output}");
    server.kill();
    let output = other.basalt_with(&serve, &env, "").await.expect_failure();
    assert!(output.contains("belongs to another data directory"), "{output}");

    server.start_again().await;
    write(&server.client(), stream, 10).await;
    assert_eq!(server.client().sql(COUNT).await, [json!({"n": 20, "sum": 190})]);
    let report = server.basalt(&["verify"]).await.expect_success();
    assert!(report.contains("everything is whole"), "{report}");
    server.stop().await;

    let home = &server.data_dir;
    let report = home.basalt_with(&["verify"], &env, "").await.expect_success();
    assert!(report.contains("everything is whole") && !report.contains("table readings: empty"), "{report}");
    let (backups, restored) = (DataDir::new(), DataDir::new());
    let backup = backups.path().join("one").display().to_string();
    home.basalt_with(&["backup", &backup], &env, "").await.expect_success();
    restored.basalt(&["restore", &backup]).await.expect_success();
    let rows = restored.basalt(&["sql", COUNT, "--format", "csv"]).await.expect_success();
    assert_eq!(rows, "n,sum\n20,190\n");
}
