//! Whether the parts of the server are able to serve.

use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::App;
use crate::domain::{Error, Kind, Result};

/// A part that takes longer than this to say it is well is not.
const CHECK_TIME: Duration = Duration::from_secs(5);

/// What can be asked after. Parts this server does not run have no name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The catalog's database.
    Db,
    /// The bus and the cache: here they live in this process, so whoever can ask has them.
    Redis,
    /// The data directory takes a durable write.
    Disk,
    /// The collectors run.
    Poller,
}

impl Check {
    pub const ALL: [Check; 4] = [Check::Db, Check::Redis, Check::Disk, Check::Poller];

    pub fn name(self) -> &'static str {
        match self {
            Check::Db => "db",
            Check::Redis => "redis",
            Check::Disk => "disk",
            Check::Poller => "poller",
        }
    }
}

impl FromStr for Check {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Check::ALL
            .into_iter()
            .find(|c| c.name() == text)
            .ok_or_else(|| Error::field("checks", format!("\"{text}\" is not a valid choice.")))
    }
}

impl App {
    /// Fails, within seconds, when a part is not well. Needs no principal: it tells nothing but that.
    pub async fn check(&self, check: Check) -> Result<()> {
        match check {
            Check::Db => in_time(self.store.catalog().ping()).await,
            Check::Redis => Ok(()),
            Check::Disk => in_time(self.probe_disk()).await,
            Check::Poller => match self.collectors.get() {
                Some(_) => Ok(()),
                None => Err(Error::unavailable("no collectors are running")),
            },
        }
    }

    async fn probe_disk(&self) -> Result<()> {
        let dir = self.settings.data_dir.clone();
        let probed = tokio::task::spawn_blocking(move || probe(&dir)).await;
        let probed = probed.map_err(|e| Error::internal("the disk probe stopped").because(e))?;
        probed.map_err(|e| Error::unavailable("the data directory takes no writes").because(e))
    }
}

/// Writes a small file durably and removes it. Probes at the same time share its name and do each other no harm.
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
