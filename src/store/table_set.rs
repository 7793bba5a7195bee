//! The tables of a store: their Delta logs, the state that queries read, and the location of their files.
//!
//! Whoever changes a table commits to its Delta log first and publishes the new version in `state` afterwards, both
//! under `lock`.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::{Mutex, MutexGuard};

use super::disk::Disk;
use super::lake::LakeVersion;
use super::lake::cache::LakeCache;
use super::lake::delta::{DeltaLog, ReplaceReason, TxnWatermark};
use super::lake::file::LakeFile;
use super::lake::location::LakeLocation;
use super::lake::ownership::{LakeOwner, LakeOwnership};
use super::snapshot::{Snapshot, UpsertSnapshot};
use super::state::{LoadedTables, PinnedState, SharedState};
use super::statistics::invalidations::Invalidations;
use super::statistics::materialization::Materialization;
use super::table::{PerTable, Table};
use crate::domain::{Clock, Result};

/// The tables of one store. The flush, compaction, statistics and retention share it.
pub struct TableSet {
    /// Lake versions and rows in memory, as queries see them.
    pub state: SharedState,
    location: LakeLocation,
    /// The directory of each table on the disk of `location`.
    dirs: PerTable<Arc<PathBuf>>,
    cache: Arc<LakeCache>,
    clock: Arc<dyn Clock>,
    delta_logs: Mutex<PerTable<DeltaLog>>,
    /// Ownership of a lake that is shared, once claimed.
    ownership: OnceLock<Arc<LakeOwnership>>,
}

/// Durable new files that replace others in a table.
pub struct FileReplacement {
    pub table: Table,
    pub gone: Vec<Arc<LakeFile>>,
    pub new: Vec<LakeFile>,
    pub reason: ReplaceReason,
}

/// Outcome of a `FileReplacement`.
pub enum ReplaceOutcome {
    /// The new files are live; the contained ones no longer are.
    Replaced(Vec<Arc<LakeFile>>),
    /// Nothing was committed, because the old files were no longer live. Contains those of old and new files that are
    /// not live.
    NotLive(Vec<Arc<LakeFile>>),
}

impl TableSet {
    /// Opens the tables at a location, and creates those that do not exist.
    ///
    /// # Errors
    /// `Unavailable` for anything damaged or unreadable, naming it.
    pub async fn open(location: LakeLocation, clock: Arc<dyn Clock>) -> Result<TableSet> {
        let [readings, statistics, messages, hours] = Table::ALL;
        let delta_logs = PerTable::from_array([
            DeltaLog::open(&location, readings).await?,
            DeltaLog::open(&location, statistics).await?,
            DeltaLog::open(&location, messages).await?,
            DeltaLog::open(&location, hours).await?,
        ]);
        Ok(TableSet {
            state: SharedState::new(load(&delta_logs).await?),
            dirs: PerTable::new(|table| Arc::new(location.table_dir(table))),
            location,
            cache: Arc::default(),
            clock,
            delta_logs: Mutex::new(delta_logs),
            ownership: OnceLock::new(),
        })
    }

    /// Returns the owner that a start on the data directory with this id makes.
    ///
    /// # Errors
    /// `Unavailable` when another data directory owns one of the tables, or a log cannot be read.
    pub async fn next_owner(&self, directory: i64) -> Result<LakeOwner> {
        let delta_logs = self.lock().await;
        let mut epoch = 0;
        for table in Table::ALL {
            let found = delta_logs[table].owner().await?;
            epoch = epoch.max(LakeOwner::next(directory, found, &self.location.to_string())?.epoch);
        }
        Ok(LakeOwner { directory, epoch })
    }

