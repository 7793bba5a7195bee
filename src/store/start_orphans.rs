//! Files that a start finds in the directories of tables although they are not part of the lake: of a failed flush or merge, or
//! merged before the last stop.
//!
//! In the data directory they go at once: nobody else has them open. Of a lake that is shared, in an object store or a directory of
//! its own, they wait for `lake.keep_removed`, as every replaced file does, because programs and nodes that read the lake may have
//! begun before the stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::blocking::blocking;
use super::disk::Disk;
use super::lake::orphans;
use super::table::{PerTable, Table};
use super::table_set::TableSet;
use crate::domain::Result;

/// Orphaned files that wait for their removal.
pub struct StartOrphans {
    disk: Arc<dyn Disk>,
    dirs: PerTable<Arc<PathBuf>>,
    files: Mutex<PerTable<Vec<PathBuf>>>,
}

impl StartOrphans {
    /// Finds the files, and removes those of a lake in the data directory.
    ///
    /// # Errors
    /// `Unavailable` when a directory cannot be listed or a file cannot be removed.
    pub fn find(tables: &TableSet) -> Result<Self> {
        let mut found: PerTable<Vec<PathBuf>> = PerTable::default();
        for table in Table::ALL {
            let live = tables.lake(table).files().map(|f| f.path.clone()).collect();
            found[table] = orphans::find(tables.disk().as_ref(), tables.dir(table), &live)?;
        }
        let dirs = PerTable::new(|table| tables.dir(table).clone());
        let found = Self { disk: tables.disk().clone(), dirs, files: Mutex::new(found) };
        if !tables.location().is_shared() {
            found.remove()?;
        }
        Ok(found)
    }

    /// Removes the unfinished files of a lake in the data directory. They belong to no lake, whichever it is.
    ///
    /// # Errors
    /// `Unavailable` when a directory cannot be listed or a file cannot be removed.
    pub fn remove_temporary(tables: &TableSet) -> Result<()> {
        let disk = tables.disk().as_ref();
        Table::ALL.into_iter().try_for_each(|table| orphans::remove_temporary(disk, tables.dir(table)))
    }

    /// Returns none, for a store that may not remove anything.
    pub fn none(tables: &TableSet) -> Self {
        let dirs = PerTable::new(|table| tables.dir(table).clone());
        Self { disk: tables.disk().clone(), dirs, files: Mutex::default() }
    }

    /// Returns the files of a table that wait, by their paths in its directory.
    pub fn waiting(&self, table: Table) -> Vec<String> {
        let within =
            |file: &PathBuf| Some(file.strip_prefix(self.dirs[table].as_path()).ok()?.to_str()?.to_owned());
        self.files.lock()[table].iter().filter_map(within).collect()
    }

    /// Removes the files after a while. What the end of the process leaves is found by the next start.
    pub async fn remove_after(self: Arc<Self>, wait: Duration) {
        tokio::time::sleep(wait).await;
        let removed = blocking("the removal of old files ended early", move || self.remove()).await;
        if let Err(error) = removed {
            tracing::warn!(
                error = error.full_message(),
                "files that are not part of the lake were not removed"
            );
        }
    }

    fn remove(&self) -> Result<()> {
        let files = self.files.lock().clone();
        for (table, files) in files.into_pairs() {
            orphans::remove(self.disk.as_ref(), &self.dirs[table], &files)?;
            self.files.lock()[table].clear();
        }
        Ok(())
    }
}
