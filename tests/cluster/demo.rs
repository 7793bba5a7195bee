//! `basalt demo --cluster`: three processes on one machine, and all of them end with the first.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{ChildGuard, Client, DataDir, assert_contains, database, eventually, until};

/// Values come within seconds, and nodes end within the time that they give to requests.
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A demo of a cluster. Dropping it kills the first process, and with it the others.
struct ClusterDemo {
    child: ChildGuard,
    ingest: String,
    /// URL and process of each query node.
    nodes: Vec<(String, String)>,
    /// It is shown at the first start.
    key: Option<String>,
    /// Output of the demo. Without a reader it could print no more, and would end.
    _output: BufReader<ChildStdout>,
}

impl ClusterDemo {
    /// Starts one; all nodes answer when this returns.
    fn start(home: &DataDir, catalog_url: &str) -> ClusterDemo {
        let mut command = home.command();
        command.args(["demo", "--cluster", "--listen", "127.0.0.1:0"]).env("BASALT_CATALOG_URL", catalog_url);
        // Rows are in files soon, which query nodes read by themselves.
        command.env("BASALT_FLUSH__AGE", "1s").stdin(Stdio::null()).stdout(Stdio::piped());
        let log = home.path().join("demo.log");
        command.stderr(File::create(&log).expect("made"));
        let mut child = command.spawn().expect("the program starts");
        let (mut ingest, mut nodes, mut key) = (None, Vec::new(), None);
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        for line in output.by_ref().lines().map_while(Result::ok) {
            let after = |word: &str| line.trim().strip_prefix(word).map(|rest| rest.trim().to_owned());
            let node = |text: String| {
                let (url, pid) = text.split_once(", process ").expect("a URL and a process");
                (url.to_owned(), pid.to_owned())
            };
            ingest = ingest.or(after("ingest ").map(node));
            nodes.extend(after("query ").map(node));
            key = key.or(after("key "));
            if line.contains("Ctrl-C") {
                break;
            }
        }
        let Some((ingest, _)) = ingest else {
            let _ = child.kill().and_then(|()| child.wait());
            panic!("it tells no URL: {}", fs::read_to_string(log).unwrap_or_default());
        };
        ClusterDemo { child: ChildGuard(child), ingest, nodes, key, _output: output }
    }

    /// The URLs of all nodes, the ingest node first.
    fn urls(&self) -> Vec<&str> {
        std::iter::once(&self.ingest)
            .chain(self.nodes.iter().map(|(url, _)| url))
            .map(String::as_str)
            .collect()
    }

    fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }
}

fn signal(name: &str, pid: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), pid]).status().expect("kill(1) is there");
    assert!(sent.success());
}

/// Waits until nobody listens at these URLs.
async fn wait_for_ends(urls: &[&str]) {
    for url in urls {
        eventually("the node ends", EVENT_TIMEOUT, || async {
            TcpStream::connect(url.trim_start_matches("http://")).is_err().then_some(())
        })
        .await;
    }
}

/// Waits until a node has rows that the plant was asked for, after those of its calculated history; how many.
async fn rows(client: &Client) -> i64 {
    eventually("rows of the plant", EVENT_TIMEOUT, || async {
        let end =
            client.sql("SELECT max(ts) AS ts FROM events WHERE kind = 'history'").await[0]["ts"].clone();
        let end = end.as_str()?;
        let query = format!("SELECT count(*) AS n FROM readings WHERE quality = 'good' AND ts > '{end}'");
        client.sql(&query).await[0]["n"].as_i64().filter(|n| *n > 0)
    })
    .await
}

/// Checks that a process has the working directory of the demo, where Linux tells.
fn check_working_dir(pid: &str, home: &DataDir) {
    if let Ok(dir) = fs::read_link(format!("/proc/{pid}/cwd")) {
        assert_eq!(dir, fs::canonicalize(home.path()).expect("it is there"));
    }
}

fn row(role: &str) -> Value {
    json!({"role": role, "running": true})
}

#[tokio::test]
async fn the_demo_of_a_cluster_is_three_processes_that_end_with_the_first() {
    let (home, catalog_url) = (DataDir::new(), database("demo").await);
    // Whoever reads it refuses to start.
    let config = home.path().join("basalt.toml");
    fs::write(&config, "colour = 1").expect("written");
    let mut demo = ClusterDemo::start(&home, &catalog_url);
    fs::remove_file(config).expect("it is there");
    assert_eq!(demo.nodes.len(), 2, "{:?}", demo.nodes);
    let key = demo.key.clone().expect("it tells a key at the first start");
    for (url, pid) in &demo.nodes {
        check_working_dir(pid, &home);
        let client = Client::new(url, &key);
        assert!(rows(&client).await > 0);
        let all = [row("ingest"), row("query"), row("query")];
        until!("it lists all nodes", EVENT_TIMEOUT;
            nodes = client.sql("SELECT role, running FROM nodes ORDER BY role").await; nodes == all);
    }
    let ingest_dir = home.path().join("ingest").display().to_string();
    let status = home.basalt(&["cluster", "status", "--data-dir", &ingest_dir]).await.expect_success();
    assert_eq!(status.lines().count(), 7, "three nodes and a shard below their titles: {status}");

    // One that is stopped by hand takes no other with it.
    let (second, pid) = demo.nodes[1].clone();
    signal("TERM", &pid);
    wait_for_ends(&[&second]).await;
    let before = rows(&Client::new(&demo.nodes[0].0, &key)).await;

    demo.signal("INT");
    let child = &mut demo.child;
    let status = eventually("the demo ends", EVENT_TIMEOUT, || {
        let status = child.try_wait().expect("it is our child");
        async move { status }
    })
    .await;
    assert_eq!(status.code(), Some(0));
    wait_for_ends(&demo.urls()).await;

    let again = ClusterDemo::start(&home, &catalog_url);
    assert!(again.key.is_none(), "the first key is still valid");
    let client = Client::new(&again.nodes[0].0, &key);
    let after = rows(&client).await;
    assert!(after >= before, "of {before} rows {after} are left");
    let boards = "SELECT count(*) AS n FROM documents WHERE kind = 'dashboard'";
    assert_eq!(client.sql(boards).await[0]["n"], 1, "the first start has made the board");
    again.signal("KILL");
    wait_for_ends(&again.urls()).await;
}

#[tokio::test]
async fn without_a_database_it_says_how_to_get_one() {
    let home = DataDir::new();
    let output = home.basalt(&["demo", "--cluster", "--listen", "127.0.0.1:0"]).await.expect_failure();
    let words = ["catalog.url", "BASALT_CATALOG_URL", "postgres://", "docker run"];
    assert_contains(&output, &words, "how to get one");
    let left = fs::read_dir(home.path()).expect("it is there").count();
    assert_eq!(left, 0, "nothing was begun");
}
