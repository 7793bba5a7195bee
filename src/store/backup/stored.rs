//! The backups of a directory: which there are, and whether one is whole.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::files::{ENDED_EARLY, failed};
use super::manifest::Manifest;
use super::restore::check;
use crate::domain::backup::StoredBackup;
use crate::domain::{Progress, Result};
use crate::store::blocking::blocking;

/// Returns the finished backups in a directory, the newest first; none when it does not exist. What is no backup is left out.
///
/// # Errors
/// `Unavailable` when the directory cannot be read.
pub async fn stored_backups(dir: &Path) -> Result<Vec<StoredBackup>> {
    let dir = dir.to_owned();
    let list = move || -> Result<Vec<StoredBackup>> {
        let entries = match fs::read_dir(&dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| failed("read", &dir, e))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| failed("read", &dir, e))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            found.extend(Manifest::read(&entry.path()).ok().map(|manifest| describe(name, &manifest)));
        }
        found.sort_by(|a, b| (&b.taken_at, &b.name).cmp(&(&a.taken_at, &a.name)));
        Ok(found)
    };
    blocking(ENDED_EARLY, list).await
}

/// Reads a backup whole and compares every file with its entry in the manifest.
///
/// # Errors
/// `Invalid` when it is no finished backup or a file differs; `Unavailable` for anything that cannot be read.
pub async fn verify_stored(dir: &Path, name: &str, progress: &Progress) -> Result<StoredBackup> {
    let (path, name, progress) = (dir.join(name), name.to_owned(), progress.clone());
    let verify = move || -> Result<StoredBackup> {
        let manifest = Manifest::read(&path)?;
        check(&path, &manifest, &progress)?;
        Ok(describe(name, &manifest))
    };
    blocking(ENDED_EARLY, verify).await
}

fn describe(name: String, manifest: &Manifest) -> StoredBackup {
    StoredBackup {
        name,
        taken_at: manifest.taken_at.clone(),
        seq: manifest.seq,
        files: manifest.files.len() as u64,
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
    }
}
