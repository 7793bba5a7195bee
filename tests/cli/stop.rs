//! Starting and stopping: one process per directory, and an orderly end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::ingest::{NDJSON, count};
use crate::rest::stream_of;
use crate::support::{DataDir, Server, eventually, until};

#[tokio::test]
async fn a_second_server_on_a_directory_is_refused_and_the_first_stays() {
    let server = Server::start(&[]).await;
    let output = server.basalt(&["serve", "--listen", "127.0.0.1:0"]).await.expect_failure();
    let dir = server.data_dir.path().display().to_string();
    assert!(output.contains(&dir) && output.contains("in use by process"), "{output}");
    server.client().get("/healthz/").await.ok();
}

#[tokio::test]
async fn a_port_of_the_systems_choice_is_told_once_it_answers() {
    let home = DataDir::new();
    let mut command = home.command();
    let log = home.path().join("log");
    command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(std::fs::File::create(&log).expect("made"));
    let mut child = command.spawn().expect("the program starts");
    let url = eventually("the line", Duration::from_secs(30), || async {
        let text = std::fs::read_to_string(&log).expect("there");
        text.split_once("listening on ").and_then(|(_, rest)| rest.lines().next().map(str::to_owned))
    })
    .await;
    let answer = reqwest::get(format!("{url}/healthz/")).await;
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(answer.expect("it answers").status(), 200, "{url}");
}

#[tokio::test]
async fn both_signals_end_it_with_everything_flushed() {
    for name in ["TERM", "INT"] {
        let mut server = Server::start(&[]).await;
        let (_, stream) = stream_of(&server.client(), "s", "fp64").await;
        let line = json!({"stream_id": stream, "ts": 1_777_377_600, "value": 1}).to_string();
        server.client().ingest(NDJSON, line).await.ok();
        server.signal(name);
        assert_eq!(server.wait_for_exit().await.code(), Some(0), "{}", server.log());
        assert!(crate::lake::parquet_files(server.data_dir.path()) > 0, "SIG{name} flushes");
        let is_gone = !server.data_dir.path().join("run/server.json").exists();
        assert!(is_gone, "nobody is sent to a server that is gone");
        server.start_again().await;
        assert_eq!(count(&server.client()).await, 1);
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (_, stream) = stream_of(&client, "s", "fp64").await;
    let (send, parts) = futures::channel::mpsc::unbounded::<Result<String, std::io::Error>>();
    let line = move |i| json!({"stream_id": stream, "ts": 1_777_377_600 + i, "value": i}).to_string() + "\n";
    send.unbounded_send(Ok(line(0))).expect("sent");
    let body = reqwest::Body::wrap_stream(parts);
    let answering = tokio::spawn(async move { client.ingest(NDJSON, body).await });
    // The request has to have arrived before the signal does: the server counts the memory of its first line. The rest of
    // its body comes after.
    let watcher = server.client();
    eventually("the first line has arrived", Duration::from_secs(30), || async {
        let page = watcher.get("/metrics").await.body;
        let sample = "basalt_memory_used_bytes{budget=\"bodies\"} ";
        let used = page.as_str()?.lines().find_map(|line| line.strip_prefix(sample).map(str::to_owned))?;
        (used != "0").then_some(())
    })
    .await;
    server.signal("TERM");
    until!("it says so", Duration::from_secs(30); server.log().contains("stopping"));
    send.unbounded_send(Ok(line(1))).expect("sent");
    drop(send);
    answering.await.expect("answered").is(200, &json!({"rows": 2}));
    assert_eq!(server.wait_for_exit().await.code(), Some(0), "{}", server.log());
    server.start_again().await;
    assert_eq!(count(&server.client()).await, 2);
}

#[tokio::test]
async fn what_a_crash_left_behind_misleads_nobody() {
    let mut server = Server::start(&[]).await;
    server.kill();
    assert!(server.data_dir.path().join("run/server.json").exists(), "a crash leaves it");
    server.basalt(&["key", "list"]).await.expect_success();
    server.start_again().await;
    server.basalt(&["key", "list"]).await.expect_success();
}

#[tokio::test]
async fn the_bootstrap_key_is_made_at_the_first_start() {
    let home = Arc::new(DataDir::new());
    let mut server = Server::start_alone(home.clone(), &[]).await;
    for path in ["/api/device/", "/api/data/", "/api/value/"] {
        server.client().get(path).await.ok();
    }
    // rest.md C20: another one at a later start was a second key with every right.
    server.stop().await;
    const LATER: &str = "bslt_later_0123456789abcdef0123456789abcdef";
    let server = Server::start_alone(home, &[("BASALT_BOOTSTRAP_KEY", LATER)]).await;
    server.client().get("/api/device/").await.ok();
    server.client().with_key(LATER).get("/api/device/").await.expect(401);
    assert!(server.log().contains("BASALT_BOOTSTRAP_KEY creates nothing"), "{}", server.log());
}
