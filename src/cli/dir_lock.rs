//! Data directory lock: one process per directory, by an advisory file lock that the system frees however the process
//! ends.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::domain::{Error, Result};

const LOCK_FILE_NAME: &str = "lock";
/// How often the lock is tried, and how long to wait between: `holder` of another process has it for an instant.
const ACQUIRE_ATTEMPTS: u32 = 10;
const ACQUIRE_PAUSE: Duration = Duration::from_millis(20);

/// Exclusive right to open a data directory, released on drop. The lock file stays: if it were removed, two processes
/// could lock two files of the same name.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

/// Outcome of an attempt to take the lock.
#[derive(Debug)]
pub enum LockAttempt {
    Acquired(DirLock),
    /// Another process holds the lock; its process id, if it has written one.
    HeldBy(Option<u32>),
}

/// Holder of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockHolder {
    Nobody,
    /// Its process id, if it has written one.
    Process(Option<u32>),
}

/// Returns who holds the lock, without creating or changing a file. The lock is shared for an instant, for which
/// [`DirLock::acquire`] waits.
///
/// # Errors
/// Any I/O error; `NotFound` when the directory was never used.
pub fn holder(data_dir: &Path) -> std::io::Result<LockHolder> {
    let mut file = File::open(lock_path(data_dir))?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(LockHolder::Nobody),
        Err(Errno::WOULDBLOCK) => Ok(LockHolder::Process(read_pid(&mut file))),
        Err(error) => Err(error.into()),
    }
}

impl DirLock {
    /// Tries to take the lock once, without waiting. Creates the directory if it does not exist.
    pub fn try_acquire(data_dir: &Path) -> Result<LockAttempt> {
        fs::create_dir_all(data_dir).map_err(|e| unusable_error(data_dir, e))?;
        let path = lock_path(data_dir);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|e| unusable_error(&path, e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                write_pid(&mut file).map_err(|e| unusable_error(&path, e))?;
                Ok(LockAttempt::Acquired(DirLock { _file: file }))
            }
            Err(Errno::WOULDBLOCK) => Ok(LockAttempt::HeldBy(read_pid(&mut file))),
            Err(error) => Err(unusable_error(&path, error.into())),
        }
    }

    /// Takes the lock; tries for a fifth of a second, since `basalt doctor` may look at it.
    ///
    /// # Errors
    /// Names the directory and its holder if it is in use.
    pub fn acquire(data_dir: &Path) -> Result<DirLock> {
        DirLock::acquire_with(data_dir, || std::thread::sleep(ACQUIRE_PAUSE))
    }

    fn acquire_with(data_dir: &Path, mut pause: impl FnMut()) -> Result<DirLock> {
        let mut attempts = 1;
        loop {
            match DirLock::try_acquire(data_dir)? {
                LockAttempt::Acquired(lock) => return Ok(lock),
                LockAttempt::HeldBy(pid) if attempts == ACQUIRE_ATTEMPTS => {
                    return Err(in_use_error(data_dir, pid));
                }
                LockAttempt::HeldBy(_) => {
                    attempts += 1;
                    pause();
                }
            }
        }
    }
}

/// Refuses the machine's superuser a directory that another user's server has locked before: that server could not open the files
/// that a command creates there.
///
/// # Errors
/// `Forbidden`, naming the user; `Unavailable` when the lock cannot be looked at.
pub fn check_user(data_dir: &Path) -> Result<()> {
    let path = lock_path(data_dir);
    let owner = fs::metadata(&path).map_err(|e| unusable_error(&path, e))?.uid();
    check_user_of(data_dir, geteuid().as_raw(), owner)
}

fn check_user_of(data_dir: &Path, user: u32, owner: u32) -> Result<()> {
    if user != 0 || owner == 0 {
        return Ok(());
    }
    let dir = data_dir.display();
    Err(Error::forbidden(format!(
        "the data directory {dir} belongs to the user with the id {owner}: run this as that user, such as with \
         sudo -u '#{owner}', because the server of that user cannot open what the superuser creates there"
    )))
}

/// Returns whether the directory has ever held Basalt data.
pub fn was_data_dir(data_dir: &Path) -> bool {
    lock_path(data_dir).exists()
}

/// Returns the `Conflict` about a directory that another process holds; `pid` is `None` when that process is not known.
pub fn in_use_error(data_dir: &Path, pid: Option<u32>) -> Error {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let dir = data_dir.display();
    Error::conflict(format!(
        "the data directory {dir} is in use by {who}: stop it first, or choose another with --data-dir"
    ))
}

fn lock_path(data_dir: &Path) -> PathBuf {
    data_dir.join(LOCK_FILE_NAME)
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

fn unusable_error(path: &Path, cause: std::io::Error) -> Error {
    Error::unavailable(format!("the data directory cannot be used: {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_until_the_first_lets_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let data_dir = dir.path().join("not/yet/there");
        assert!(!was_data_dir(&data_dir) && holder(&data_dir).is_err());
        let first = DirLock::acquire(&data_dir).expect("free");
        assert!(was_data_dir(&data_dir));
        assert_eq!(holder(&data_dir).expect("there"), LockHolder::Process(Some(std::process::id())));

        let message = DirLock::acquire(&data_dir).expect_err("held").to_string();
        let pid = std::process::id().to_string();
        assert!(message.contains(&pid), "{message}");
        assert!(message.contains(&data_dir.display().to_string()), "{message}");

        drop(first);
        assert_eq!(holder(&data_dir).expect("there"), LockHolder::Nobody);
        DirLock::acquire(&data_dir).expect("free again, though the file stayed");
    }

    #[test]
    fn a_lock_that_is_only_looked_at_is_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        drop(DirLock::acquire(dir.path()).expect("free"));
        let file = File::open(lock_path(dir.path())).expect("there");
        flock(&file, FlockOperation::NonBlockingLockShared).expect("free");
        let mut pauses = 0;
        let refused = DirLock::acquire_with(dir.path(), || pauses += 1);
        assert!(refused.is_err() && pauses + 1 == ACQUIRE_ATTEMPTS, "{refused:?}, {pauses} pauses");
        let mut looked_at = Some(file);
        DirLock::acquire_with(dir.path(), || drop(looked_at.take())).expect("free after a pause");
    }

    #[test]
    fn the_superuser_leaves_the_directory_of_another_user_alone() {
        let check = |user, owner| check_user_of(Path::new("/srv/basalt"), user, owner);
        let refusal = check(0, 1000).expect_err("its files would be root's").to_string();
        assert!(refusal.contains("/srv/basalt") && refusal.contains("sudo -u '#1000'"), "{refusal}");
        // Users without such power are refused by the system, unless somebody lets them in.
        for (user, owner) in [(0, 0), (1000, 1000), (1000, 0), (1000, 1001)] {
            check(user, owner).expect("allowed");
        }
        let dir = tempfile::tempdir().expect("a directory");
        assert!(check_user(dir.path()).is_err(), "it was never locked");
        drop(DirLock::acquire(dir.path()).expect("free"));
        check_user(dir.path()).expect("it is ours");
    }

    #[test]
    fn a_place_that_can_hold_no_directory_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let message = DirLock::acquire(file.path()).expect_err("a file is no directory").to_string();
        assert!(message.contains(&file.path().display().to_string()), "{message}");
    }
}
