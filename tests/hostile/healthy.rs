//! A server under attack, and the healthy client whose requests must go on being answered meanwhile.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{Client, Server};

/// The address space of the server, MiB.
const ADDRESS_SPACE_MIB: u64 = 4096;
/// Pause between two requests of the healthy client.
const PAUSE: Duration = Duration::from_millis(50);

/// A server with 4 GiB of address space, beside whose hostile clients a healthy one writes and reads.
pub struct AttackedServer {
    pub server: Server,
    /// A numeric stream for whoever needs one; the healthy client has another.
    pub stream: i64,
    stop: watch::Sender<bool>,
    healthy: JoinHandle<Vec<LateRequest>>,
}

/// A request of the healthy client that failed or took too long.
#[derive(Debug)]
#[allow(dead_code, reason = "shown by the assertion")]
struct LateRequest {
    what: &'static str,
    took: Duration,
    status: u16,
    body: String,
}

impl AttackedServer {
    /// Starts the server with default settings but for `env`, and the healthy client.
    pub async fn start(env: &[(&str, &str)]) -> AttackedServer {
        let server = Server::start_limited(ADDRESS_SPACE_MIB, env).await;
        let client = server.client();
        let device =
            created(&client, "/api/device/", json!({ "name": "Plant", "protocol": "virtual" })).await;
        let mut streams = Vec::new();
        for name in ["attacked", "healthy"] {
            let body = json!({ "device": device, "name": name, "type": "fp64" });
            streams.push(created(&client, "/api/data/", body).await);
        }
        let (stop, stopped) = watch::channel(false);
        let healthy = tokio::spawn(ask_until(stopped, client, streams[1]));
        AttackedServer { server, stream: streams[0], stop, healthy }
    }

    /// Ends the attack: the server is the same process, and answered every healthy request in time.
    ///
    /// Returns the most memory it held, MiB.
    pub async fn finish(self) -> u64 {
        let AttackedServer { mut server, stop, healthy, .. } = self;
        assert!(server.is_running(), "the server has ended:\n{}", server.log());
        stop.send(true).expect("the healthy client listens");
        let late = healthy.await.expect("the healthy client does not panic");
        assert!(late.is_empty(), "healthy requests failed or came late: {late:?}");
        let log = server.log();
        assert!(!log.contains("panicked"), "{log}");
        server.peak_memory_mib().unwrap_or(0)
    }
}

/// How long a healthy request may take. Debug builds on a busy machine are slow: the limit here tells starvation (which
/// lasts a minute) from slowness. `tests/long.sh hostile` measures a release build against one second.
fn patience() -> Duration {
    let given = std::env::var("BASALT_HOSTILE_PATIENCE_MS").ok();
    Duration::from_millis(given.map_or(15_000, |ms| ms.parse().expect("milliseconds")))
}

async fn ask_until(stopped: watch::Receiver<bool>, client: Client, stream: i64) -> Vec<LateRequest> {
    let mut late = Vec::new();
    let value = format!("/api/data/{stream}/value/");
    let statement = format!("SELECT count(*) AS n FROM readings WHERE stream_id = {stream}");
    while !*stopped.borrow() {
        let one = json!({ "value": 1 });
        judge(&mut late, "write", 201, client.post(&value, &one)).await;
        judge(&mut late, "read", 200, client.get(&value)).await;
        judge(&mut late, "query", 200, client.try_sql(&statement)).await;
        tokio::time::sleep(PAUSE).await;
    }
    late
}

async fn judge(
    late: &mut Vec<LateRequest>,
    what: &'static str,
    expected: u16,
    request: impl Future<Output = crate::support::Answer>,
) {
    let begun = Instant::now();
    let (status, _, body) = request.await;
    let took = begun.elapsed();
    if status != expected || took > patience() {
        late.push(LateRequest { what, took, status, body: body.to_string() });
    }
}

/// The id of what a POST creates.
async fn created(client: &Client, path: &str, body: Value) -> i64 {
    let (status, _, answer) = client.post(path, &body).await;
    assert_eq!(status, 201, "{answer}");
    answer["id"].as_i64().expect("an id")
}
