//! Other people's clients of socket.io 2.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{DEVICE, Gateway, NOON};
use crate::support::{ChildGuard, node_script, script};

const LINE_TIMEOUT: Duration = Duration::from_secs(60);
const TRANSPORTS: [&str; 3] = ["polling", "websocket", "polling,websocket"];
/// A character that clients count differently.
const PAYLOAD: &str = r#"{"Motor RPM":1200.5,"text":"é😀"}"#;

/// A process of a client; dropping it kills it.
struct PeerProcess {
    _child: ChildGuard,
    lines: mpsc::Receiver<Value>,
}

impl PeerProcess {
    fn start(mut command: Command) -> PeerProcess {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("tests/run.sh prepares it");
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            let mut lines = lines.map(|line| serde_json::from_str(&line).expect("JSON"));
            lines.try_for_each(|line| sender.send(line))
        });
        PeerProcess { _child: ChildGuard(child), lines }
    }

    /// The next line, while other tasks go on.
    async fn next(&self) -> Value {
        tokio::task::block_in_place(|| self.lines.recv_timeout(LINE_TIMEOUT))
            .expect("the client says something")
    }
}

fn node(gateway: &Gateway, transports: &str) -> PeerProcess {
    let mut command = node_script("socket_io.mjs");
    command.args([&gateway.url, DEVICE, transports]);
    PeerProcess::start(command)
}

/// The events of a message, in order.
fn events(action: &str, payload: &Value) -> [Value; 3] {
    let ts = "2026-04-28T12:00:00.000Z";
    [
        json!([action, {"deviceId": DEVICE, "payload": payload, "ts": ts}]),
        json!([DEVICE, {"action": action, "payload": payload, "ts": ts}]),
        json!([format!("{action}_{DEVICE}"), payload]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_io_client_2_follows_on_every_transport() {
    let payload: Value = serde_json::from_str(PAYLOAD).unwrap();
    for transports in TRANSPORTS {
        let gateway = Gateway::start().await;
        let peer = node(&gateway, transports);
        let mut greetings = BTreeSet::new();
        let expected = if transports.contains(',') { 3 } else { 2 };
        while greetings.len() < expected {
            greetings.insert(peer.next().await.to_string());
        }
        let mut lines = vec![r#"["connect"]"#, r#"["other","Invalid namespace"]"#];
        lines.extend((expected == 3).then_some(r#"["upgrade"]"#));
        let lines: BTreeSet<String> = lines.into_iter().map(str::to_owned).collect();
        assert_eq!(greetings, lines, "{transports}");
        for round in 0..20 {
            gateway.messages.store(round, DEVICE, NOON, PAYLOAD);
            gateway.messages.answer_status(DEVICE, NOON, PAYLOAD);
            gateway.messages.store(round + 100, "other-dev", NOON, "{}");

            for event in events("data", &payload).into_iter().chain(events("status", &payload)) {
                assert_eq!(peer.next().await, event, "{transports}");
            }
            let line = peer.next().await;
            assert_eq!([&line[0], &line[1]["deviceId"]], ["data", "other-dev"], "{transports}");
        }
        // The server ends it.
        gateway.messages.end_feeds();
        assert_eq!(peer.next().await[0], "disconnect", "{transports}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_socketio_4_follows_on_every_transport() {
    let payload: Value = serde_json::from_str(PAYLOAD).unwrap();
    for transports in TRANSPORTS {
        let gateway = Gateway::start().await;
        let mut command = script("socket_io.py");
        command.args([&gateway.url, DEVICE, transports]);
        let peer = PeerProcess::start(command);
        let last = transports.rsplit(',').next().unwrap();
        assert_eq!(peer.next().await, json!(["connect", last]));
        for round in 0..20 {
            gateway.messages.store(round, DEVICE, NOON, PAYLOAD);
            gateway.messages.answer_status(DEVICE, NOON, PAYLOAD);
            let mut lines = Vec::new();
            while lines.len() < 6 {
                lines.push(peer.next().await);
            }
            for event in events("data", &payload).into_iter().chain(events("status", &payload)) {
                assert!(lines.contains(&event), "{transports}: {event} is not in {lines:?}");
            }
        }
        gateway.messages.end_feeds();
        assert_eq!(peer.next().await, json!(["disconnect"]), "{transports}");
    }
}

/// The client pings every 25 s; the session would end after 30.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_pings_stays() {
    let gateway = Gateway::start().await;
    let peers = TRANSPORTS.map(|transports| node(&gateway, transports));
    tokio::time::sleep(Duration::from_secs(36)).await;
    gateway.messages.store(1, DEVICE, NOON, "{}");
    for (peer, transports) in peers.iter().zip(TRANSPORTS) {
        let mut line = peer.next().await;
        while ["connect", "other", "upgrade"].iter().any(|greeting| line[0] == *greeting) {
            line = peer.next().await;
        }
        assert_eq!(line[0], "data", "{transports}: {line}");
    }
}
