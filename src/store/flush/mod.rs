//! Flush of the memtable into the lake.
//!
//! The order is fixed: sorted files, durable; the checkpoint; the Delta commits, with readings last and carrying the
//! flushed position; and only then the log is truncated.

mod flushed_files;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::blocking::blocking;
use super::checkpoint::Checkpoint;
use super::compaction::trigger::CompactionTrigger;
use super::lake::LakeVersion;
use super::lake::delta::{DeltaLog, TxnWatermark};
use super::memory_budget::MemoryBudget;
use super::state::{FrozenMemtable, MemtableSize};
use super::statistics::invalidations::Invalidations;
use super::table::{PerTable, Table};
use super::table_set::TableSet;
use super::throttle;
use super::wal::{Log, LogSize};
use crate::domain::Result;
use flushed_files::FlushedFiles;

/// The message of an error when work on the blocking pool ends early.
const ENDED_EARLY: &str = "a flush ended early";
/// Delay between attempts while the disk returns errors.
const RETRY_DELAY: Duration = Duration::from_secs(2);
/// Rows of a day that justify a file. When many days have fewer on average, a flush waits for more rows as long as
/// there is memory.
const MIN_ROWS_PER_DAY: usize = 32 << 10;
const MIN_BACKFILL_DAYS: usize = 16;

/// When to flush, and how much of the log to keep.
#[derive(Debug, Clone)]
pub struct FlushOptions {
    /// Memory used by rows that triggers a flush, bytes.
    pub bytes: usize,
    /// Age of the oldest unflushed row that triggers a flush.
    pub age: Duration,
    /// Bytes of flushed log to keep for subscribers that catch up.
    pub wal_keep_bytes: u64,
}

/// The flusher. The tables are locked for the whole of a flush, so flushes never overlap.
pub struct Flusher {
    pub(super) tables: Arc<TableSet>,
    pub(super) memory: Arc<MemoryBudget>,
    pub(super) log: Arc<Mutex<Log>>,
    pub(super) log_size: Arc<LogSize>,
    pub(super) checkpoint: Arc<Checkpoint>,
    pub(super) compaction: Arc<CompactionTrigger>,
    pub(super) options: FlushOptions,
}

