//! Retention: rows that have expired leave the disk, and so do those of deleted streams and devices.
//!
//! What has expired is invisible long before (`Catalog::kept`). A cycle removes it from the files: whole files go by one
//! commit, those that hold other rows as well are written again without the expired ones. Floors are durable before the
//! first byte goes (`Catalog::raise_floors`), and statistics of the windows are computed.

pub mod edge;
pub mod scan;

use std::collections::{BTreeSet, HashSet};
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::catalog::{Catalog, Moment};
use super::compaction::{Compactor, Swap};
use super::disk::Disk;
use super::flush::Flusher;
use super::lake::delta::Change;
use super::lake::file::LakeFile;
use super::lake::orphans;
use super::pace::Pace;
use super::snapshot::Snapshot;
use super::table::{PerTable, Table};
use crate::domain::policy::PolicyChange;
use crate::domain::retention::Cutoffs;
use crate::domain::time::Day;
use crate::domain::{Error, Micros, Principal, Result};
use edge::Edge;
use scan::Expired;

/// A server that is restarted all the time removes something as well.
const FIRST_CYCLE: Duration = Duration::from_secs(300);
/// After a cycle that failed.
const RETRY: Duration = Duration::from_secs(60);

/// What left the disk, or would.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Rows as they are stored: one that was overwritten counts again until the files are merged.
    pub rows: u64,
    /// Of whole files what they take; of others, in a forecast, the share of their rows.
    pub bytes: u64,
    /// Files removed or written again.
    pub files: u64,
}

impl AddAssign for Amount {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.bytes += more.bytes;
        self.files += more.files;
    }
}

/// What a change of policies would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    pub amount: Amount,
    /// The newest time before which rows would go; `None` when none would.
    pub before: Option<Micros>,
}

/// The files known to hold nothing that had expired by these cutoffs.
#[derive(Debug, Clone, Default)]
struct Clean {
    cutoffs: Arc<Cutoffs>,
    paths: HashSet<String>,
}

impl Clean {
    /// Whether a file may hold a row that has expired by `cutoffs`.
    fn suspects(&self, file: &LakeFile, cutoffs: &Cutoffs) -> bool {
        let nothing = Cutoffs::default();
        let before = if self.paths.contains(&file.path) { &self.cutoffs } else { &nothing };
        cutoffs.may_take(file.streams, file.ts, before)
    }
}

/// The job. It replaces files only when it has the compactor's turn.
pub struct Retention {
    flusher: Arc<Flusher>,
    compactor: Arc<Compactor>,
    catalog: Arc<Catalog>,
    interval: Duration,
    clean: Mutex<PerTable<Clean>>,
    /// One forecast at a time: it may read the keys of the whole lake.
    forecasts: Arc<tokio::sync::Mutex<()>>,
}

impl Retention {
    pub fn new(
        flusher: Arc<Flusher>,
        compactor: Arc<Compactor>,
        catalog: Arc<Catalog>,
        interval: Duration,
    ) -> Self {
        let (clean, forecasts) = (Mutex::default(), Arc::default());
        Self { flusher, compactor, catalog, interval, clean, forecasts }
    }

    /// Runs cycle after cycle until the task is aborted.
    pub async fn run(self: Arc<Self>) {
        let mut wait = self.interval.min(FIRST_CYCLE);
        loop {
            tokio::time::sleep(wait).await;
            wait = self.interval;
            if let Err(e) = self.cycle().await {
                tracing::error!(error = %e, cause = ?e.source, "retention failed; it is tried again");
                wait = self.interval.min(RETRY);
            }
        }
    }

    /// Removes everything that has expired by now.
    pub async fn cycle(&self) -> Result<Amount> {
        let now = self.flusher.clock.now();
        let all = Moment { now, sealed: i64::MAX };
        if Table::ALL.iter().all(|table| self.catalog.cutoffs(*table, all).is_empty()) {
            self.compactor.sweep();
            return Ok(Amount::default());
        }
        // Rows in memory as well; and their statistics, which outlive them.
        self.flusher.flush().await?;
        let turn = self.compactor.turn().await;
        self.compactor.statistics(self.compactor.effort()).run().await?;
        drop(turn);
        let when = Moment { now, sealed: self.flusher.shared.sealed() };
        let mut total = Amount::default();
        for table in Table::ALL {
            total += self.clear(table, when).await?;
        }
        self.sweep(when);
        self.tidy().await?;
        self.forget().await?;
        let Amount { rows, bytes, files } = total;
        if files > 0 {
            tracing::info!(rows, bytes, files, "expired rows removed");
        }
        Ok(total)
    }

