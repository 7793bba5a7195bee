//! From memory to the lake: sorted files first, durable; then the checkpoint; then the Delta commits, readings last and
//! with the position; and only then the log is cut.

mod files;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::UNIT_BYTES;
use super::checkpoint;
use super::disk::Disk;
use super::idempotency::Idempotency;
use super::lake::LakeVersion;
use super::lake::delta::{Delta, Position};
use super::last::LastValues;
use super::pace;
use super::state::{Frozen, Shared};
use super::statistics::touched::Touched;
use super::table::{PerTable, Table};
use super::wal::Log;
use crate::domain::{Clock, Error, Result};
use files::Files;

/// Between attempts while the disk refuses.
const RETRY: Duration = Duration::from_secs(2);
/// Rows of a day that make a file worth writing. Where days have fewer on the average, and there are many days, a
/// flush waits for more of them as long as there is room.
const DAY_ROWS: usize = 32 << 10;
const MANY_DAYS: usize = 16;
/// Files that flushes have added since the last look of the compactor, and that make it look now.
const CROWD: usize = 2048;

/// When to flush, and what of the log to keep.
#[derive(Debug, Clone)]
pub struct FlushOptions {
    /// Memory held by rows that starts a flush.
    pub bytes: usize,
    /// Age of the oldest unflushed row that starts one.
    pub age: Duration,
    /// Bytes of flushed log kept for subscribers that catch up.
    pub wal_keep_bytes: u64,
}

/// The flusher's parts. `deltas` are held for the length of a flush, so flushes never overlap.
pub struct Flusher {
    pub disk: Arc<dyn Disk>,
    pub data_dir: PathBuf,
    pub deltas: tokio::sync::Mutex<PerTable<Delta>>,
    pub log: Arc<Mutex<Log>>,
    pub shared: Arc<Shared>,
    pub last: Arc<LastValues>,
    pub keys: Arc<Idempotency>,
    pub clock: Arc<dyn Clock>,
    pub options: FlushOptions,
    /// Memory that starts a flush while the rows are of many days and each has few.
    pub spread_bytes: usize,
    /// Told when rows arrive, and when a writer waits for memory.
    pub grown: Arc<Notify>,
    /// Writers waiting for memory now.
    pub writers_waiting: AtomicUsize,
    /// Memory that writers may take; given back when rows leave memory.
    pub budget: Arc<Semaphore>,
    /// Units of `budget` held by rows since the last freeze, and by the frozen rows.
    pub taken: Arc<Mutex<(usize, usize)>>,
    /// Files added since the compactor looked.
    pub added: AtomicUsize,
    /// Told when they are a crowd.
    pub crowded: Notify,
}

