//! Health checks of the server's parts.

use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::ServerState;
use crate::domain::cluster::TailRequest;
use crate::domain::named_enum::named_enum;
use crate::domain::{Error, Kind, OrgId, Result};

/// A part that does not answer its check within this time is unhealthy.
const CHECK_TIME: Duration = Duration::from_secs(5);

/// How long a disk probe's result is reused: callers need no key, and each probe is an fsync.
const PROBE_CACHE_TTL: Duration = Duration::from_secs(5);

/// Name of the broker among the listeners.
const BROKER: &str = "mqtt";

named_enum! {
    /// A checkable part. Parts that this server does not run have no name here.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Check {
        /// The catalog's database.
        Db = "db",
        /// The bus and the cache. They live in this process, so they are healthy whenever the server answers.
        Redis = "redis",
        /// The data directory accepts a durable write.
        Disk = "disk",
        /// The collectors are running.
        Poller = "poller",
        /// The MQTT broker listens.
        Mqtt = "mqtt",
    }
}

impl Check {
    /// The error of a name that no part of this server has.
    pub fn unknown(name: &str) -> Error {
        Error::field("checks", format!("\"{name}\" is not a valid choice."))
    }
}

impl FromStr for Check {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Check::from_name(text).ok_or_else(|| Check::unknown(text))
    }
}

impl ServerState {
    /// Returns the parts that this server runs: the broker only where it has one.
    pub fn checks(&self) -> impl Iterator<Item = Check> {
        let has_broker = self.has_broker();
        Check::ALL.into_iter().filter(move |check| *check != Check::Mqtt || has_broker)
    }

    /// Whether the MQTT broker listens.
    fn has_broker(&self) -> bool {
        self.connections.read().iter().any(|one| one.listener == BROKER)
    }

    /// Fails within seconds when a part is unhealthy. It needs no principal because it reveals nothing else.
    pub async fn check(&self, check: Check) -> Result<()> {
        match check {
            Check::Db => in_time(self.store.catalog().ping()).await,
            Check::Redis => Ok(()),
            Check::Disk => {
                self.store.check_ownership()?;
                in_time(self.probe_disk()).await
            }
            // The collectors of a query node are those of the ingest node, without which it answers nothing.
            Check::Poller if self.store.is_replica() => in_time(self.check_owner()).await,
            Check::Poller => match self.states.collectors.get() {
                Some(_) => Ok(()),
                None => Err(Error::unavailable("no collectors are running")),
            },
            // A broker that cannot listen any more ends the server.
            Check::Mqtt if self.has_broker() => Ok(()),
            Check::Mqtt => Err(Error::unavailable("no MQTT broker is listening")),
        }
    }

    async fn check_owner(&self) -> Result<()> {
        // Anybody may ask for this check, so it makes the owner copy no rows: no organization has this id.
        let wanted = TailRequest::for_rows(OrgId(0));
        self.store.current_snapshot(wanted).await.map(drop)
    }

    async fn probe_disk(&self) -> Result<()> {
        let dir = self.data_dir.clone();
        let probed = self.disk_probe.current(Instant::now(), move || probe(&dir)).await;
        probed
            .map_err(|e| Error::unavailable("the data directory is not writable").with_source(e.to_string()))
    }
}

type SharedProbe = Shared<BoxFuture<'static, Result<(), Arc<str>>>>;

/// The last disk probe, or the running one: one at a time serves all callers.
#[derive(Default)]
pub(super) struct DiskProbe(Mutex<Option<(Instant, SharedProbe)>>);

impl DiskProbe {
    /// Returns a recent result, or that of the running or a new probe.
    fn current(&self, now: Instant, probe: impl FnOnce() -> io::Result<()> + Send + 'static) -> SharedProbe {
        let mut last = self.0.lock();
        if let Some((begun, probing)) = &*last
            && (probing.peek().is_none() || now < *begun + PROBE_CACHE_TTL)
        {
            return probing.clone();
        }
        // The probe runs to its end even if no caller waits for it.
        let running = tokio::task::spawn_blocking(probe);
        let probing = async move {
            let probed = running.await.map_err(|e| Arc::from(format!("the disk probe stopped: {e}")))?;
            probed.map_err(|e| Arc::from(e.to_string()))
        };
        let probing = probing.boxed().shared();
        *last = Some((now, probing.clone()));
        probing
    }
}

/// Writes a small file durably and removes it.
fn probe(dir: &Path) -> io::Result<()> {
    let path = dir.join(".probe");
    let mut file = File::create(&path)?;
    let written = file.write_all(b"well").and_then(|()| file.sync_all());
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => written,
    }
}

async fn in_time(check: impl Future<Output = Result<()>>) -> Result<()> {
    let late = || Error::new(Kind::Timeout, "the check took too long");
    tokio::time::timeout(CHECK_TIME, check).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_probe_answers_all_who_ask() {
        let (disk, probes) = (DiskProbe::default(), Arc::new(AtomicUsize::new(0)));
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let finished = Mutex::new(finished);
        let slow = {
            let probes = probes.clone();
            move || {
                probes.fetch_add(1, Ordering::SeqCst);
                finished.lock().recv().map_err(io::Error::other)
            }
        };
        let counted = || {
            let probes = probes.clone();
            move || {
                probes.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        };
        let now = Instant::now();
        // The first caller gives up; its probe continues, and no second one starts beside it.
        let given_up = tokio::time::timeout(Duration::from_millis(50), disk.current(now, slow)).await;
        assert!(given_up.is_err());
        let others: Vec<_> = (0..100).map(|_| disk.current(now + PROBE_CACHE_TTL, counted())).collect();
        finish.send(()).expect("the probe waits");
        for other in others {
            assert_eq!(other.await, Ok(()));
        }
        assert_eq!(disk.current(now, counted()).await, Ok(()));
        assert_eq!(probes.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_was_found_is_kept_for_a_moment_only() {
        let (disk, now) = (DiskProbe::default(), Instant::now());
        let full: Result<(), Arc<str>> = Err(Arc::from("full"));
        assert_eq!(disk.current(now, || Err(io::Error::other("full"))).await, full);
        assert_eq!(disk.current(now, || Ok(())).await, full);
        assert_eq!(disk.current(now + PROBE_CACHE_TTL, || Ok(())).await, Ok(()));
    }
}
