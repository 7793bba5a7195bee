//! A server under attack, and the healthy client whose requests must go on being answered meanwhile.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{Client, Server};

/// The address space of the server, MiB.
const ADDRESS_SPACE_MIB: u64 = 4096;
/// Maximum duration of a request before it counts as starved. A debug build on a busy machine took 17 s for one.
pub const STARVATION_LIMIT: Duration = Duration::from_secs(45);
/// Pause between two requests of the healthy client.
const PAUSE: Duration = Duration::from_millis(50);

/// A server with 4 GiB of address space, beside whose hostile clients a healthy one writes and reads.
pub struct AttackedServer {
    pub server: Server,
    /// A numeric stream for whoever needs one; the healthy client has another.
    pub stream: i64,
    stop: watch::Sender<bool>,
    healthy: JoinHandle<Vec<FailedRequest>>,
}

/// A request of the healthy client that was not answered as it should be.
#[derive(Debug)]
#[allow(dead_code, reason = "shown by the assertion")]
struct FailedRequest {
    what: &'static str,
    status: u16,
    body: String,
}

impl AttackedServer {
    /// Starts the server with default settings but for `env`, and the healthy client.
    pub async fn start(env: &[(&str, &str)]) -> AttackedServer {
        let server = Server::start_limited(ADDRESS_SPACE_MIB, env).await;
        let client = server.client().with_timeout(STARVATION_LIMIT);
        let device = client.create("/api/device/", &json!({ "name": "Plant", "protocol": "virtual" })).await;
        let mut streams = Vec::new();
        for name in ["attacked", "healthy"] {
            let body = json!({ "device": device, "name": name, "type": "fp64" });
            streams.push(client.create("/api/data/", &body).await);
        }
        let (stop, stopped) = watch::channel(false);
        let healthy = tokio::spawn(ask_until(stopped, client, streams[1]));
        AttackedServer { server, stream: streams[0], stop, healthy }
    }

    /// Starts the server; returns it and a client that may do everything.
    pub async fn with_client(env: &[(&str, &str)]) -> (AttackedServer, Client) {
        let attacked = AttackedServer::start(env).await;
        let client = attacked.server.client();
        (attacked, client)
    }

    /// Ends the attack: the server is the same process, and answered every healthy request.
    ///
    /// Returns the most memory it held, MiB.
    pub async fn finish(self) -> u64 {
        let AttackedServer { mut server, stop, healthy, .. } = self;
        assert!(server.is_running(), "the server has ended:\n{}", server.log());
        stop.send(true).expect("the healthy client listens");
        let failed = healthy.await.expect("the healthy client does not panic");
        assert!(failed.is_empty(), "healthy requests failed: {failed:?}");
        let log = server.log();
        assert!(!log.contains("panicked"), "{log}");
        server.peak_memory_mib().unwrap_or(0)
    }

    /// Ends the attack; the server never held so much memory, MiB.
    pub async fn finish_below(self, limit: u64) {
        let peak = self.finish().await;
        assert!(peak < limit, "{peak} MiB");
    }

    /// Ends the attack; the peak, if it could be reset, has grown by less than `growth` since, MiB.
    pub async fn finish_growing_below(self, before: Option<u64>, growth: u64) {
        let peak = self.finish().await;
        if let Some(before) = before {
            assert!(peak < before + growth, "{before} MiB before, {peak} MiB at most since");
        }
    }
}

async fn ask_until(stopped: watch::Receiver<bool>, client: Client, stream: i64) -> Vec<FailedRequest> {
    let mut failed = Vec::new();
    let value = format!("/api/data/{stream}/value/");
    let statement = format!("SELECT count(*) AS n FROM readings WHERE stream_id = {stream}");
    while !*stopped.borrow() {
        judge(&mut failed, "write", 201, client.post(&value, &json!({ "value": 1 }))).await;
        judge(&mut failed, "read", 200, client.get(&value)).await;
        judge(&mut failed, "query", 200, client.try_sql(&statement)).await;
        tokio::time::sleep(PAUSE).await;
    }
    failed
}

/// A request that waits longer than `STARVATION_LIMIT` panics the healthy client. How long the others take is measured
/// with a release build by `tests/long.sh hostile`.
async fn judge(
    failed: &mut Vec<FailedRequest>,
    what: &'static str,
    expected: u16,
    request: impl Future<Output = crate::support::Answer>,
) {
    let (status, body) = request.await.outcome();
    if status != expected {
        failed.push(FailedRequest { what, status, body: body.to_string() });
    }
}
