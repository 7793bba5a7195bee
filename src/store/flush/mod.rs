//! Flush of the memtable into the lake.
//!
//! The order is fixed: sorted files, durable; the checkpoint; the Delta commits, with readings last and carrying the
//! flushed position; and only then the log is truncated.

mod flushed_files;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::MEMORY_UNIT_BYTES;
use super::checkpoint;
use super::disk::Disk;
use super::idempotency::IdempotencyKeys;
use super::lake::LakeVersion;
use super::lake::delta::{DeltaLog, TxnWatermark};
use super::latest_value_cache::LatestValueCache;
use super::state::{FrozenMemtable, SharedState};
use super::statistics::invalidations::Invalidations;
use super::table::{PerTable, Table};
use super::throttle;
use super::wal::Log;
use crate::domain::{Clock, Error, Result};
use flushed_files::FlushedFiles;

/// Delay between attempts while the disk returns errors.
const RETRY_DELAY: Duration = Duration::from_secs(2);
/// Rows of a day that justify a file. When many days have fewer on average, a flush waits for more rows as long as
/// there is memory.
const MIN_ROWS_PER_DAY: usize = 32 << 10;
const MIN_BACKFILL_DAYS: usize = 16;
/// Number of files added by flushes that wakes the compactor before its interval.
const COMPACTION_TRIGGER_FILES: usize = 2048;

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

/// The flusher. `deltas` is locked for the whole of a flush, so flushes never overlap.
pub struct Flusher {
    pub disk: Arc<dyn Disk>,
    pub data_dir: PathBuf,
    pub deltas: tokio::sync::Mutex<PerTable<DeltaLog>>,
    pub log: Arc<Mutex<Log>>,
    pub shared: Arc<SharedState>,
    pub latest_values: Arc<LatestValueCache>,
    pub idempotency: Arc<IdempotencyKeys>,
    pub clock: Arc<dyn Clock>,
    pub options: FlushOptions,
    /// Memory that triggers a flush while the rows are spread over many days with few rows each, bytes.
    pub backfill_flush_bytes: usize,
    /// Notified when rows arrive, and when a writer waits for memory.
    pub flush_wakeup: Arc<Notify>,
    /// Number of writers currently waiting for memory.
    pub writers_waiting: AtomicUsize,
    /// Memory that writers may still take; returned when rows leave memory.
    pub budget: Arc<Semaphore>,
    /// Units of `budget` held by rows since the last freeze, and by the frozen rows.
    pub memtable_units: Arc<Mutex<(usize, usize)>>,
    /// Files added since the compactor last checked.
    pub files_since_compaction: AtomicUsize,
    /// Notified when `COMPACTION_TRIGGER_FILES` is reached.
    pub compaction_trigger: Notify,
}

impl Flusher {
    /// Flushes by size and age until the task is aborted.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.wait_until_due().await;
            while let Err(e) = self.flush().await {
                tracing::error!(error = %e, cause = ?e.source, "flush failed; rows stay in the log and in memory");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }

    async fn wait_until_due(&self) {
        while self.shared.is_empty() {
            self.flush_wakeup.notified().await;
        }
        let deadline = tokio::time::sleep(self.options.age);
        tokio::pin!(deadline);
        let is_due = || {
            let held = self.memtable_units.lock().0 * MEMORY_UNIT_BYTES;
            held >= self.backfill_flush_bytes
                || held >= self.options.bytes && !self.is_backfill()
                || self.writers_waiting.load(Ordering::Acquire) > 0
        };
        while !is_due() {
            tokio::select! {
                () = &mut deadline => return,
                () = self.flush_wakeup.notified() => {}
            }
        }
    }

    /// Whether the memtable would become many small files, as in a backfill of few rows per day.
    fn is_backfill(&self) -> bool {
        let (days, rows) = self.shared.days_and_rows();
        days >= MIN_BACKFILL_DAYS && rows / days < MIN_ROWS_PER_DAY
    }

    /// Moves every row in memory into the lake. On return they are committed there and the log is truncated.
    pub async fn flush(&self) -> Result<()> {
        let mut deltas = self.deltas.lock().await;
        if let Some(left) = self.shared.frozen() {
            self.persist(&mut deltas, &left).await?;
        }
        match self.freeze() {
            Some(frozen) => self.persist(&mut deltas, &frozen).await,
            None => Ok(()),
        }
    }

