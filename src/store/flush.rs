//! From memory to the lake: sorted files first, durable; then the Delta commit with the position; then the
//! checkpoint; and only then the log is cut.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::UNIT_BYTES;
use super::checkpoint;
use super::disk::Disk;
use super::idempotency::Idempotency;
use super::lake::LakeVersion;
use super::lake::delta::Delta;
use super::lake::encode;
use super::lake::file::LakeFile;
use super::last::LastValues;
use super::memtable::run::{self, Run};
use super::state::{Frozen, Shared};
use super::wal::Log;
use crate::domain::time::Day;
use crate::domain::{Clock, Error, Result};

/// Rows of one file at most: about 64 MB of mixed signals.
const FILE_ROWS: usize = 16 << 20;
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

/// The flusher's parts. `delta` is held for the length of a flush, so flushes never overlap.
pub struct Flusher {
    pub disk: Arc<dyn Disk>,
    pub data_dir: PathBuf,
    pub delta: tokio::sync::Mutex<Delta>,
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
        while self.shared.active_rows() == 0 {
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
        let mut delta = self.delta.lock().await;
        if let Some(left) = self.shared.frozen() {
            self.land(&mut delta, &left).await?;
        }
        match self.freeze() {
            Some(frozen) => self.land(&mut delta, &frozen).await,
            None => Ok(()),
        }
    }

    async fn land(&self, delta: &mut Delta, frozen: &Arc<Frozen>) -> Result<()> {
        let lake = self.write(delta, frozen).await?;
        self.shared.flushed(lake);
        let freed = std::mem::take(&mut self.taken.lock().1);
        self.budget.add_permits(freed);
        checkpoint::save(self.disk.as_ref(), &self.data_dir, &self.last, &self.keys, self.clock.now())?;
        self.log.lock().cut(frozen.last_seq, self.options.wal_keep_bytes)
    }

    /// Puts aside the rows and the memory they were counted with.
    fn freeze(&self) -> Option<Arc<Frozen>> {
        let mut taken = self.taken.lock();
        let frozen = self.shared.freeze()?;
        taken.1 = std::mem::take(&mut taken.0);
        Some(frozen)
    }

    async fn write(&self, delta: &mut Delta, frozen: &Arc<Frozen>) -> Result<LakeVersion> {
        let started = std::time::Instant::now();
        let (disk, dir, rows) = (self.disk.clone(), delta.dir().to_owned(), frozen.clone());
        let files = tokio::task::spawn_blocking(move || write_files(disk.as_ref(), &dir, &rows)).await;
        let files = files.map_err(|e| Error::internal("a flush ended early").because(e))??;
        let now_ms = self.clock.now().0 / 1000;
        let before = delta.files()?;
        let lake = match delta.commit(&files, frozen.last_seq, now_ms).await {
            Ok(version) => before.with(version, files.iter().cloned()),
            // The commit can have been made although its answer is an error.
            Err(e) => match delta.reload().await {
                Ok(()) if delta.flushed().await? >= frozen.last_seq => delta.files()?,
                _ => return Err(e),
            },
        };
        let rows: u64 = files.iter().map(|f| f.rows).sum();
        let ms = started.elapsed().as_millis();
        tracing::debug!(rows, files = files.len(), ms, version = lake.version, "flushed");
        Ok(lake)
    }
}

/// Writes the frozen rows as sorted, durable files: per day one of rows that are on time and one of late ones.
fn write_files(disk: &dyn Disk, dir: &Path, frozen: &Frozen) -> Result<Vec<LakeFile>> {
    let mut files = Vec::new();
    for (day, runs) in &frozen.days {
        let Some(all) = run::merge(runs) else { continue };
        let is_late = |run: &Run, i: usize| frozen.watermarks.is_late(*day, run.stream[i], run.ts[i]);
        let late = all.select(is_late);
        let on_time = if late.is_empty() { all } else { all.select(|run, i| !is_late(run, i)) };
        for (rows, is_late) in [(on_time, false), (late, true)] {
            for start in (0..rows.len()).step_by(FILE_ROWS) {
                let part = rows.slice(start, FILE_ROWS.min(rows.len() - start));
                files.push(write_file(disk, dir, *day, &part, is_late)?);
            }
        }
    }
    Ok(files)
}

fn write_file(disk: &dyn Disk, dir: &Path, day: Day, rows: &Run, is_late: bool) -> Result<LakeFile> {
    let bytes = encode::parquet(rows)?;
    let name = format!("part-{}.parquet", Uuid::new_v4().simple());
    let folder = dir.join(format!("date={day}"));
    let write = || -> std::io::Result<()> {
        disk.create_dir_all(&folder)?;
        let temporary = folder.join(format!("{name}.tmp"));
        let mut file = disk.create(&temporary)?;
        file.write_all(&bytes)?;
        file.sync()?;
        disk.rename(&temporary, &folder.join(&name))?;
        disk.sync_dir(&folder)
    };
    write().map_err(|e| {
        Error::unavailable(format!("cannot write to the lake `{}`: {e}", folder.display())).because(e)
    })?;
    let bounds = |numbers: &[i64]| {
        let fold = |(low, high): (i64, i64), n: &i64| (low.min(*n), high.max(*n));
        numbers.iter().fold((i64::MAX, i64::MIN), fold)
    };
    let seq = bounds(&rows.seq);
    Ok(LakeFile {
        path: format!("date={day}/{name}"),
        day,
        rows: rows.len() as u64,
        bytes: bytes.len() as u64,
        streams: (rows.stream[0], rows.stream[rows.len() - 1]),
        ts: bounds(&rows.ts),
        seq: (seq.0 as u64, seq.1 as u64),
        is_late,
    })
}
