//! Files in a table's folder that do not count: what a flush or a merge left that failed, and what was merged before the
//! last stop.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::domain::{Error, Result};
use crate::store::disk::Disk;

/// The files that are not `known`, by their paths in the folder.
pub fn find(disk: &dyn Disk, dir: &Path, known: &HashSet<String>) -> Result<Vec<PathBuf>> {
    let known: HashSet<PathBuf> = known.iter().map(|path| dir.join(path)).collect();
    let mut found = Vec::new();
    for folder in disk.folders(dir).map_err(|e| untidy(dir, e))? {
        let is_day = folder.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("date="));
        if is_day {
            found.extend(disk.list(&folder).map_err(|e| untidy(dir, e))?);
        }
    }
    found.retain(|file| !known.contains(file));
    Ok(found)
}

/// Removes the files that are not `known`. Nobody may be writing any meanwhile.
pub fn remove(disk: &dyn Disk, dir: &Path, known: &HashSet<String>) -> Result<()> {
    let files = find(disk, dir, known)?;
    for file in &files {
        tracing::debug!(file = %file.display(), "file that is not part of the lake removed");
        disk.remove(file).map_err(|e| untidy(dir, e))?;
    }
    if !files.is_empty() {
        // After a load these are thousands: merged before the last stop.
        tracing::info!(table = %dir.display(), files = files.len(), "files that are not part of the lake removed");
    }
    Ok(())
}

fn untidy(dir: &Path, e: std::io::Error) -> Error {
    Error::unavailable(format!("cannot tidy the lake `{}`: {e}", dir.display())).because(e)
}
