//! The Delta log as the lake's manifest: which files are live, and which write-ahead log records they contain.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, DataType, PrimitiveType, StructField, Transaction};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::DeltaOperation;
use deltalake_core::{DeltaTable, DeltaTableError};

use super::delta_actions::{self, PARTITION, append_operation, owner_transactions};
use super::file::LakeFile;
use super::location::LakeLocation;
use super::ownership::{DIRECTORY_APP_ID, EPOCH_APP_ID, LakeOwner, LakeOwnership};
use super::{LakeVersion, delta_log_cleanup, delta_log_validation};
use crate::domain::{Error, Result};
use crate::store::table::Table;

/// Positions that a commit advances together with the files (Delta protocol, `txn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TxnWatermark {
    /// In `readings`: the highest seq whose rows, of all tables, are in the lake.
    Flushed,
    /// In `statistics`: the highest seq that computed rows take into account.
    Computed,
    /// In `statistics`: every window that ended by this time, in microseconds, is computed.
    Sealed,
}

impl TxnWatermark {
    pub(in crate::store) fn app_id(self) -> &'static str {
        match self {
            TxnWatermark::Flushed => "basalt-wal",
            TxnWatermark::Computed => "basalt-computed",
            TxnWatermark::Sealed => "basalt-sealed",
        }
    }
}

/// Why files are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceReason {
    /// The visible rows are unchanged.
    Merge,
    /// Rows were removed.
    Deletion,
}

/// Commits between two checkpoints: opening reads at most this many log files. Unit tests write several checkpoints.
const CHECKPOINT_INTERVAL: u64 = if cfg!(test) { 10 } else { 100 };

/// An open Delta table. Only one task commits.
pub struct DeltaLog {
    kind: Table,
    table: DeltaTable,
    place: LakeLocation,
    /// The table's directory on the disk of `place`.
    dir: PathBuf,
    /// Log entries from this version on may not be durable, because syncing them failed.
    unsynced_from: Option<u64>,
    /// Whether the outcome of the last commit is unknown: it failed, and the log has not been read since.
    is_outcome_unknown: bool,
    /// Ownership that every commit names, once claimed. A lake in the data directory has none.
    ownership: Option<Arc<LakeOwnership>>,
}

impl DeltaLog {
    /// Opens a table of the lake. A table without commits is empty; the first commit creates it. What a crash has left is
    /// repaired, unless the lake is opened for reading.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read, or is damaged.
    pub async fn open(place: &LakeLocation, kind: Table) -> Result<DeltaLog> {
        let dir = place.table_dir(kind);
        let log = dir.join("_delta_log");
        if !place.is_read_only() {
            place.disk().create_dir_all(&log).map_err(|e| unavailable("create", &dir, e))?;
        }
        match (place.is_remote(), place.is_read_only()) {
            (true, _) => {}
            (false, true) => delta_log_validation::check_newest(place.disk().as_ref(), &log)?,
            (false, false) => delta_log_validation::repair(place.disk().as_ref(), &log)?,
        }
        let table = DeltaTable::new(place.log_store(kind)?);
        let mut delta = DeltaLog {
            kind,
            table,
            place: place.clone(),
            dir,
            unsynced_from: None,
            is_outcome_unknown: false,
            ownership: None,
        };
        delta.reload().await?;
        Ok(delta)
    }

    /// Reads the log again when the outcome of the last commit is unknown.
    ///
    /// # Errors
    /// Same as `reload`.
    pub async fn reload_after_failure(&mut self) -> Result<()> {
        if self.is_outcome_unknown { self.reload().await } else { Ok(()) }
    }

    /// Reads the log again. It is also used after a commit whose outcome is unknown.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read, or names another owner. The owner is compared before anything else is
    /// taken from the log: a position of another server would be mistaken for that of a lost commit.
    pub async fn reload(&mut self) -> Result<()> {
        let read = match self.table.version() {
            Some(_) => self.table.update_state().await,
            None if self.place.is_missing(self.kind) => return Ok(()),
            None => self.table.load().await,
        };
        match read {
            Ok(()) => {
                // The writer of the newest entry, or the last start, may have failed to sync it.
                self.unsynced_from = self.unsynced_from.or(self.table.version());
                self.sync_log(0)?;
                self.is_outcome_unknown = false;
                match &self.ownership {
                    Some(ownership) => ownership.compare(self.owner().await?),
                    None => Ok(()),
                }
            }
            Err(DeltaTableError::NotATable(_)) => Ok(()),
            Err(e) => Err(unavailable("read", Path::new(&self.place.describe(self.kind)), e)),
        }
    }

    /// Reads the log up to a version; `false` when it has been read beyond that.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read, or ends before the version.
    pub async fn read_to(&mut self, version: u64) -> Result<bool> {
        if self.table.version().is_some_and(|read| read > version) {
            return Ok(false);
        }
        let read = self.table.update_incremental(Some(version)).await;
        read.map_err(|e| unavailable("read", Path::new(&self.place.describe(self.kind)), e))?;
        if self.table.version() == Some(version) {
            return Ok(true);
        }
        let place = self.place.describe(self.kind);
        Err(Error::unavailable(format!("the log of the lake `{place}` has no version {version}")))
    }

