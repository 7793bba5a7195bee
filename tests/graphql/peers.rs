//! Other people's clients of subscriptions.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::rest::stream_of;
use crate::support::{ChildGuard, Client, Server, sized};

/// 2026-04-28T12:00:00Z, in microseconds.
const START: i64 = 1_777_377_600_000_000;
const ROWS: usize = 500;
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(120);

/// Stream, time, value.
type Row = (i64, String, f64);

/// A process of tests/peers/npm/follow.mjs; dropping it kills it, as a crash would.
struct FollowerProcess {
    child: ChildGuard,
    lines: mpsc::Receiver<Value>,
}

impl FollowerProcess {
    fn start(server: &Server, after: Option<&str>) -> FollowerProcess {
        let url = format!("{}/graphql/ws", server.url.replacen("http", "ws", 1));
        let mut command = Command::new("node");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/npm/follow.mjs"));
        command.args([&url, &server.key]).args(after).stdout(Stdio::piped());
        let mut child = command.spawn().expect("node is there: tests/run.sh prepares it");
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            // What a kill cuts off is no line of JSON: that message did not arrive.
            let whole =
                output.lines().map_while(Result::ok).map_while(|line| serde_json::from_str(&line).ok());
            whole.map_while(|line| sender.send(line).ok()).for_each(drop);
        });
        FollowerProcess { child: ChildGuard(child), lines }
    }

    /// The next message; `None` when the process has ended.
    fn next(&self) -> Option<Value> {
        match self.lines.recv_timeout(MESSAGE_TIMEOUT) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the client says nothing"),
        }
    }

    /// Kills it; what it had said by then.
    fn kill(mut self) -> Vec<Value> {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
        std::iter::from_fn(|| self.next()).collect()
    }
}

/// Rows received, message by message.
#[derive(Default)]
struct ReceivedRows {
    rows: Vec<Row>,
    cursor: Option<String>,
}

impl ReceivedRows {
    fn take(&mut self, line: &Value) {
        assert!(line.get("ended").is_none(), "{line}");
        assert_eq!(line["gap"], Value::Null, "nothing is lost");
        for row in line["rows"].as_array().expect("rows") {
            let number = |i: usize| row[i].as_f64().expect("a number");
            self.rows.push((number(0) as i64, row[1].as_str().expect("a time").to_owned(), number(2)));
        }
        self.cursor = Some(line["cursor"].as_str().expect("a cursor").to_owned());
    }
}

/// Mostly new rows, some late, some in the place of earlier ones; each value is another.
async fn write(client: &Client, streams: &[i64], rng: &mut StdRng, value: &mut f64) -> Vec<Row> {
    let mut rows = std::collections::BTreeMap::new();
    while rows.len() < ROWS {
        let stream = streams[rng.random_range(0..streams.len())];
        let second = match rng.random_bool(0.8) {
            true => 1_000_000 + *value as i64,
            false => rng.random_range(0..2_000),
        };
        *value += 1.0;
        rows.insert((stream, START + second * 1_000_000), *value);
    }
    let line = |((stream, ts), value): (&(i64, i64), &f64)| {
        let ts = basalt::domain::Micros(*ts).to_iso();
        json!({ "stream_id": stream, "ts": ts, "value": value }).to_string() + "\n"
    };
    let body: String = rows.iter().map(line).collect();
    client.ingest("application/x-ndjson", body).await.ok();
    let written = rows.into_iter();
    written.map(|((stream, ts), value)| (stream, basalt::domain::Micros(ts).to_iso(), value)).collect()
}

/// 100,000 values, late ones and such that replace others among them; the client is killed again and again, and the server
/// once, while they are written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graphql_ws_is_killed_and_resumes_without_loss_or_doubles() {
    let (mut server, client) =
        Server::with_client(&[("BASALT_FLUSH__BYTES", "1MB"), ("BASALT_LIVE__RING", "200kB")]).await;
    let mut streams = Vec::new();
    for name in ["a", "b", "c"] {
        streams.push(stream_of(&client, name, "fp64").await.1);
    }
    let mut rng = StdRng::seed_from_u64(5);
    let (mut got, mut written, mut value) = (ReceivedRows::default(), Vec::new(), 0.0);
    let mut follower = FollowerProcess::start(&server, None);
    got.take(&follower.next().expect("where it begins"));
    let requests = sized(70, 200);
    for request in 0..requests {
        written.extend(write(&client, &streams, &mut rng, &mut value).await);
        if request == requests / 2 {
            follower.kill().iter().for_each(|line| got.take(line));
            server.crash().await;
            follower = FollowerProcess::start(&server, got.cursor.as_deref());
        } else if rng.random_bool(0.08) {
            follower.kill().iter().for_each(|line| got.take(line));
            follower = FollowerProcess::start(&server, got.cursor.as_deref());
        }
    }
    while got.rows.len() < written.len() {
        got.take(&follower.next().expect("the rest"));
    }
    assert_eq!(written.len(), requests * ROWS);
    let first = got.rows.iter().zip(&written).position(|(got, written)| got != written);
    assert_eq!(first, None, "the first difference; {} rows came of {}", got.rows.len(), written.len());
    assert_eq!(got.rows.len(), written.len());
}
