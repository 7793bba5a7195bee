//! Copies of everything a data directory holds, taken while it is written to, and their way back.
//!
//! First the log and the lake at one moment, then the catalog: every stream that a row names is in the copy. The
//! manifest is written last: a directory without one is no backup.

mod database;
mod files;
mod manifest;
mod restore;
mod stage;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Store;
use super::snapshot::Snapshot;
use super::table::Table;
use super::verify::delta_log;
use crate::domain::{Error, Progress, Result};
use files::Destination;
use manifest::{CatalogCopy, Manifest};
use stage::Stage;

pub use restore::{Restored, UNFINISHED, must_be_backup, restore};

/// A backup that is complete and durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    pub dest: PathBuf,
    /// The last record in it: everything acknowledged before the backup began.
    pub seq: u64,
    pub files: u64,
    pub bytes: u64,
    /// Files that share their bytes with the data directory, because both are on one file system.
    pub linked: u64,
    /// Why the catalog is not in it; `None` when it is.
    pub without_catalog: Option<String>,
}

impl Store {
    /// Writes a backup of this moment into `dest`, an absolute path that must not exist or be an empty directory.
    /// Writers go on; flushes wait while files are pinned, which is short unless the file system knows no hard links.
    ///
    /// # Errors
    /// `Invalid` for a destination that cannot be one; `Unavailable` for whatever cannot be read or written, naming it.
    /// What was written until then is removed again.
    pub async fn backup(&self, dest: &Path, progress: &Progress) -> Result<BackedUp> {
        let data_dir = self.flusher.data_dir.clone();
        let dest = Destination::create(dest, &data_dir)?;
        let (stage, pinned) = self.pin(data_dir, progress).await?;
        let (dest, told) = (dest, progress.clone());
        let copy = move || -> Result<(Destination, Manifest, u64)> {
            let (files, linked) = stage.copy_to(&dest, &told)?;
            let manifest =
                Manifest { seq: stage.seq, tables: stage.tables.clone(), files, ..Manifest::new() };
            // Until here no file of the lake goes that the snapshot names.
            drop(pinned);
            Ok((dest, manifest, linked))
        };
        let (dest, mut manifest, linked) = blocking(copy).await?;

        progress.begin("catalog", 0);
        progress.advance(0)?;
        let catalog = database::copy(self.catalog.connection(), &dest).await?;
        manifest.taken_at = self.clock.now().to_iso();
        let finish = move || -> Result<BackedUp> {
            manifest.files.extend(catalog.file);
            manifest.catalog = CatalogCopy { database: catalog.database, missing: catalog.missing };
            let (files, bytes) = (manifest.files.len() as u64, manifest.files.iter().map(|f| f.bytes).sum());
            let (seq, without_catalog) = (manifest.seq, manifest.catalog.missing.clone());
            let dest = dest.finish(&manifest)?;
            Ok(BackedUp { dest, seq, files, bytes, linked, without_catalog })
        };
        blocking(finish).await
    }

    /// Pins log and lake at one moment: as links (or copies) that no flush, cut or merge takes away.
    async fn pin(&self, data_dir: PathBuf, progress: &Progress) -> Result<(Stage, Snapshot)> {
        progress.begin("pinning files", 0);
        // Held: no flush, so nothing is cut off the log, and nobody commits to the lake.
        let _tables = self.flusher.deltas.lock().await;
        let pinned = self.snapshot();
        let place = self.shared.place().clone();
        let mut stage = Stage::create(data_dir, pinned.seq)?;
        let mut loaded = Vec::new();
        for table in Table::ALL {
            if let Some(found) = delta_log::load(&place, table).await? {
                loaded.push((table, found));
            }
        }
        let pin = move || {
            loaded.into_iter().try_for_each(|(table, found)| stage.pin_table(&place, table, found))?;
            stage.pin_log()?;
            Ok(stage)
        };
        Ok((blocking(pin).await?, pinned))
    }
}

/// Runs work that waits for the disk where waiting stops nobody else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("a backup ended early").because(e))?
}