    /// Returns the newest version that has been read; `None` before the first commit.
    pub fn version(&self) -> Option<u64> {
        self.table.version()
    }

    /// Returns the live files.
    pub fn lake_version(&self) -> Result<LakeVersion> {
        if self.table.version().is_none() {
            return Ok(LakeVersion::default());
        }
        let state = self.table.snapshot().map_err(|e| unavailable("read", &self.dir, e))?;
        let files: Vec<LakeFile> = state
            .log_data()
            .iter()
            .map(|view| {
                #[expect(deprecated, reason = "the only view that carries the tags")]
                let add = view.add_action();
                LakeFile::from_delta(&add.path, add.size, &add.tags.unwrap_or_default())
            })
            .collect::<Result<_>>()?;
        Ok(LakeVersion::new(state.version(), files))
    }

    /// Returns the value of a position; `None` while no commit has set it.
    pub async fn watermark(&self, position: TxnWatermark) -> Result<Option<i64>> {
        self.transaction_version(position.app_id()).await
    }

    /// Returns the owner that the last commit names; `None` when no commit names one.
    pub async fn owner(&self) -> Result<Option<LakeOwner>> {
        let directory = self.transaction_version(DIRECTORY_APP_ID).await?;
        let epoch = self.transaction_version(EPOCH_APP_ID).await?;
        Ok(directory.zip(epoch).map(|(directory, epoch)| LakeOwner { directory, epoch }))
    }

    async fn transaction_version(&self, app_id: &str) -> Result<Option<i64>> {
        if self.table.version().is_none() {
            return Ok(None);
        }
        let state = self.table.snapshot().map_err(|e| unavailable("read", &self.dir, e))?;
        let version = state.transaction_version(self.table.log_store().as_ref(), app_id).await;
        version.map_err(|e| unavailable("read", &self.dir, e))
    }

    /// Claims the table by a commit that names the owner, as every later commit does.
    ///
    /// # Errors
    /// `Unavailable` when the commit fails, also because another server has committed since the log was read.
    pub async fn claim(&mut self, ownership: Arc<LakeOwnership>) -> Result<()> {
        self.create_if_missing().await?;
        // Another server may have created and claimed the table meanwhile.
        ownership.check_predecessor(self.owner().await?)?;
        let owner = owner_transactions(ownership.owner);
        self.commit_actions(Vec::new(), append_operation(), owner.to_vec()).await?;
        self.name_owner(ownership);
        Ok(())
    }

    /// Names this owner in every commit from now on.
    pub(super) fn name_owner(&mut self, ownership: Arc<LakeOwnership>) {
        self.ownership = Some(ownership);
    }

    /// Returns the highest seq whose rows are in the lake; 0 when there is none. Only `readings` records it.
    pub async fn flushed_seq(&self) -> Result<u64> {
        Ok(self.watermark(TxnWatermark::Flushed).await?.map_or(0, i64::unsigned_abs))
    }

    /// Commits durable files, and the positions they reach, in one atomic and durable commit. Returns the new version.
    pub async fn commit(
        &mut self,
        files: &[LakeFile],
        positions: &[(TxnWatermark, i64)],
        now_ms: i64,
    ) -> Result<u64> {
        let key = self.key();
        let actions = files.iter().map(|f| Action::Add(delta_actions::add(f, &key, true, now_ms))).collect();
        self.write(actions, append_operation(), positions).await
    }

    /// Replaces files by others, already durable, that hold their remaining rows. Returns the new version.
    pub async fn replace(
        &mut self,
        gone: &[Arc<LakeFile>],
        new: &[LakeFile],
        change: ReplaceReason,
        now_ms: i64,
    ) -> Result<u64> {
        let is_deletion = change == ReplaceReason::Deletion;
        let removed = gone.iter().map(|f| Action::Remove(delta_actions::remove(f, is_deletion, now_ms)));
        let key = self.key();
        let added: Vec<Action> =
            new.iter().map(|f| Action::Add(delta_actions::add(f, &key, is_deletion, now_ms))).collect();
        let target_size = new.iter().map(|f| f.bytes as i64).max().unwrap_or(0);
        let operation = match change {
            ReplaceReason::Merge => DeltaOperation::Optimize { predicate: None, target_size },
            ReplaceReason::Deletion => DeltaOperation::Delete { predicate: None },
        };
        self.write(removed.chain(added).collect(), operation, &[]).await
    }

    async fn write(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        positions: &[(TxnWatermark, i64)],
    ) -> Result<u64> {
        let mut transactions: Vec<Transaction> =
            positions.iter().map(|(position, value)| Transaction::new(position.app_id(), *value)).collect();
        let Some(ownership) = &self.ownership else {
            return self.commit_actions(actions, operation, transactions).await;
        };
        ownership.check()?;
        transactions.extend(owner_transactions(ownership.owner));
        let committed = self.commit_actions(actions, operation, transactions).await;
        if committed.is_err() {
            // Of another owner, or of a lost commit of this one: the next commit must know it, or would conflict with it.
            self.reload().await?;
        }
        committed
    }

