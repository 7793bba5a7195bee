//! From memory to the lake: sorted files first, durable; then the checkpoint; then the Delta commits, readings last and
//! with the position; and only then the log is cut.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};

use super::UNIT_BYTES;
use super::checkpoint;
use super::disk::Disk;
use super::idempotency::Idempotency;
use super::keyed;
use super::lake::LakeVersion;
use super::lake::delta::{Delta, Position};
use super::lake::file::LakeFile;
use super::lake::part::PartWriter;
use super::last::LastValues;
use super::memtable::run::{self, Run};
use super::state::{Frozen, Shared};
use super::statistics::touched::Touched;
use super::table::{PerTable, Table};
use super::wal::Log;
use crate::domain::time::Day;
use crate::domain::{Clock, Error, Result};

/// Between attempts while the disk refuses.
const RETRY: Duration = Duration::from_secs(2);

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
    /// Told when rows arrive, and when a writer waits for memory.
    pub grown: Arc<Notify>,
    /// Writers waiting for memory now.
    pub writers_waiting: AtomicUsize,
    /// Memory that writers may take; given back when rows leave memory.
    pub budget: Arc<Semaphore>,
    /// Units of `budget` held by rows since the last freeze, and by the frozen rows.
    pub taken: Arc<Mutex<(usize, usize)>>,
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
            held >= self.options.bytes || self.writers_waiting.load(Ordering::Acquire) > 0
        };
        while !is_due() {
            tokio::select! {
                () = &mut deadline => return,
                () = self.grown.notified() => {}
            }
        }
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
        let freed = std::mem::take(&mut self.taken.lock().1);
        self.budget.add_permits(freed);
        let (log, last_seq, keep) = (self.log.clone(), frozen.last_seq, self.options.wal_keep_bytes);
        blocking(move || log.lock().cut(last_seq, keep)).await
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
        let files = blocking(move || Files::write(&shared, &rows)).await?;
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
        Ok(Written { lakes, touched: files.touched })
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
        Ok(Written { lakes, touched })
    }
}

/// What a flush has made durable.
struct Written {
    /// The tables it changed.
    lakes: PerTable<Option<LakeVersion>>,
    touched: Touched,
}

/// The highest seq whose rows are in the lake; 0 when none is.
pub async fn flushed(readings: &Delta) -> Result<u64> {
    Ok(readings.position(Position::Flushed).await?.map_or(0, i64::unsigned_abs))
}

/// Runs work that waits for the disk where waiting stops nobody else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("a flush ended early").because(e))?
}

/// The frozen rows as sorted, durable files.
#[derive(Default)]
struct Files {
    readings: Vec<LakeFile>,
    keyed: PerTable<Vec<LakeFile>>,
    touched: Touched,
}

impl Files {
    fn write(shared: &Shared, frozen: &Frozen) -> Result<Files> {
        let disk = shared.place().disk().as_ref();
        let mut files = Files::default();
        let dir = shared.lake_dir(Table::Readings);
        for (day, runs) in &frozen.days {
            files.readings((disk, &dir), frozen, *day, runs)?;
        }
        for table in Table::KEYED {
            let (dir, lake) = (shared.lake_dir(table), shared.lake(table));
            for (day, runs) in &frozen.keyed[table] {
                let Some(rows) = keyed::merge(runs) else { continue };
                // A day that has rows may have these keys too.
                let is_late = lake.days().contains_key(day);
                let mut part = PartWriter::create(disk, &dir, table, *day, is_late)?;
                part.write(rows.batch())?;
                files.keyed[table].push(part.finish()?);
            }
        }
        Ok(files)
    }

    /// Per day one file of rows that are on time and one of late ones.
    fn readings(
        &mut self,
        (disk, dir): (&dyn Disk, &Path),
        frozen: &Frozen,
        day: Day,
        runs: &[Run],
    ) -> Result<()> {
        let Some(all) = run::merge(runs) else { return Ok(()) };
        self.touched.add_run(&all);
        let is_late = |run: &Run, i: usize| frozen.watermarks.is_late(day, run.stream[i], run.ts[i]);
        let late = all.select(is_late);
        let on_time = if late.is_empty() { all } else { all.select(|run, i| !is_late(run, i)) };
        for (rows, is_late) in [(on_time, false), (late, true)] {
            if !rows.is_empty() {
                let mut part = PartWriter::create(disk, dir, Table::Readings, day, is_late)?;
                part.write_run(&rows)?;
                self.readings.push(part.finish()?);
            }
        }
        Ok(())
    }
}
