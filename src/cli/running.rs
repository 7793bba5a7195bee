//! `DATA_DIR/run/server.json`: how a command on the same directory finds the server that has it open.
//!
//! Only the owner can read it: whoever has the token may do everything. It is a claim, not a proof; the proof is the
//! lock (lock.rs), so a file left by a crash misleads nobody.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::{Error, Result};

/// A running server as it introduces itself. No `Debug`: it carries a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub url: String,
    pub token: String,
    /// The certificate of an `https` URL, PEM: whoever asks that URL trusts this one and no other.
    #[serde(default)]
    pub certificate: Option<String>,
}

impl Running {
    /// Publishes it, complete or not at all, readable by the owner only.
    pub fn publish(&self, data_dir: &Path) -> Result<()> {
        let path = path_of(data_dir);
        self.write(&path)
            .map_err(|e| Error::unavailable(format!("{} cannot be written: {e}", path.display())).because(e))
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

    /// What the last server said, if it is there and whole.
    pub fn read(data_dir: &Path) -> Option<Running> {
        serde_json::from_slice(&fs::read(path_of(data_dir)).ok()?).ok()
    }

    /// Takes it back. Its absence is what was wanted, so that is no failure.
    pub fn withdraw(data_dir: &Path) -> std::io::Result<()> {
        remove(&path_of(data_dir))
    }
}

fn path_of(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("server.json")
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
        assert!(Running::read(dir.path()).is_none());
        let running =
            Running { pid: 7, url: "http://127.0.0.1:8000".into(), token: "t".into(), certificate: None };
        running.publish(dir.path()).expect("written");
        running.publish(dir.path()).expect("written over one that a crash left");
        assert!(Running::read(dir.path()) == Some(running));

        let mode = fs::metadata(path_of(dir.path())).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        Running::withdraw(dir.path()).expect("removed");
        Running::withdraw(dir.path()).expect("gone already");
        assert!(Running::read(dir.path()).is_none());
    }

    #[test]
    fn a_broken_file_is_no_server() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("run")).expect("made");
        fs::write(path_of(dir.path()), "{\"pid\": 7, \"url\"").expect("written");
        assert!(Running::read(dir.path()).is_none());
    }
}