    async fn clear(&self, table: Table, when: Moment) -> Result<Amount> {
        let cutoffs = Arc::new(self.catalog.cutoffs(table, when));
        let before = self.clean.lock()[table].clone();
        let mut clean = Clean { cutoffs: cutoffs.clone(), paths: HashSet::new() };
        let mut total = Amount::default();
        let days: Vec<Day> = self.flusher.shared.lake(table).days().keys().copied().collect();
        for day in days {
            let _turn = self.compactor.turn().await;
            let lake = self.flusher.shared.lake(table);
            let files = lake.days().get(&day).into_iter().flatten().cloned();
            let (suspects, well): (Vec<_>, Vec<_>) = files.partition(|f| before.suspects(f, &cutoffs));
            clean.paths.extend(well.into_iter().map(|f| f.path.clone()));
            if let Some(cleared) = self.clear_day(table, day, suspects, (&cutoffs, when)).await? {
                total += cleared.amount;
                clean.paths.extend(cleared.paths);
            }
        }
        self.clean.lock()[table] = clean;
        Ok(total)
    }

    /// Removes what has expired in files of one day; `None` when that has to wait for the next cycle.
    async fn clear_day(
        &self,
        table: Table,
        day: Day,
        files: Vec<Arc<LakeFile>>,
        (cutoffs, when): (&Arc<Cutoffs>, Moment),
    ) -> Result<Option<Cleared>> {
        let mut cleared = Cleared::default();
        if files.is_empty() {
            return Ok(Some(cleared));
        }
        let (place, dir) = (self.flusher.shared.place().clone(), self.flusher.shared.lake_dir(table));
        let (disk, by, effort) = (place.disk().clone(), cutoffs.clone(), self.compactor.effort());
        let look = {
            let (disk, dir) = (disk.clone(), dir.clone());
            move |pace| scan::files((disk.as_ref(), &dir), &files, &by, pace)
        };
        let found = Pace::work(effort, look).await?;
        let (holding, well): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, expired)| expired.rows > 0);
        cleared.paths.extend(well.into_iter().map(|(file, _)| file.path.clone()));
        if holding.is_empty() {
            return Ok(Some(cleared));
        }
        let sources: BTreeSet<i32> = holding.iter().flat_map(|(_, e)| e.sources.iter().copied()).collect();
        self.catalog.raise_floors(table, &sources, when).await?;
        let floors = self.catalog.floors(table);
        if sources.iter().any(|id| floors.from(*id) < cutoffs.from(*id)) {
            // A policy was relaxed just now: what it keeps stays.
            return Ok(None);
        }
        let cutoffs = cutoffs.clone();
        let edge = move |pace| Edge { disk, dir, table, day, cutoffs, pace }.rewrite(holding);
        let (gone, new, amount) = Pace::work(effort, edge).await?;
        let paths: Vec<String> = new.iter().map(|f| f.path.clone()).collect();
        let is_done = self.compactor.swap(Swap { table, gone, new, change: Change::Deletion }).await?;
        cleared.paths.extend(paths);
        cleared.amount = amount;
        Ok(is_done.then_some(cleared))
    }

    /// Files that count no more leave the disk, as far as no query pins them; merged ones too, for what has expired in
    /// them.
    fn sweep(&self, when: Moment) {
        let cutoffs = PerTable::new(|table| self.catalog.cutoffs(table, when));
        let nothing = Cutoffs::default();
        self.compactor.hasten(|table, file| cutoffs[table].may_take(file.streams, file.ts, &nothing));
        self.compactor.sweep();
    }

    /// Files that were written and never came to count leave the disk as well: rows in them expire too.
    async fn tidy(&self) -> Result<()> {
        for table in Table::ALL {
            // Whoever writes files holds one of the two.
            let _turn = self.compactor.turn().await;
            let mut deltas = self.flusher.deltas.lock().await;
            let mut known = self.compactor.retired(table);
            known.extend(self.flusher.shared.lake(table).files().map(|f| f.path.clone()));
            let (place, dir) = (self.flusher.shared.place().clone(), self.flusher.shared.lake_dir(table));
            let look = known.clone();
            let unknown = blocking(move || orphans::find(place.disk().as_ref(), &dir, &look)).await?;
            if unknown.is_empty() {
                continue;
            }
            // A commit can have been made although it failed.
            let delta = &mut deltas[table];
            delta.reload().await?;
            known.extend(delta.files()?.files().map(|f| f.path.clone()));
            let (place, dir) = (self.flusher.shared.place().clone(), self.flusher.shared.lake_dir(table));
            blocking(move || orphans::remove(place.disk().as_ref(), &dir, &known)).await?;
        }
        Ok(())
    }

    /// Last values below their floor go, from memory and from the checkpoint.
    async fn forget(&self) -> Result<()> {
        let floors = self.catalog.floors(Table::Readings);
        let last = &self.flusher.last;
        last.expire(|stream| floors.from(stream));
        if !last.take_forgotten() {
            return Ok(());
        }
        self.flusher.checkpoint().await.inspect_err(|_| last.keep_forgotten())
    }

    /// What a change would remove. Reads keys only, and changes nothing.
    pub async fn forecast(&self, who: &Principal, change: &PolicyChange) -> Result<Forecast> {
        let reach = self.catalog.reach(who, change, self.flusher.clock.now())?;
        let one = self.forecasts.clone().lock_owned().await;
        // Pins the files for as long as they are read.
        let snapshot = self.flusher.shared.snapshot();
        let (before, cutoffs, place) = (reach.before, reach.cutoffs, self.flusher.shared.place().clone());
        let amount = blocking(move || {
            let _one = one;
            forecast(place.disk().as_ref(), &snapshot, &cutoffs)
        });
        Ok(Forecast { amount: amount.await?, before })
    }
}

