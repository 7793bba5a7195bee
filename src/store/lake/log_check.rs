//! Whether the entries of a Delta log are whole, before anything is believed of them: the kernel takes an entry cut to
//! nothing for a commit without files.

use std::io;
use std::path::{Path, PathBuf};

use super::log_files;
use crate::domain::{Error, Result};
use crate::store::disk::Disk;

/// Removes the newest entry when it is not whole: it was never durable, so nothing was cut that it holds. Were it damaged
/// instead, the write-ahead log would be found to begin too late.
///
/// # Errors
/// `Unavailable`, naming the entry, when another that is still needed is missing or not whole.
pub fn repair(disk: &dyn Disk, log: &Path) -> Result<()> {
    let failed = |e: io::Error| {
        Error::unavailable(format!("cannot read the lake's log `{}`: {e}", log.display())).because(e)
    };
    let files = disk.list(log).map_err(failed)?;
    let name = |file: &PathBuf| file.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let names: Vec<String> = files.iter().map(name).collect();
    let (needed, first) = log_files::needed(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let Some((newest, older)) = needed.split_last() else { return Ok(()) };
    if let Some((expected, _)) = (first..).zip(&needed).find(|(expected, found)| expected != *found) {
        return Err(damaged(log, expected, "is missing"));
    }
    for version in older {
        if !is_whole(&disk.read(&log.join(log_files::entry(*version))).map_err(failed)?) {
            return Err(damaged(log, *version, "is damaged"));
        }
    }
    let newest = log.join(log_files::entry(*newest));
    if is_whole(&disk.read(&newest).map_err(failed)?) {
        return Ok(());
    }
    tracing::warn!(file = %newest.display(), "unfinished commit of the lake removed");
    disk.remove(&newest).and_then(|()| disk.sync_dir(log)).map_err(failed)
}

/// Lines of JSON, at least one.
fn is_whole(text: &[u8]) -> bool {
    let is_json = |line: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(is_json)
}

fn damaged(log: &Path, version: u64, how: &str) -> Error {
    let entry = log.join(log_files::entry(version));
    Error::unavailable(format!("`{}` of the lake's log {how}; restore a backup", entry.display()))
}
