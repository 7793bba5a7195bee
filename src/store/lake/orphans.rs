//! Finds and removes orphaned files in a table's directory: files of a failed flush or merge, and files that were
//! merged before the last stop. `store/open.rs` calls it when the server starts.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::domain::{Error, Result};
use crate::store::disk::Disk;

/// Returns the files that are not `known`, by their paths within the directory.
pub fn find(disk: &dyn Disk, dir: &Path, known: &HashSet<String>) -> Result<Vec<PathBuf>> {
    let known: HashSet<PathBuf> = known.iter().map(|path| dir.join(path)).collect();
    let mut found = Vec::new();
    for folder in disk.list_dirs(dir).map_err(|e| orphan_scan_error(dir, e))? {
        let is_day = folder.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("date="));
        if is_day {
            found.extend(disk.list_files(&folder).map_err(|e| orphan_scan_error(dir, e))?);
        }
    }
    found.retain(|file| !known.contains(file));
    Ok(found)
}

/// Removes the files in a table's directory that were being written when the last process ended. Only the owner of the
/// directory may: another process may be writing such a file.
pub fn remove_temporary(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let mut found = find(disk, dir, &HashSet::new())?;
    found.retain(|file| file.extension().is_some_and(|e| e == "tmp"));
    remove(disk, dir, &found)
}

/// Removes files that `find` has found in a table's directory.
pub fn remove(disk: &dyn Disk, dir: &Path, files: &[PathBuf]) -> Result<()> {
    for file in files {
        tracing::debug!(file = %file.display(), "removed a file that is not part of the lake");
        disk.remove(file).map_err(|e| orphan_scan_error(dir, e))?;
    }
    if !files.is_empty() {
        // After bulk loading these are thousands, merged before the last stop.
        tracing::info!(table = %dir.display(), files = files.len(), "removed files that are not part of the lake");
    }
    Ok(())
}

fn orphan_scan_error(dir: &Path, e: std::io::Error) -> Error {
    Error::unavailable(format!("cannot tidy the lake `{}`: {e}", dir.display())).with_source(e)
}