impl Flusher {
    /// Flushes by size and age until the task is aborted.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.wait_until_due().await;
            while let Err(e) = self.flush().await {
                tracing::error!(error = %e, cause = ?e.source, "flush failed; rows stay in the log and in memory");
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    async fn wait_until_due(&self) {
        while self.shared.is_empty() {
            self.grown.notified().await;
        }
        let deadline = tokio::time::sleep(self.options.age);
        tokio::pin!(deadline);
        let is_due = || {
            let held = self.taken.lock().0 * UNIT_BYTES;
            held >= self.spread_bytes
                || held >= self.options.bytes && !self.is_spread()
                || self.writers_waiting.load(Ordering::Acquire) > 0
        };
        while !is_due() {
            tokio::select! {
                () = &mut deadline => return,
                () = self.grown.notified() => {}
            }
        }
    }

    /// Whether what waits would become many small files: a backfill of few rows a day.
    fn is_spread(&self) -> bool {
        let (days, rows) = self.shared.spread();
        days >= MANY_DAYS && rows / days < DAY_ROWS
    }

    /// Moves every row in memory into the lake. Returns once they are committed there and the log is cut.
    pub async fn flush(&self) -> Result<()> {
        let mut deltas = self.deltas.lock().await;
        if let Some(left) = self.shared.frozen() {
            self.land(&mut deltas, &left).await?;
        }
        match self.freeze() {
            Some(frozen) => self.land(&mut deltas, &frozen).await,
            None => Ok(()),
        }
    }

    async fn land(&self, deltas: &mut PerTable<Delta>, frozen: &Arc<Frozen>) -> Result<()> {
        let written = self.write(deltas, frozen).await?;
        self.shared.flushed(written.lakes, frozen.last_seq, written.touched);
        if self.added.fetch_add(written.files, Ordering::AcqRel) + written.files >= CROWD {
            self.crowded.notify_one();
        }
        let freed = std::mem::take(&mut self.taken.lock().1);
        self.budget.add_permits(freed);
        let (log, last_seq, keep) = (self.log.clone(), frozen.last_seq, self.options.wal_keep_bytes);
        blocking(move || log.lock().cut(last_seq, keep)).await
    }

    /// After the last flush: the next start has nothing of the log to read.
    pub async fn end_log(&self) -> Result<()> {
        let log = self.log.clone();
        blocking(move || log.lock().end_segment()).await
    }

    /// Writes what the rows do not hold, for whoever changed it otherwise than by a flush.
    pub async fn checkpoint(&self) -> Result<()> {
        let _tables = self.deltas.lock().await;
        self.save_checkpoint().await
    }

    /// What the rows do not hold must be durable before their position is: from then on the log is not read for them.
    async fn save_checkpoint(&self) -> Result<()> {
        let (disk, dir, now) = (self.disk.clone(), self.data_dir.clone(), self.clock.now());
        let (last, keys) = (self.last.clone(), self.keys.clone());
        blocking(move || checkpoint::save(disk.as_ref(), &dir, &last, &keys, now)).await
    }

    /// Puts aside the rows and the memory they were counted with.
    fn freeze(&self) -> Option<Arc<Frozen>> {
        let mut taken = self.taken.lock();
        let frozen = self.shared.freeze()?;
        taken.1 = std::mem::take(&mut taken.0);
        Some(frozen)
    }

    async fn write(&self, deltas: &mut PerTable<Delta>, frozen: &Arc<Frozen>) -> Result<Written> {
        let readings = &mut deltas[Table::Readings];
        if flushed(readings).await? >= frozen.last_seq {
            // An earlier attempt was committed although it failed: writing again would double every row.
            return self.found(deltas, frozen).await;
        }
        let started = std::time::Instant::now();
        let (shared, rows) = (self.shared.clone(), frozen.clone());
        let files = pace::large(move || Files::write(&shared, &rows)).await??;
        self.save_checkpoint().await?;
        let now_ms = self.clock.now().0 / 1000;
        let mut lakes = PerTable::default();
        for table in Table::KEYED {
            let (delta, files) = (&mut deltas[table], &files.keyed[table]);
            // Committed twice when a later step fails, which changes nothing: of equal keys one counts.
            if !files.is_empty() {
                delta.commit(files, &[], now_ms).await?;
                lakes[table] = Some(delta.files()?.sharing(&self.shared.lake(table)));
            }
        }
        let before = self.shared.lake(Table::Readings);
        let delta = &mut deltas[Table::Readings];
        let position = [(Position::Flushed, frozen.last_seq as i64)];
        let lake = match delta.commit(&files.readings, &position, now_ms).await {
            Ok(version) => before.with(version, files.readings.iter().cloned()),
            // The commit can have been made although its answer is an error.
            Err(e) => match delta.reload().await {
                Ok(()) if flushed(delta).await? >= frozen.last_seq => delta.files()?.sharing(&before),
                _ => return Err(e),
            },
        };
        let rows: u64 = files.readings.iter().map(|f| f.rows).sum();
        let ms = started.elapsed().as_millis();
        tracing::debug!(rows, files = files.readings.len(), ms, version = lake.version, "flushed");
        lakes[Table::Readings] = Some(lake);
        Ok(Written { lakes, touched: files.touched, files: files.readings.len() })
    }

    /// What an earlier attempt committed.
    async fn found(&self, deltas: &mut PerTable<Delta>, frozen: &Arc<Frozen>) -> Result<Written> {
        let mut lakes = PerTable::default();
        for table in Table::ALL {
            let delta = &mut deltas[table];
            delta.reload().await?;
            lakes[table] = Some(delta.files()?.sharing(&self.shared.lake(table)));
        }
        let mut touched = Touched::default();
        frozen.days.values().flatten().for_each(|run| touched.add_run(run));
        Ok(Written { lakes, touched, files: frozen.days.len() })
    }
}

/// What a flush has made durable.
struct Written {
    /// The tables it changed.
    lakes: PerTable<Option<LakeVersion>>,
    touched: Touched,
    /// Files of readings, about.
    files: usize,
}

/// The highest seq whose rows are in the lake; 0 when none is.
pub async fn flushed(readings: &Delta) -> Result<u64> {
    Ok(readings.position(Position::Flushed).await?.map_or(0, i64::unsigned_abs))
}

/// Runs work that waits for the disk where waiting stops nobody else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("a flush ended early").because(e))?
}
