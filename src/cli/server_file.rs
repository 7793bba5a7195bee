//! `DATA_DIR/run/server.json`: tells commands on the same directory how to reach the server that has it open.
//!
//! Only the owner can read it, because its token permits everything. It is a claim, not a proof: the lock is the proof
//! (dir_lock.rs), so a file left by a crash misleads nobody.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::{Error, Result};

/// How to reach a running server. No `Debug`: it carries a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerFile {
    pub pid: u32,
    pub url: String,
    pub token: String,
    /// Certificate of an `https` URL (PEM); clients of that URL trust only this one.
    #[serde(default)]
    pub certificate: Option<String>,
}

impl ServerFile {
    /// Writes the file atomically, readable by the owner only. Returns whether it did: on a full disk a server starts all the same,
    /// and commands do not find it before the file is written. That of the server before is removed then.
    pub fn publish(&self, data_dir: &Path) -> Result<bool> {
        let path = path_of(data_dir);
        let is_published = outcome_of(self.write(&path), &path)?;
        if !is_published {
            ServerFile::delete(data_dir).map_err(|e| cannot_write(&path, e))?;
        }
        Ok(is_published)
    }

    fn write(&self, path: &Path) -> std::io::Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let unfinished = path.with_extension("json.new");
        remove(&unfinished)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())?;
        fs::rename(&unfinished, path)
    }

    /// Reads the file of the last server, if it exists and is valid.
    pub fn read(data_dir: &Path) -> Option<ServerFile> {
        serde_json::from_slice(&fs::read(path_of(data_dir)).ok()?).ok()
    }

    /// Deletes the file; a missing file is no error.
    pub fn delete(data_dir: &Path) -> std::io::Result<()> {
        remove(&path_of(data_dir))
    }
}

fn path_of(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("server.json")
}

/// Whether a write has succeeded; `false` when the disk was full.
fn outcome_of(written: std::io::Result<()>, path: &Path) -> Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => Ok(false),
        Err(error) => Err(cannot_write(path, error)),
    }
}

fn cannot_write(path: &Path, error: std::io::Error) -> Error {
    Error::unavailable(format!("{} cannot be written: {error}", path.display())).with_source(error)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_found_again_by_the_owner_only() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(ServerFile::read(dir.path()).is_none());
        let running =
            ServerFile { pid: 7, url: "http://127.0.0.1:8000".into(), token: "t".into(), certificate: None };
        assert!(running.publish(dir.path()).expect("written"));
        assert!(running.publish(dir.path()).expect("written over one that a crash left"));
        assert!(ServerFile::read(dir.path()) == Some(running));

        let mode = fs::metadata(path_of(dir.path())).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        ServerFile::delete(dir.path()).expect("removed");
        ServerFile::delete(dir.path()).expect("gone already");
        assert!(ServerFile::read(dir.path()).is_none());
    }

    #[test]
    fn only_a_full_disk_lets_a_server_run_without_it() {
        let outcome = |kind: ErrorKind| outcome_of(Err(kind.into()), Path::new("run/server.json"));
        assert!(
            !outcome(ErrorKind::StorageFull).expect("it goes on")
                && !outcome(ErrorKind::QuotaExceeded).expect("too")
        );
        let refusal = outcome(ErrorKind::PermissionDenied).expect_err("commands would never find it");
        assert!(refusal.message.starts_with("run/server.json cannot be written"), "{refusal}");
    }

    #[test]
    fn a_broken_file_is_no_server() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("run")).expect("made");
        fs::write(path_of(dir.path()), "{\"pid\": 7, \"url\"").expect("written");
        assert!(ServerFile::read(dir.path()).is_none());
    }
}
