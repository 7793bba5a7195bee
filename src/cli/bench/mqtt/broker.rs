//! The broker that is measured: a server of the bench's own, or another one that runs already.

use std::time::{Duration, Instant};

use crate::cli::bench::args;
use crate::cli::bench::process;
use crate::cli::bench::server::{BenchDir, BenchServer};
use crate::domain::{Error, Result};

/// Connections beside the idle ones.
const OTHER_CONNECTIONS: usize = 1000;

/// Address, key and process of the measured broker; without a process its memory and processor time are unknown.
pub struct Broker {
    pub address: String,
    /// `None`: anybody is admitted.
    pub key: Option<String>,
    server: Option<BenchServer>,
    pid: Option<u32>,
}

impl Broker {
    /// Starts a server, unless the arguments name another broker.
    pub async fn start(args: &args::Mqtt) -> Result<Broker> {
        if let Some(address) = &args.address {
            return Ok(Broker { address: address.clone(), key: None, server: None, pid: args.pid });
        }
        let connections = args.idle + args.clients + args.subscribers + OTHER_CONNECTIONS;
        let settings = vec![
            ("BASALT_MQTT__LISTEN", "127.0.0.1:0".to_owned()),
            ("BASALT_MQTT__CONNECTIONS", connections.to_string()),
            ("BASALT_MQTT__SUBSCRIBED_SESSIONS", connections.to_string()),
        ];
        let server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, settings).await?;
        let address = server.listen_address("mqtt").map(str::to_owned);
        let address =
            address.ok_or_else(|| Error::internal("the server does not tell where MQTT listens"))?;
        let (key, pid) = (Some(server.key.clone()), server.pid());
        Ok(Broker { address, key, server: Some(server), pid })
    }

    /// Returns as many topics as are asked for, each of a stream of its own, and the filter of them all.
    pub async fn topics(&self, count: usize) -> Result<(Vec<String>, String)> {
        let Some(server) = &self.server else {
            let topics = (0..count).map(|number| format!("basalt/bench/{number}")).collect();
            return Ok((topics, "basalt/bench/+".to_owned()));
        };
        server.create_devices(1, count).await?;
        let device = server.newest_device();
        let topics = (0..count).map(|number| format!("basalt/{device}/signal {number}")).collect();
        Ok((topics, format!("basalt/{device}/+")))
    }

    /// Returns the number of readings stored, where they can be counted.
    pub async fn count(&self) -> Result<Option<usize>> {
        match &self.server {
            Some(server) => Ok(Some(server.count().await?)),
            None => Ok(None),
        }
    }

    /// Returns the resident memory (Linux).
    pub fn memory_bytes(&self) -> Option<u64> {
        process::memory_bytes(self.pid?, "VmRSS:")
    }

    /// Returns the most memory that was resident at once (Linux).
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        process::memory_bytes(self.pid?, "VmHWM:")
    }

    /// Begins to count processor time.
    pub fn cpu_share(&self) -> CpuShare {
        CpuShare { pid: self.pid, before: self.pid.and_then(process::cpu_time), started: Instant::now() }
    }

    /// Stops the bench's own server; another broker keeps running.
    pub async fn stop(self) -> Result<()> {
        match self.server {
            Some(mut server) => server.stop().await,
            None => Ok(()),
        }
    }
}

/// Processor time of the broker since this was made.
pub struct CpuShare {
    pid: Option<u32>,
    before: Option<Duration>,
    started: Instant,
}

impl CpuShare {
    /// Returns the share of one core, in per cent.
    pub fn percent(&self) -> String {
        let after = self.pid.and_then(process::cpu_time);
        let used = after.zip(self.before).map(|(after, before)| after.saturating_sub(before));
        let share = used.map(|used| used.as_secs_f64() / self.started.elapsed().as_secs_f64() * 100.0);
        share.map_or("-".to_owned(), |share| format!("{share:.0} %"))
    }
}
