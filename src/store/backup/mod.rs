//! Online backup of a data directory, and restore.
//!
//! The log and the lake are pinned at one moment, then the catalog is copied, so that every stream that a row names is
//! in the copy. The manifest is written last: a directory without one is not a backup.

mod database;
mod files;
mod hardlink_stage;
mod manifest;
mod restore;
mod stored;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Store;
use super::blocking::blocking;
use super::snapshot::Snapshot;
use super::table::Table;
use super::verify::delta_log;
use crate::domain::{Progress, Result};
use files::{BackupDestination, ENDED_EARLY};
use hardlink_stage::HardlinkStage;
use manifest::{CatalogCopy, Manifest};

pub use restore::{RestoreSummary, UNFINISHED_MARKER, must_be_backup, restore};
pub use stored::{stored_backups, verify_stored};

/// A backup that is complete and durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSummary {
    pub dest: PathBuf,
    /// The last record in the backup. Everything acknowledged before the backup began is included.
    pub seq: u64,
    pub files: u64,
    pub bytes: u64,
    /// Files hard-linked to the data directory, because both are on one file system.
    pub linked: u64,
    /// Why the catalog is not in the backup; `None` when it is.
    pub without_catalog: Option<String>,
}

impl Store {
    /// Writes a backup of the current moment into `dest`, an absolute path that must not exist or be an empty
    /// directory. Writers continue. Flushes wait while files are pinned, which is short unless the file system has no
    /// hard links.
    ///
    /// # Errors
    /// `Invalid` for an unsuitable destination; `Unavailable` for anything that cannot be read or written, naming it.
    /// Files written before the error are removed again.
    pub async fn backup(&self, dest: &Path, progress: &Progress) -> Result<BackupSummary> {
        let data_dir = self.data_dir.clone();
        let dest = BackupDestination::create(self.disk.clone(), dest, &data_dir)?;
        let (stage, pinned) = self.pin(data_dir, progress).await?;
        let (dest, reporter) = (dest, progress.clone());
        let copy = move || -> Result<(BackupDestination, Manifest, u64)> {
            let (files, linked) = stage.copy_to(&dest, &reporter)?;
            let manifest =
                Manifest { seq: stage.seq, tables: stage.tables.clone(), files, ..Manifest::new() };
            // The snapshot keeps the files it names on disk until here.
            drop(pinned);
            Ok((dest, manifest, linked))
        };
        let (dest, mut manifest, linked) = blocking(ENDED_EARLY, copy).await?;

        progress.begin("catalog", 0);
        progress.advance(0)?;
        let catalog = database::copy(self.catalog.connection(), &dest).await?;
        manifest.taken_at = self.clock().now().to_iso();
        let finish = move || -> Result<BackupSummary> {
            manifest.files.extend(catalog.file);
            manifest.catalog = CatalogCopy { database: catalog.database, missing: catalog.missing };
            let (files, bytes) = (manifest.files.len() as u64, manifest.files.iter().map(|f| f.bytes).sum());
            let (seq, without_catalog) = (manifest.seq, manifest.catalog.missing.clone());
            let dest = dest.finish(&manifest)?;
            Ok(BackupSummary { dest, seq, files, bytes, linked, without_catalog })
        };
        blocking(ENDED_EARLY, finish).await
    }

    /// Pins log and lake at one moment, as links (or copies) that no flush, log truncation or compaction removes.
    async fn pin(&self, data_dir: PathBuf, progress: &Progress) -> Result<(HardlinkStage, Snapshot)> {
        progress.begin("pinning files", 0);
        // While this lock is held there is no flush, so nothing is cut off the log and nobody commits to the lake.
        let _tables = self.tables.lock().await;
        let pinned = self.snapshot();
        let place = self.tables.location().clone();
        let mut stage = HardlinkStage::create(data_dir, pinned.seq)?;
        let objects = self.objects.clone();
        let mut loaded = Vec::new();
        for table in Table::ALL {
            if let Some(found) = delta_log::load(&place, table).await? {
                loaded.push((table, found));
            }
        }
        let pin = move || {
            loaded.into_iter().try_for_each(|(table, found)| stage.pin_table(&place, table, found))?;
            stage.pin_log()?;
            stage.pin_objects(&objects)?;
            Ok(stage)
        };
        Ok((blocking(ENDED_EARLY, pin).await?, pinned))
    }
}
