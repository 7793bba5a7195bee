//! Validates the entries of a Delta log before they are used, because the kernel takes an entry truncated to nothing
//! for a commit without files.

use std::io;
use std::path::{Path, PathBuf};

use super::delta_log_cleanup;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;

/// Removes the newest entry when it is incomplete. Such an entry was never durable, so no record it holds was cut off
/// the write-ahead log. If it was damaged instead, the start fails later because the write-ahead log begins too late.
///
/// # Errors
/// `Unavailable`, naming the entry, when another entry that is still needed is missing or incomplete.
pub fn repair(disk: &dyn Disk, log: &Path) -> Result<()> {
    let failed = |e: io::Error| unreadable(log, e);
    let (needed, first) = needed_commits(disk, log).map_err(failed)?;
    let Some((newest, older)) = needed.split_last() else { return Ok(()) };
    if let Some((expected, _)) = (first..).zip(&needed).find(|(expected, found)| expected != *found) {
        return Err(damaged(log, expected, "is missing"));
    }
    for version in older {
        if !is_whole(&disk.read(&log.join(delta_log_cleanup::commit_file_name(*version))).map_err(failed)?) {
            return Err(damaged(log, *version, "is damaged"));
        }
    }
    let newest = log.join(delta_log_cleanup::commit_file_name(*newest));
    if is_whole(&disk.read(&newest).map_err(failed)?) {
        return Ok(());
    }
    tracing::warn!(file = %newest.display(), "removed an unfinished commit of the lake");
    disk.remove(&newest).and_then(|()| disk.sync_dir(log)).map_err(failed)
}

/// Checks that the newest entry is complete, for a process that may repair nothing. An incomplete one would be taken for a commit
/// without files, and the entry by which the writer replaces it would not be read any more.
///
/// # Errors
/// `Unavailable`, naming the entry, when it is incomplete, and when the log cannot be read.
pub fn check_newest(disk: &dyn Disk, log: &Path) -> Result<()> {
    let newest = match needed_commits(disk, log) {
        Ok((needed, _)) => {
            needed.last().map(|version| log.join(delta_log_cleanup::commit_file_name(*version)))
        }
        // The writer has not created the table yet.
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(unreadable(log, e)),
    };
    let Some(newest) = newest else { return Ok(()) };
    match disk.read(&newest) {
        Ok(text) if is_whole(&text) => Ok(()),
        Ok(_) => Err(Error::unavailable(format!(
            "`{}` of the lake's log is incomplete: start the server that writes to the lake first, which repairs it",
            newest.display()
        ))),
        // The writer has repaired the log meanwhile.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(unreadable(log, e)),
    }
}

/// Lists a log for `delta_log_cleanup::needed_commits`.
fn needed_commits(disk: &dyn Disk, log: &Path) -> io::Result<(Vec<u64>, u64)> {
    let files = disk.list_files(log)?;
    let name = |file: &PathBuf| file.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let names: Vec<String> = files.iter().map(name).collect();
    Ok(delta_log_cleanup::needed_commits(&names.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn unreadable(log: &Path, e: io::Error) -> Error {
    Error::unavailable(format!("cannot read the lake's log `{}`: {e}", log.display())).with_source(e)
}

/// Whether the text is one or more lines of JSON.
fn is_whole(text: &[u8]) -> bool {
    let is_json = |line: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(is_json)
}

fn damaged(log: &Path, version: u64, how: &str) -> Error {
    let entry = log.join(delta_log_cleanup::commit_file_name(version));
    Error::unavailable(format!("`{}` of the lake's log {how}; restore a backup", entry.display()))
}