    async fn persist(&self, deltas: &mut PerTable<DeltaLog>, frozen: &Arc<FrozenMemtable>) -> Result<()> {
        let written = self.write(deltas, frozen).await?;
        self.shared.finish_flush(written.lakes, frozen.last_seq, written.touched);
        if self.files_since_compaction.fetch_add(written.files, Ordering::AcqRel) + written.files
            >= COMPACTION_TRIGGER_FILES
        {
            self.compaction_trigger.notify_one();
        }
        let freed = std::mem::take(&mut self.memtable_units.lock().1);
        self.budget.add_permits(freed);
        let (log, last_seq, keep) = (self.log.clone(), frozen.last_seq, self.options.wal_keep_bytes);
        blocking(move || log.lock().remove_flushed(last_seq, keep)).await
    }

    /// Ends the log after the last flush, so that the next start replays nothing.
    pub async fn end_log(&self) -> Result<()> {
        let log = self.log.clone();
        blocking(move || log.lock().end_segment()).await
    }

    /// Writes the checkpoint, for changes that are not made by a flush.
    pub async fn checkpoint(&self) -> Result<()> {
        let _tables = self.deltas.lock().await;
        self.save_checkpoint().await
    }

    /// Saves the checkpoint. It must be durable before the flushed position is: from then on the log is not replayed
    /// for it.
    async fn save_checkpoint(&self) -> Result<()> {
        let (disk, dir, now) = (self.disk.clone(), self.data_dir.clone(), self.clock.now());
        let (last, keys) = (self.latest_values.clone(), self.idempotency.clone());
        blocking(move || checkpoint::save(disk.as_ref(), &dir, &last, &keys, now)).await
    }

    /// Freezes the memtable together with its memory accounting.
    fn freeze(&self) -> Option<Arc<FrozenMemtable>> {
        let mut taken = self.memtable_units.lock();
        let frozen = self.shared.freeze()?;
        taken.1 = std::mem::take(&mut taken.0);
        Some(frozen)
    }

    async fn write(
        &self,
        deltas: &mut PerTable<DeltaLog>,
        frozen: &Arc<FrozenMemtable>,
    ) -> Result<FlushOutcome> {
        let readings = &mut deltas[Table::Readings];
        if flushed_seq(readings).await? >= frozen.last_seq {
            // An earlier attempt was committed although it returned an error: writing again would duplicate every row.
            return self.load_committed(deltas, frozen).await;
        }
        let started = std::time::Instant::now();
        let (shared, rows) = (self.shared.clone(), frozen.clone());
        let files = throttle::run_bulk(move || FlushedFiles::write(&shared, &rows)).await??;
        self.save_checkpoint().await?;
        let now_ms = self.clock.now().0 / 1000;
        let mut lakes = PerTable::default();
        for table in Table::UPSERT {
            let (delta, files) = (&mut deltas[table], &files.upserts[table]);
            // These are committed twice when a later step fails, which is harmless: of equal keys only one counts.
            if !files.is_empty() {
                delta.commit(files, &[], now_ms).await?;
                lakes[table] = Some(delta.lake_version()?.sharing_files_with(&self.shared.lake(table)));
            }
        }
        let before = self.shared.lake(Table::Readings);
        let delta = &mut deltas[Table::Readings];
        let position = [(TxnWatermark::Flushed, frozen.last_seq as i64)];
        let lake = match delta.commit(&files.readings, &position, now_ms).await {
            Ok(version) => before.with_files(version, files.readings.iter().cloned()),
            // The commit may have succeeded although it returned an error.
            Err(e) => match delta.reload().await {
                Ok(()) if flushed_seq(delta).await? >= frozen.last_seq => {
                    delta.lake_version()?.sharing_files_with(&before)
                }
                _ => return Err(e),
            },
        };
        let rows: u64 = files.readings.iter().map(|f| f.rows).sum();
        let ms = started.elapsed().as_millis();
        tracing::debug!(rows, files = files.readings.len(), ms, version = lake.version, "flushed");
        lakes[Table::Readings] = Some(lake);
        Ok(FlushOutcome { lakes, touched: files.touched, files: files.readings.len() })
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
            lakes[table] = Some(delta.lake_version()?.sharing_files_with(&self.shared.lake(table)));
        }
        let mut touched = Invalidations::default();
        frozen.days.values().flatten().for_each(|run| touched.add_run(run));
        Ok(FlushOutcome { lakes, touched, files: frozen.days.len() })
    }
}

/// What a flush has made durable.
struct FlushOutcome {
    /// New versions of the tables it changed.
    lakes: PerTable<Option<LakeVersion>>,
    touched: Invalidations,
    /// Approximate number of new files of readings.
    files: usize,
}

/// Returns the highest seq whose rows are in the lake; 0 when there is none.
pub async fn flushed_seq(readings: &DeltaLog) -> Result<u64> {
    Ok(readings.watermark(TxnWatermark::Flushed).await?.map_or(0, i64::unsigned_abs))
}

/// Runs disk-bound work on the blocking pool, where waiting blocks no other task.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::internal("a flush ended early").with_source(e))?
}
