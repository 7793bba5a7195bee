//! Readings on their way to the lake: the same to SQL, to REST and to other people's readers, wherever they are.

mod nab;
mod objects;
mod peers;
mod shared_directory;

use std::path::Path;

/// Parquet files under a directory.
pub fn parquet_files(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.path() {
            path if path.is_dir() => parquet_files(&path),
            path => usize::from(path.extension().is_some_and(|e| e == "parquet")),
        })
        .sum()
}
