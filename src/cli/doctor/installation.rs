//! An installation as `basalt doctor` finds it: configuration, data directory, and the server that has it open.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::config::Config;
use crate::cli::dir_lock::{self, LockHolder};
use crate::cli::remote::RemoteClient;
use crate::cli::server_file::ServerFile;
use crate::domain::{Error, Result};

/// How long the running server may take to say its version.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the checks look at.
pub struct Installation {
    pub config: Config,
    /// Absolute path of the data directory.
    pub data_dir: PathBuf,
    /// Who has it open; an error when that cannot be told.
    pub lock: std::io::Result<LockHolder>,
    /// The server that has it open, with the version that it said.
    pub server: Option<RunningServer>,
}

/// A server that has the data directory open.
pub struct RunningServer {
    pub url: String,
    /// An error when it did not answer.
    pub version: Result<String>,
}

impl Installation {
    /// Finds out who has the data directory open, and asks the server for its version.
    pub async fn find(config: Config) -> Installation {
        let data_dir = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
        let lock = dir_lock::holder(&data_dir);
        let pid = lock.as_ref().ok().and_then(process);
        let file = ServerFile::read(&data_dir).filter(|file| Some(file.pid) == pid);
        let server = match file {
            Some(file) => Some(RunningServer { version: version(&file, &data_dir).await, url: file.url }),
            None => None,
        };
        Installation { config, data_dir, lock, server }
    }

    /// Returns the process that has the data directory open, if it is known.
    pub fn pid(&self) -> Option<u32> {
        self.lock.as_ref().ok().and_then(process)
    }

    /// Whether a process has the data directory open; so it is taken to be where that cannot be told.
    pub fn is_open(&self) -> bool {
        !matches!(self.lock, Ok(LockHolder::Nobody))
    }

    /// Whether the data directory has ever held data.
    pub fn has_data(&self) -> bool {
        dir_lock::was_data_dir(&self.data_dir)
    }

    /// Returns the flag that names this data directory in a command.
    pub fn flag(&self) -> String {
        flag(&self.data_dir)
    }
}

/// Returns the flag that names a data directory in a command.
pub fn flag(data_dir: &Path) -> String {
    format!("--data-dir {}", data_dir.display())
}

fn process(holder: &LockHolder) -> Option<u32> {
    match holder {
        LockHolder::Nobody => None,
        LockHolder::Process(pid) => *pid,
    }
}

async fn version(file: &ServerFile, data_dir: &Path) -> Result<String> {
    let client = RemoteClient::connect_local(file, data_dir, None)?;
    let silent =
        |_| Error::unavailable(format!("{} did not answer within {} s", file.url, ANSWER_TIMEOUT.as_secs()));
    tokio::time::timeout(ANSWER_TIMEOUT, client.version()).await.map_err(silent)?
}
