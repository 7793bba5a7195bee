//! One process per data directory: an advisory lock on a file in it, held while the process lives, however it ends.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::domain::{Error, Result};

const FILE: &str = "lock";

/// The right to open a data directory, given back when dropped. The file stays: removing it would let two processes
/// lock two files of the same name.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

/// What came of asking for the lock.
#[derive(Debug)]
pub enum Attempt {
    Ours(DirLock),
    /// Another process has it; its id as far as it has written it.
    Held(Option<u32>),
}

impl DirLock {
    /// Asks once, without waiting. Makes the directory if there is none.
    pub fn attempt(data_dir: &Path) -> Result<Attempt> {
        fs::create_dir_all(data_dir).map_err(|e| unusable(data_dir, e))?;
        let path = file_of(data_dir);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|e| unusable(&path, e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                write_pid(&mut file).map_err(|e| unusable(&path, e))?;
                Ok(Attempt::Ours(DirLock { _file: file }))
            }
            Err(Errno::WOULDBLOCK) => Ok(Attempt::Held(read_pid(&mut file))),
            Err(error) => Err(unusable(&path, error.into())),
        }
    }

    /// Asks once; a directory in use is refused, naming it and who has it.
    pub fn take(data_dir: &Path) -> Result<DirLock> {
        match DirLock::attempt(data_dir)? {
            Attempt::Ours(lock) => Ok(lock),
            Attempt::Held(pid) => Err(in_use(data_dir, pid)),
        }
    }
}

/// Whether anything of ours was ever opened there.
pub fn was_used(data_dir: &Path) -> bool {
    file_of(data_dir).exists()
}

pub fn in_use(data_dir: &Path, pid: Option<u32>) -> Error {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let dir = data_dir.display();
    Error::conflict(format!(
        "the data directory {dir} is in use by {who}: stop it first, or choose another with --data-dir"
    ))
}

fn file_of(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn unusable(path: &Path, cause: std::io::Error) -> Error {
    Error::unavailable(format!("the data directory cannot be used: {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_until_the_first_lets_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let data_dir = dir.path().join("not/yet/there");
        assert!(!was_used(&data_dir));
        let first = DirLock::take(&data_dir).expect("free");
        assert!(was_used(&data_dir));

        let message = DirLock::take(&data_dir).expect_err("held").to_string();
        let pid = std::process::id().to_string();
        assert!(message.contains(&pid), "{message}");
        assert!(message.contains(&data_dir.display().to_string()), "{message}");

        drop(first);
        DirLock::take(&data_dir).expect("free again, though the file stayed");
    }

    #[test]
    fn a_place_that_can_hold_no_directory_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let message = DirLock::take(file.path()).expect_err("a file is no directory").to_string();
        assert!(message.contains(&file.path().display().to_string()), "{message}");
    }
}