    /// Claims every table for an owner and publishes the versions that this makes. Commits of an earlier owner fail from
    /// then on.
    ///
    /// # Errors
    /// `Unavailable` when another server claims the lake at the same time, or the lake cannot be written to.
    pub async fn claim(&self, owner: LakeOwner) -> Result<()> {
        let ownership = Arc::new(LakeOwnership::new(owner, self.location.to_string()));
        let mut delta_logs = self.lock().await;
        for table in Table::ALL {
            let delta = &mut delta_logs[table];
            delta.claim(ownership.clone()).await?;
            let claimed = delta.lake_version()?.sharing_files_with(&self.lake(table));
            self.state.set_lake(table, claimed);
        }
        self.ownership.get_or_init(|| ownership);
        Ok(())
    }

    /// Fails once another server has taken the lake over.
    pub fn check_ownership(&self) -> Result<()> {
        self.ownership.get().map_or(Ok(()), |ownership| ownership.check())
    }

    /// Returns the epoch that the commits of this process name; `None` for a lake that it has not claimed.
    pub fn owner_epoch(&self) -> Option<i64> {
        self.ownership.get().map(|ownership| ownership.owner.epoch)
    }

    /// Returns the clock that dates commits and decides what has expired.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the current time as commits record it, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.clock.now().0 / 1000
    }

    /// Returns the place of all tables: a directory, or a prefix of an object store.
    pub fn location(&self) -> &LakeLocation {
        &self.location
    }

    /// Returns the disk of the tables' files.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        self.location.disk()
    }

    /// Returns a table's directory on `disk`.
    pub fn dir(&self, table: Table) -> &Arc<PathBuf> {
        &self.dirs[table]
    }

    /// Returns the cache of footers and pages for all tables.
    pub fn cache(&self) -> &Arc<LakeCache> {
        &self.cache
    }

    /// Returns the current lake version of a table.
    pub fn lake(&self, table: Table) -> Arc<LakeVersion> {
        self.state.lake(table)
    }

    /// Pins the current lake and memory. The caller adds the retention bounds.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_of(self.state.pin())
    }

    /// Returns a pinned state with all that is needed to read it. The caller adds the retention bounds.
    pub fn snapshot_of(&self, pinned: PinnedState) -> Snapshot {
        let PinnedState { lakes, memory, mut upserts, flushed, seq, materialization, hours } = pinned;
        let mut of_table = |table: Table| UpsertSnapshot {
            lake: lakes[table].clone(),
            lake_dir: self.dirs[table].clone(),
            memory: std::mem::take(&mut upserts[table]),
        };
        Snapshot {
            lake: lakes[Table::Readings].clone(),
            lake_dir: self.dirs[Table::Readings].clone(),
            location: self.location.clone(),
            cache: self.cache.clone(),
            memory,
            seq,
            flushed_seq: flushed,
            upsert_tables: PerTable::from_array([
                UpsertSnapshot::default(),
                of_table(Table::Statistics),
                of_table(Table::Messages),
                of_table(Table::HourlyStatistics),
            ]),
            message_counts: Arc::default(),
            materialization,
            hours,
            retention_bounds: Arc::default(),
            owner: None,
        }
    }

    /// Locks the Delta logs. While the guard is held nobody else commits or flushes, and nothing is removed from the
    /// write-ahead log.
    pub async fn lock(&self) -> MutexGuard<'_, PerTable<DeltaLog>> {
        self.delta_logs.lock().await
    }

    /// Publishes the commits in the log of a table that the current lake version lacks: a commit can have been made although
    /// it failed, or before a later step failed. Whoever adds rows of keys that such a commit can hold has to call this before it
    /// looks at the lake: its files would count as new, and those keys twice.
    pub async fn publish_committed(&self, table: Table, delta: &mut DeltaLog) -> Result<()> {
        delta.reload_after_failure().await?;
        let known = self.lake(table);
        if delta.version().is_some_and(|newest| newest != known.version) {
            self.state.set_lake(table, delta.lake_version()?.sharing_files_with(&known));
        }
        Ok(())
    }

    /// Commits new files in place of old ones and publishes them.
    pub async fn replace_files(&self, swap: FileReplacement) -> Result<ReplaceOutcome> {
        let FileReplacement { table, gone, new, reason } = swap;
        let mut delta_logs = self.lock().await;
        let delta = &mut delta_logs[table];
        // A flush publishes readings when it removes them from memory.
        if table != Table::Readings {
            self.publish_committed(table, delta).await?;
        }
        let live = delta.lake_version()?;
        if !live.holds(gone.iter().map(AsRef::as_ref)) {
            // An earlier attempt was committed although it returned an error.
            delta.reload().await?;
            let live = delta.lake_version()?.sharing_files_with(&self.lake(table));
            let left = gone.into_iter().chain(new.into_iter().map(Arc::new)).collect();
            let left = live.not_live(left);
            self.state.set_lake(table, live);
            return Ok(ReplaceOutcome::NotLive(left));
        }
        let version = match delta.replace(&gone, &new, reason, self.now_ms()).await {
            Ok(version) => version,
            // The commit may have succeeded although it returned an error.
            Err(e) => match delta.reload().await {
                Ok(()) if delta.lake_version()?.holds(&new) && !delta.lake_version()?.holds_any(&gone) => {
                    delta.lake_version()?.version
                }
                _ => {
                    self.discard_uncommitted(table, delta, &new).await;
                    return Err(e);
                }
            },
        };
        self.state.replace_files(table, version, &gone, new);
        Ok(ReplaceOutcome::Replaced(gone))
    }
}