impl Flusher {
    /// Flushes by size and age until the task is aborted, or another server has taken the lake over.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.wait_until_due().await;
            while let Err(e) = self.flush().await {
                tracing::error!(error = %e, cause = ?e.source, "flush failed; rows stay in the log and in memory");
                if self.tables.check_ownership().is_err() {
                    return;
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }

    async fn wait_until_due(&self) {
        while self.tables.state.is_empty() {
            self.memory.changed().await;
        }
        let deadline = tokio::time::sleep(self.options.age);
        tokio::pin!(deadline);
        while !self.is_due() {
            tokio::select! {
                () = &mut deadline => return,
                () = self.memory.changed() => {}
            }
        }
    }

    /// Whether the memtable is large enough for a flush, or a writer waits for its memory.
    fn is_due(&self) -> bool {
        let active_bytes = self.memory.active_bytes();
        active_bytes >= self.backfill_flush_bytes()
            || active_bytes >= self.options.bytes && !self.is_backfill()
            || self.memory.has_waiting_writers()
    }

    /// Returns the memory that triggers a flush while the rows are spread over many days with few rows each: half of
    /// the cap, because the other half takes the writes that arrive during the flush.
    fn backfill_flush_bytes(&self) -> usize {
        self.options.bytes.max(self.memory.cap_bytes() / 2)
    }

    /// Whether the memtable would become many small files, as in a backfill of few rows per day.
    fn is_backfill(&self) -> bool {
        let MemtableSize { days, rows } = self.tables.state.memtable_size();
        days >= MIN_BACKFILL_DAYS && rows / days < MIN_ROWS_PER_DAY
    }

    /// Moves every row in memory into the lake. On return they are committed there and the log is truncated.
    pub async fn flush(&self) -> Result<()> {
        let mut deltas = self.tables.lock().await;
        if let Some(left) = self.tables.state.frozen() {
            self.persist(&mut deltas, &left).await?;
        }
        // Rows and their memory are frozen together.
        match self.memory.freeze(|| self.tables.state.freeze()) {
            Some(frozen) => self.persist(&mut deltas, &frozen).await,
            None => Ok(()),
        }
    }

    async fn persist(&self, deltas: &mut PerTable<DeltaLog>, frozen: &Arc<FrozenMemtable>) -> Result<()> {
        let written = self.write(deltas, frozen).await?;
        self.tables.state.finish_flush(written.lakes, frozen.last_seq, written.touched);
        self.compaction.add(written.files);
        self.memory.release_frozen();
        let (log, last_seq, keep) = (self.log.clone(), frozen.last_seq, self.options.wal_keep_bytes);
        blocking(ENDED_EARLY, move || log.lock().remove_flushed(last_seq, keep)).await
    }

    /// Ends the log after the last flush, so that the next start replays nothing.
    pub async fn end_log(&self) -> Result<()> {
        let log = self.log.clone();
        blocking(ENDED_EARLY, move || log.lock().end_segment()).await
    }

    /// Removes last values before the cutoff of their stream, from memory and from the checkpoint.
    pub async fn expire_latest_values(&self, cutoff_of: impl Fn(i32) -> i64) -> Result<()> {
        let latest = &self.checkpoint.latest_values;
        latest.expire(cutoff_of);
        if !latest.take_dirty() {
            return Ok(());
        }
        let _tables = self.tables.lock().await;
        self.save_checkpoint().await.inspect_err(|_| latest.mark_dirty())
    }

    /// Saves the checkpoint. It must be durable before the flushed position is: from then on the log is not replayed
    /// for it.
    async fn save_checkpoint(&self) -> Result<()> {
        let (checkpoint, now) = (self.checkpoint.clone(), self.tables.clock().now());
        blocking(ENDED_EARLY, move || checkpoint.save(now)).await
    }

    async fn write(
        &self,
        deltas: &mut PerTable<DeltaLog>,
        frozen: &Arc<FrozenMemtable>,
    ) -> Result<FlushOutcome> {
        let readings = &mut deltas[Table::Readings];
        readings.reload_after_failure().await?;
        if readings.flushed_seq().await? >= frozen.last_seq {
            // An earlier attempt was committed although it returned an error: writing again would duplicate every row.
            return self.load_committed(deltas, frozen).await;
        }
        for table in Table::UPSERT {
            self.tables.publish_committed(table, &mut deltas[table]).await?;
        }
        let started = std::time::Instant::now();
        let (tables, rows) = (self.tables.clone(), frozen.clone());
        let files = throttle::run_bulk(move || FlushedFiles::write(&tables, &rows)).await??;
        match self.commit(deltas, frozen, &files).await {
            Ok(lakes) => {
                let rows: u64 = files.readings.iter().map(|f| f.rows).sum();
                let (count, ms) = (files.readings.len(), started.elapsed().as_millis());
                tracing::debug!(rows, files = count, ms, "flushed");
                Ok(FlushOutcome { lakes, touched: files.touched, files: count })
            }
            Err(e) => {
                self.tables
                    .discard_uncommitted(Table::Readings, &mut deltas[Table::Readings], &files.readings)
                    .await;
                for table in Table::UPSERT {
                    self.tables.discard_uncommitted(table, &mut deltas[table], &files.upserts[table]).await;
                }
                Err(e)
            }
        }
    }

    /// Saves the checkpoint and commits the files. Returns the new versions of the tables.
    async fn commit(
        &self,
        deltas: &mut PerTable<DeltaLog>,
        frozen: &Arc<FrozenMemtable>,
        files: &FlushedFiles,
    ) -> Result<PerTable<Option<LakeVersion>>> {
        self.save_checkpoint().await?;
        let now_ms = self.tables.now_ms();
        let mut lakes = PerTable::default();
        for table in Table::UPSERT {
            let (delta, files) = (&mut deltas[table], &files.upserts[table]);
            // These are committed twice when a later step fails, which is harmless: the files of the second time are late ones, and
            // of equal keys only one counts.
            if !files.is_empty() {
                delta.commit(files, &[], now_ms).await?;
                lakes[table] = Some(delta.lake_version()?.sharing_files_with(&self.tables.lake(table)));
            }
        }
        let before = self.tables.lake(Table::Readings);
        let delta = &mut deltas[Table::Readings];
        let position = [(TxnWatermark::Flushed, frozen.last_seq as i64)];
        let lake = match delta.commit(&files.readings, &position, now_ms).await {
            Ok(version) => before.with_files(version, files.readings.iter().cloned()),
            // The commit may have succeeded although it returned an error.
            Err(e) => match delta.reload().await {
                Ok(()) if delta.flushed_seq().await? >= frozen.last_seq => {
                    delta.lake_version()?.sharing_files_with(&before)
                }
                _ => return Err(e),
            },
        };
        lakes[Table::Readings] = Some(lake);
        Ok(lakes)
    }

    /// Loads what an earlier attempt committed.
    async fn load_committed(
        &self,
        deltas: &mut PerTable<DeltaLog>,
        frozen: &Arc<FrozenMemtable>,
    ) -> Result<FlushOutcome> {
        let mut lakes = PerTable::default();
        for table in Table::ALL {
            let delta = &mut deltas[table];
            delta.reload().await?;
            lakes[table] = Some(delta.lake_version()?.sharing_files_with(&self.tables.lake(table)));
        }
        let mut touched = Invalidations::default();
        frozen.days.values().flatten().for_each(|run| touched.add_run(run));
        Ok(FlushOutcome { lakes, touched, files: frozen.days.len() })
    }
}

/// Rows that a flush has made durable.
struct FlushOutcome {
    /// New versions of the tables it changed.
    lakes: PerTable<Option<LakeVersion>>,
    touched: Invalidations,
    /// Approximate number of new files of readings.
    files: usize,
}
