//! An installation as `basalt doctor` finds it: configuration, data directory, and the server that has it open.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::Access;
use rustix::process::geteuid;

use crate::cli::config::{Config, NodeRole};
use crate::cli::dir_lock::{self, LockHolder};
use crate::cli::instance;
use crate::cli::remote::RemoteClient;
use crate::cli::server_file::ServerFile;
use crate::domain::{Error, Result};

/// How long the running server may take to say its version.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Subject of the checks.
pub struct Installation {
    pub config: Config,
    /// The file of `--config`.
    config_file: Option<PathBuf>,
    /// Absolute path of the data directory.
    pub data_dir: PathBuf,
    /// Process that has it open; an error when that cannot be told.
    pub lock: io::Result<LockHolder>,
    /// Access of this user to it.
    pub access: DirectoryAccess,
    /// The server that has it open, with the version that it said.
    pub server: Option<RunningServer>,
}

/// Access of this user to a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryAccess {
    /// It holds data, which this user can read.
    Granted,
    /// It is not there, or has never held data.
    NoData,
    /// It is not for this user, so that nothing in it can be told.
    Denied,
}

/// A server that has the data directory open.
pub struct RunningServer {
    pub url: String,
    /// An error when it did not answer.
    pub version: Result<String>,
}

impl Installation {
    /// Finds out who has the data directory open, and asks the server for its version.
    pub async fn find(config: Config, config_file: Option<PathBuf>) -> Installation {
        let data_dir = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
        let lock = dir_lock::holder(&data_dir);
        let access = access_of(&data_dir, &lock);
        let pid = lock.as_ref().ok().and_then(process);
        let file = ServerFile::read(&data_dir).filter(|file| Some(file.pid) == pid);
        let server = match file {
            Some(file) => Some(RunningServer { version: version(&file, &data_dir).await, url: file.url }),
            None => None,
        };
        Installation { config, config_file, data_dir, lock, access, server }
    }

    /// Returns the process that has the data directory open, if it is known.
    pub fn pid(&self) -> Option<u32> {
        self.lock.as_ref().ok().and_then(process)
    }

    /// Whether it is a node that only answers queries: it has no write-ahead log, and writes nothing to the lake.
    pub fn is_query_node(&self) -> bool {
        self.config.cluster.role == NodeRole::Query
    }

    /// Returns the file of the catalog; `None` where that is in another database than SQLite.
    pub fn catalog_file(&self) -> Option<PathBuf> {
        let url = instance::catalog_url(&self.config);
        let path = url.strip_prefix("sqlite://")?;
        Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
    }

    /// Returns the flags that name this installation in a command.
    pub fn flags(&self) -> String {
        let file = self.config_file.as_ref().map(|file| format!("--config {} ", file.display()));
        format!("{}--data-dir {}", file.unwrap_or_default(), self.data_dir.display())
    }

    /// Runs a check that depends on whether a process has the data directory open, and once more where that has changed
    /// meanwhile; `None` when it has changed again. It is taken to be open where that cannot be told.
    pub async fn run_steady<T, F: Future<Output = T>>(&self, check: impl Fn(bool) -> F) -> Option<T> {
        repeat_when_changed(|| dir_lock::holder(&self.data_dir).ok(), check).await
    }
}

async fn repeat_when_changed<T, F: Future<Output = T>>(
    holder: impl Fn() -> Option<LockHolder>,
    check: impl Fn(bool) -> F,
) -> Option<T> {
    for _ in 0..2 {
        let before = holder();
        let checked = check(before != Some(LockHolder::Nobody)).await;
        if holder() == before {
            return Some(checked);
        }
    }
    None
}

fn access_of(data_dir: &Path, lock: &io::Result<LockHolder>) -> DirectoryAccess {
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let dir = rustix::fs::access(data_dir, all).err().map(|e| io::Error::from(e).kind());
    let is_owner = std::fs::metadata(data_dir).is_ok_and(|meta| meta.uid() == geteuid().as_raw());
    judge_access(lock.as_ref().err().map(io::Error::kind), dir, is_owner)
}

/// Judges the errors of opening the lock for reading, and of asking for all rights on the directory.
fn judge_access(lock: Option<ErrorKind>, dir: Option<ErrorKind>, is_owner: bool) -> DirectoryAccess {
    match (lock, dir) {
        (Some(ErrorKind::NotFound | ErrorKind::NotADirectory), _) => DirectoryAccess::NoData,
        (Some(ErrorKind::PermissionDenied), _) => DirectoryAccess::Denied,
        // The files in it are the owner's alone. The owner can read them without the right to write.
        (_, Some(ErrorKind::PermissionDenied)) if !is_owner => DirectoryAccess::Denied,
        _ => DirectoryAccess::Granted,
    }
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_directory_of_another_user_is_not_an_empty_one() {
        let denied = Some(ErrorKind::PermissionDenied);
        let missing = Some(ErrorKind::NotFound);
        let rows = [
            ("own", None, None, true, DirectoryAccess::Granted),
            ("own_without_the_right_to_write", None, denied, true, DirectoryAccess::Granted),
            ("own_that_cannot_be_entered", denied, denied, true, DirectoryAccess::Denied),
            ("of_another", denied, denied, false, DirectoryAccess::Denied),
            ("the_group_may_read", None, denied, false, DirectoryAccess::Denied),
            (
                "on_a_disk_that_is_read_only",
                None,
                Some(ErrorKind::ReadOnlyFilesystem),
                false,
                DirectoryAccess::Granted,
            ),
            ("missing", missing, missing, false, DirectoryAccess::NoData),
            ("a_file", Some(ErrorKind::NotADirectory), None, true, DirectoryAccess::NoData),
            ("never_used", missing, denied, false, DirectoryAccess::NoData),
            ("a_disk_that_fails", Some(ErrorKind::Other), None, true, DirectoryAccess::Granted),
        ];
        for (name, lock, dir, is_owner, expected) in rows {
            assert_eq!(judge_access(lock, dir, is_owner), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_check_is_run_again_when_the_directory_was_opened_meanwhile() {
        let (nobody, one) = (Some(LockHolder::Nobody), Some(LockHolder::Process(Some(1))));
        type Row<'a> = (&'a str, &'a [Option<LockHolder>], Option<bool>);
        let rows: [Row; 5] = [
            ("closed", &[nobody, nobody], Some(false)),
            ("open", &[one, one], Some(true)),
            ("unknown", &[None, None], Some(true)),
            ("opened", &[nobody, one, one, one], Some(true)),
            ("opened_and_closed", &[nobody, one, one, nobody], None),
        ];
        for (name, holders, expected) in rows {
            let left = RefCell::new(holders.iter().copied());
            let next = || left.borrow_mut().next().expect("no more than is needed");
            let found = repeat_when_changed(next, std::future::ready).await;
            assert_eq!((found, left.borrow().len()), (expected, 0), "{name}");
        }
    }
}
