//! Support of the cases in this binary: the real program on a data directory of its own, asked over real sockets.
//!
//! Everything here waits for an event (a line of a log, an exit, an answer), none of it for a time to pass.

mod answer;
mod browser;
mod case_size;
mod child_guard;
mod client;
mod cluster;
mod data_dir;
mod demo;
mod headers;
mod json;
mod link;
mod macros;
mod metrics;
mod opcua;
mod organizations;
mod peer_process;
mod peers;
mod postgres;
mod records;
mod s3_proxy;
mod server;
mod simulator;
mod socket;
mod words;

pub use answer::Answer;
pub(crate) use basalt_fuzz::rows;
pub use browser::{Browser, PASSWORD};
pub use case_size::{has_turn, one_in, seeds, sized, test_seed};
pub use child_guard::ChildGuard;
pub use client::Client;
pub use cluster::{Cluster, SECRET, database};
pub use data_dir::{CommandOutput, DataDir};
pub use demo::DemoProcess;
pub use json::{assert_members, column, with};
pub use link::{Link, LinkFault};
pub(crate) use macros::{row_vec, until};
pub use opcua::{OpcuaPeer, OpcuaServer};
pub use peers::{
    ANY_SIGNATURE, EipController, ModbusDevice, ModbusLine, MqttPeer, ObjectStore, S7Cpu, SparkplugNode,
    node_script, run_example, run_node, run_python, script,
};
pub use postgres::PostgresServer;
pub use records::{event, posted_minute};
pub use s3_proxy::{CommitFilter, CommitGate, S3Proxy, StoreFault};
pub use server::{Server, free_port};
pub use simulator::SimulatorProcess;
pub use socket::{PROTOCOL, WsClient, WsEvent};
pub use words::assert_contains;

use std::future::Future;
use std::time::{Duration, Instant};

/// How long `eventually` waits between two questions.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Asks `probe` until it answers something, at most for `limit`; fails with what was waited for.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let begin = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        let waited = begin.elapsed();
        assert!(waited < limit, "not within {limit:?}: {what}");
        // Who waits long asks less often: asking is what a case that waits costs.
        tokio::time::sleep((waited / 20).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
}
