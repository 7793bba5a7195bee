//! Restore of a backup into a new data directory. Every file is checked before a byte is written.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::database;
use super::files::{self, ENDED_EARLY, failed};
use super::manifest::Manifest;
use crate::domain::{Error, Kind, Progress, Result};
use crate::store::blocking::blocking;
use crate::store::disk::LocalDisk;

/// Marker file in a data directory while a backup is being restored into it. The data is incomplete, and no server
/// starts on it.
pub const UNFINISHED_MARKER: &str = "restore.unfinished";
/// The only file allowed in an empty directory: the lock of the restoring process.
const LOCK_FILE: &str = "lock";

/// Summary of a restore: the data directory is now as it was when the backup was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreSummary {
    /// When the backup was taken, ISO-8601.
    pub taken_at: String,
    /// The last record in the backup.
    pub seq: u64,
    pub files: u64,
    pub bytes: u64,
    /// Path of the PostgreSQL dump, when it still has to be restored.
    pub dump: Option<PathBuf>,
    /// Why the catalog is not in the backup; `None` when it is.
    pub without_catalog: Option<String>,
}

/// Rejects a directory that is not a finished backup. `restore` checks the files.
///
/// # Errors
/// `Invalid`, saying why.
pub fn must_be_backup(src: &Path) -> Result<()> {
    Manifest::read(src).map(drop)
}

/// Restores `src` into `data_dir`, which is empty but for the lock that the caller holds, and a PostgreSQL dump into
/// `catalog_url` when given. Everything is durable on return.
///
/// # Errors
/// `Invalid` when `src` is not a finished backup, when one of its files is missing or differs from its manifest entry,
/// or when `data_dir` is not empty; nothing has been written then. `Unavailable` for anything that cannot be read or
/// written; `data_dir` then stays marked as unfinished.
pub async fn restore(
    src: &Path,
    data_dir: &Path,
    catalog_url: Option<&str>,
    progress: &Progress,
) -> Result<RestoreSummary> {
    let (from, to, reporter) = (src.to_owned(), data_dir.to_owned(), progress.clone());
    let manifest = blocking(ENDED_EARLY, move || {
        let manifest = Manifest::read(&from)?;
        must_be_empty(&to)?;
        check(&from, &manifest, &reporter).map_err(|error| match error.kind {
            Kind::Invalid => Error::invalid(format!("{}; nothing was restored", error.message)),
            _ => error,
        })?;
        Ok(manifest)
    })
    .await?;
    let is_dumped = manifest.files.iter().any(|file| file.path == database::DUMP_FILE);
    let dump = is_dumped.then(|| src.join(database::DUMP_FILE));
    if catalog_url.is_some() && dump.is_none() {
        let what = "this backup holds no PostgreSQL dump to restore into that database";
        return Err(Error::field("catalog-url", what));
    }
    let mark = data_dir.join(UNFINISHED_MARKER);
    let (from, to, reporter, copied) =
        (src.to_owned(), data_dir.to_owned(), progress.clone(), manifest.clone());
    blocking(ENDED_EARLY, move || copy(&from, &to, &copied, &reporter)).await?;
    let left = match (catalog_url, dump) {
        (Some(url), Some(dump)) => {
            progress.begin("catalog", 0);
            database::restore(url, &dump).await?;
            None
        }
        (_, dump) => dump,
    };
    fs::remove_file(&mark).map_err(|e| failed("remove", &mark, e))?;
    files::sync_dir(&LocalDisk, data_dir)?;
    Ok(RestoreSummary {
        files: manifest.files.len() as u64,
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        taken_at: manifest.taken_at,
        seq: manifest.seq,
        dump: left,
        without_catalog: manifest.catalog.missing,
    })
}

fn must_be_empty(data_dir: &Path) -> Result<()> {
    if data_dir.join(UNFINISHED_MARKER).exists() {
        return Err(Error::invalid(format!(
            "{} holds a restore that was not finished: empty the directory first",
            data_dir.display()
        )));
    }
    let entries = match fs::read_dir(data_dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| failed("read", data_dir, e))?,
    };
    for entry in entries {
        let name = entry.map_err(|e| failed("read", data_dir, e))?.file_name();
        if name != LOCK_FILE {
            return Err(Error::invalid(format!(
                "{} is not empty (it has `{}`): a backup is restored into a new directory",
                data_dir.display(),
                name.to_string_lossy()
            )));
        }
    }
    Ok(())
}

/// Checks that every file has the size and hash in the manifest.
///
/// # Errors
/// `Invalid` for the first file that has not; `Unavailable` for one that cannot be read.
pub(super) fn check(src: &Path, manifest: &Manifest, progress: &Progress) -> Result<()> {
    progress.begin("checking the backup", manifest.files.iter().map(|file| file.bytes).sum());
    for file in &manifest.files {
        let path = src.join(&file.path);
        let damaged =
            |why: String| Error::invalid(format!("the backup is damaged: `{}` {why}", path.display()));
        match fs::metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(damaged("is missing".to_owned())),
            Err(e) => return Err(failed("read", &path, e)),
            Ok(meta) if meta.len() != file.bytes => {
                return Err(damaged(format!("has {} bytes instead of {}", meta.len(), file.bytes)));
            }
            Ok(_) => {}
        }
        if files::hash_file(&path, progress)?.1 != file.sha256 {
            return Err(damaged("is not what was written (its SHA-256 differs)".to_owned()));
        }
    }
    Ok(())
}

fn copy(src: &Path, data_dir: &Path, manifest: &Manifest, progress: &Progress) -> Result<()> {
    progress.begin("restoring files", manifest.files.iter().map(|file| file.bytes).sum());
    files::create_dir(data_dir)?;
    let mark = data_dir.join(UNFINISHED_MARKER);
    drop(files::create_file(&LocalDisk, &mark)?);
    files::sync_file(&LocalDisk, &mark)?;
    files::sync_dir(&LocalDisk, data_dir)?;
    for file in manifest.files.iter().filter(|file| file.path != database::DUMP_FILE) {
        let (from, to) = (src.join(&file.path), data_dir.join(&file.path));
        if let Some(parent) = to.parent() {
            files::create_dir(parent)?;
        }
        let (_, sha256) = files::copy(&LocalDisk, &from, &to, u64::MAX, progress)?;
        if sha256 != file.sha256 {
            return Err(Error::unavailable(format!("`{}` changed while it was restored", from.display())));
        }
    }
    files::sync_tree(&LocalDisk, data_dir)?;
    match data_dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => files::sync_dir(&LocalDisk, parent),
        None => Ok(()),
    }
}
