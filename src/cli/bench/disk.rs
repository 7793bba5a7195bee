//! Disk usage of a data directory.

use std::path::Path;

use crate::domain::{Error, Result};

/// Returns the bytes of all Parquet files of readings. Merged files count until they are removed, at the latest by a
/// restart.
pub fn lake_bytes(dir: &Path) -> Result<u64> {
    Ok(files(dir)?.into_iter().sum())
}

/// Returns the number of Parquet files of readings.
pub fn lake_files(dir: &Path) -> Result<usize> {
    Ok(files(dir)?.len())
}

fn files(dir: &Path) -> Result<Vec<u64>> {
    sizes(dir).map_err(|e| Error::unavailable("the lake cannot be listed").with_source(e))
}

fn sizes(dir: &Path) -> std::io::Result<Vec<u64>> {
    let mut sizes = Vec::new();
    let mut folders = vec![dir.join("lake/readings")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            if path.is_dir() {
                // The Delta log has Parquet checkpoints of its own.
                if !path.ends_with("_delta_log") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "parquet") {
                sizes.push(entry.metadata()?.len());
            }
        }
    }
    Ok(sizes)
}

/// Formats bytes as whole mebibytes, rounded down; `None` is a figure that the system does not give.
pub fn format_mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "not told by this system".to_owned(), |bytes| format!("{} MiB", bytes >> 20))
}