/// What became of a day.
#[derive(Debug, Default)]
struct Cleared {
    amount: Amount,
    /// Files without expired rows.
    paths: Vec<String>,
}

fn forecast(disk: &dyn Disk, snapshot: &Snapshot, cutoffs: &PerTable<Cutoffs>) -> Result<Amount> {
    let nothing = Cutoffs::default();
    let statistics = &snapshot.keyed[Table::Statistics];
    let mut total = Amount::default();
    for (table, lake, dir) in [
        (Table::Readings, &snapshot.lake, &snapshot.lake_dir),
        (Table::Statistics, &statistics.lake, &statistics.lake_dir),
    ] {
        let cutoffs = &cutoffs[table];
        for file in lake.files().filter(|f| cutoffs.may_take(f.streams, f.ts, &nothing)) {
            let Expired { rows, .. } = scan::file((disk, dir), file, cutoffs)?;
            let share = rows as f64 / file.rows.max(1) as f64;
            let bytes = (share * file.bytes as f64).round() as u64;
            total += Amount { rows, bytes, files: u64::from(rows > 0) };
        }
    }
    let runs = snapshot.memory.values().flat_map(|day| &day.runs);
    let of_runs = runs.flat_map(|run| run.stream.iter().copied().zip(run.ts.iter().copied()));
    total.rows += count(of_runs, &cutoffs[Table::Readings]);
    let runs = statistics.memory.values().flatten();
    let of_runs = runs.flat_map(|rows| (0..rows.len()).map(|i| rows.key(i)).map(|(id, ts, _)| (id, ts)));
    total.rows += count(of_runs, &cutoffs[Table::Statistics]);
    Ok(total)
}

fn count(keys: impl Iterator<Item = (i32, i64)>, cutoffs: &Cutoffs) -> u64 {
    keys.filter(|(id, ts)| *ts < cutoffs.from(*id)).count() as u64
}

/// Runs work that waits for the disk where waiting stops nobody else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal("the removal of expired rows ended early").because(e))?
}