impl TableSet {
    /// Removes files of a failed commit that the table's log does not name, so that they take no space from the next
    /// attempt. Where the log cannot be read, and in an object store, where a commit may still arrive after its request
    /// has failed, they stay until the next start.
    pub async fn discard_uncommitted(&self, table: Table, delta: &mut DeltaLog, files: &[LakeFile]) {
        if files.is_empty() || self.location.is_remote() || delta.reload().await.is_err() {
            return;
        }
        let Ok(live) = delta.lake_version() else { return };
        for file in files.iter().filter(|file| !live.holds([*file])) {
            if let Err(e) = self.disk().remove(&self.dir(table).join(&file.path)) {
                tracing::warn!(file = file.path, error = %e, "cannot remove a file that was not committed");
            }
        }
    }
}

/// Loads the live files of the tables, and how far statistics are computed.
pub async fn load(delta_logs: &PerTable<DeltaLog>) -> Result<LoadedTables> {
    let readings = delta_logs[Table::Readings].lake_version()?;
    let flushed = delta_logs[Table::Readings].flushed_seq().await?;
    let computed = load_materialization(&delta_logs[Table::Statistics], &readings, flushed).await?;
    let hours = load_materialization(&delta_logs[Table::HourlyStatistics], &readings, flushed).await?;
    Ok(LoadedTables {
        lakes: PerTable::from_array([
            readings,
            delta_logs[Table::Statistics].lake_version()?,
            delta_logs[Table::Messages].lake_version()?,
            delta_logs[Table::HourlyStatistics].lake_version()?,
        ]),
        flushed,
        computed,
        hours,
    })
}

/// Loads how far a table of statistics covers `readings`, whose rows up to `flushed` are in the lake.
async fn load_materialization(
    statistics: &DeltaLog,
    readings: &LakeVersion,
    flushed: u64,
) -> Result<Materialization> {
    let mut computed = Materialization::default();
    if let Some(sealed) = statistics.watermark(TxnWatermark::Sealed).await? {
        let seq = statistics.watermark(TxnWatermark::Computed).await?.map_or(0, i64::unsigned_abs);
        computed = computed.advanced(seq, sealed);
    }
    let mut touched = Invalidations::default();
    readings.files().filter(|f| f.seq.max > computed.seq).for_each(|f| touched.add_file(f));
    Ok(computed.with_invalidations(flushed, touched))
}