    async fn commit_actions(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        transactions: Vec<Transaction>,
    ) -> Result<u64> {
        // Not as part of a commit: old entries go only once the checkpoint that replaces them is known to be durable.
        let properties = CommitProperties::default()
            .with_application_transactions(transactions)
            .with_cleanup_expired_logs(Some(false));
        self.create_if_missing().await?;
        let state = self.table.snapshot().map_err(|e| unavailable("read", &self.dir, e))?;
        self.is_outcome_unknown = true;
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state), self.table.log_store(), operation)
            .await
            .map_err(|e| unavailable("commit to", &self.dir, e))?;
        let version = committed.version();
        self.table.state = Some(committed.snapshot());
        self.sync_log(version)?;
        self.is_outcome_unknown = false;
        if (version + 1).is_multiple_of(CHECKPOINT_INTERVAL) {
            self.remove_obsolete();
        }
        Ok(version)
    }

    async fn create_if_missing(&mut self) -> Result<()> {
        if self.table.version().is_some() {
            return Ok(());
        }
        self.create().await.map_err(|e| unavailable("create", &self.dir, e))?;
        self.sync_log(0)
    }

    async fn create(&mut self) -> std::result::Result<(), DeltaTableError> {
        match self.table.load().await {
            // An earlier attempt that failed later has created the table.
            Ok(()) => return Ok(()),
            Err(DeltaTableError::NotATable(_)) => {}
            Err(e) => return Err(e),
        }
        let schema = self.kind.schema();
        let columns = schema.fields().iter().map(|field| {
            let primitive = match field.data_type() {
                ArrowType::Int32 => PrimitiveType::Integer,
                ArrowType::Int64 => PrimitiveType::Long,
                ArrowType::Float64 => PrimitiveType::Double,
                ArrowType::Timestamp(..) => PrimitiveType::Timestamp,
                _ => PrimitiveType::String,
            };
            StructField::new(field.name(), DataType::Primitive(primitive), field.is_nullable())
        });
        let partition = StructField::new(PARTITION, DataType::Primitive(PrimitiveType::Date), false);
        let interval = ("delta.checkpointInterval".to_owned(), Some(CHECKPOINT_INTERVAL.to_string()));
        self.table = CreateBuilder::new()
            .with_log_store(self.table.log_store())
            .with_table_name(self.kind.name())
            .with_columns(columns.chain([partition]))
            .with_partition_columns([PARTITION])
            .with_configuration([interval])
            .await?;
        Ok(())
    }

    /// Name of the column by which rows are sorted first.
    fn key(&self) -> String {
        self.kind.schema().field(0).name().clone()
    }

    /// Removes entries superseded by a durable checkpoint. A failed removal is retried after the next checkpoint.
    fn remove_obsolete(&self) {
        let log = self.dir.join("_delta_log");
        let remove = || -> std::io::Result<()> {
            let disk = self.place.disk();
            let files = disk.list_files(&log)?;
            let names: Vec<&str> = files.iter().filter_map(|f| f.file_name()?.to_str()).collect();
            delta_log_cleanup::obsolete(&names).into_iter().try_for_each(|name| disk.remove(&log.join(name)))
        };
        if let Err(e) = remove() {
            tracing::warn!(log = %log.display(), error = %e, "obsolete Delta log entries could not be removed");
        }
    }

    /// Makes the log entries from `version` on durable, checkpoints included, because object_store does not fsync.
    /// After a failed sync they are written again: the kernel may have dropped their pages and would not report that again.
    /// In place, so that a start needs no free space for it.
    fn sync_log(&mut self, version: u64) -> Result<()> {
        if self.place.is_remote() || self.place.is_read_only() {
            return Ok(());
        }
        let (log, disk) = (self.dir.join("_delta_log"), self.place.disk());
        let rewritten_from = self.unsynced_from.map(|version| format!("{version:020}"));
        let version = self.unsynced_from.map_or(version, |unsure| unsure.min(version));
        let from = format!("{version:020}");
        let sync = || -> std::io::Result<()> {
            // Left by a process that ended while rewriting an entry.
            let (unfinished, files): (Vec<_>, Vec<_>) = disk
                .list_files(&log)?
                .into_iter()
                .partition(|file| file.extension().is_some_and(|e| e == "tmp"));
            unfinished.iter().try_for_each(|file| disk.remove(file))?;
            for file in files {
                let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
                if rewritten_from.as_ref().is_some_and(|from| name >= from.as_str()) {
                    disk.overwrite_from(&file, 0, &disk.read(&file)?)?;
                } else if name >= from.as_str() {
                    disk.sync_file(&file)?;
                }
            }
            disk.sync_dir(&log)
        };
        let synced = sync();
        self.unsynced_from = synced.is_err().then_some(version);
        synced.map_err(|e| unavailable("make durable", &log, e))
    }
}

fn unavailable(verb: &str, dir: &Path, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = e.into();
    Error::unavailable(format!("cannot {verb} the lake `{}`: {source}", dir.display())).with_source(source)
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
