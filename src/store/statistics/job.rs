//! The job that computes statistics: after flushes, in the background, for windows that are over or were touched again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::computed::Computed;
use super::day::{Plan, WantedWindows, span};
use super::{parts, points};
use crate::domain::Result;
use crate::domain::progress::Progress;
use crate::domain::retention::Cutoffs;
use crate::domain::time::{Day, MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::domain::window::Windows;
use crate::store::catalog::Catalog;
use crate::store::flush::Flusher;
use crate::store::lake::LakeVersion;
use crate::store::lake::batch::Batch;
use crate::store::lake::delta::Position;
use crate::store::lake::file::{LakeFile, order_by_writes};
use crate::store::lake::source::Source;
use crate::store::pace::{Effort, Pace};
use crate::store::table::Table;

/// A window is left open this long after its end: live readings are still on their way.
const GRACE_US: i64 = 2 * MICROS_PER_SECOND;

/// The job's parts. Whoever runs it runs nothing else that replaces files meanwhile.
pub struct Job {
    pub flusher: Arc<Flusher>,
    pub catalog: Arc<Catalog>,
    pub effort: Effort,
    /// Files open at a time, about: fewer than overlap are not to be had.
    pub fan_in: usize,
    /// Told of days; ends the work when cancelled.
    pub progress: Progress,
}

/// What one run takes into account.
struct Scope {
    lake: Arc<LakeVersion>,
    known: Arc<LakeVersion>,
    computed: Computed,
    /// Windows that end by this time are computed.
    sealed: i64,
    /// Every row of the lake up to this seq is taken into account.
    seq: u64,
    windows: HashMap<i32, Windows>,
    /// Rows may be gone before these: what is there of their windows is not the whole.
    floors: [Cutoffs; 2],
    fan_in: usize,
}

impl Job {
    /// Computes what is stale, from rows that are flushed. Returns the windows written.
    pub async fn run(&self) -> Result<u64> {
        let started = Instant::now();
        let Some(scope) = self.scope().await? else { return Ok(0) };
        let scope = Arc::new(scope);
        let files = self.compute(scope.clone()).await?;
        self.commit(&scope, &files).await?;
        let windows = files.iter().map(|f| f.rows).sum();
        let ms = started.elapsed().as_millis();
        tracing::debug!(windows, files = files.len(), ms, seq = scope.seq, "statistics computed");
        Ok(windows)
    }

    /// `None` when nothing can have changed.
    async fn scope(&self) -> Result<Option<Scope>> {
        let shared = &self.flusher.shared;
        let (lake, known, computed, seq) = shared.flushed_state();
        let sealed = computed.sealed.max(self.flusher.clock.now().0 - GRACE_US);
        let is_idle = computed.stale.is_empty() && lake.days().is_empty();
        if is_idle || (computed.stale.is_empty() && sealed - computed.sealed < MICROS_PER_SECOND) {
            return Ok(None);
        }
        let windows = self.catalog.all_windows();
        let floors = [Table::Readings, Table::Statistics].map(|table| self.catalog.floors(table));
        Ok(Some(Scope { lake, known, computed, sealed, seq, windows, floors, fan_in: self.fan_in }))
    }

    /// The files are durable then, and not yet part of the table.
    async fn compute(&self, scope: Arc<Scope>) -> Result<Vec<LakeFile>> {
        let (shared, progress) = (self.flusher.shared.clone(), self.progress.clone());
        let work = move |mut pace: Pace| {
            let (disk, dir) = (shared.place().disk(), shared.lake_dir(Table::Readings));
            // Run after run reads a little of the same files.
            let cache = Some(shared.cache().clone());
            let columns = Some(points::COLUMNS.to_vec());
            let from = Source { cache, columns, ..Source::whole(disk.clone(), dir, Table::Readings) };
            let to = shared.lake_dir(Table::Statistics);
            let mut batch = Batch::new(disk.as_ref());
            let days = scope.days();
            progress.begin("computing statistics, days", days.len() as u64);
            for day in days {
                for plan in scope.plans(day) {
                    let parts = plan.run(&from, &to, &mut pace)?;
                    parts.into_iter().try_for_each(|part| batch.add(part))?;
                }
                progress.advance(1)?;
            }
            batch.finish()
        };
        Pace::work(self.effort, work).await
    }

    async fn commit(&self, scope: &Scope, files: &[LakeFile]) -> Result<()> {
        let mut deltas = self.flusher.deltas.lock().await;
        let delta = &mut deltas[Table::Statistics];
        let positions = [(Position::Computed, scope.seq as i64), (Position::Sealed, scope.sealed)];
        let shared = &self.flusher.shared;
        // Without rows only the clock moved: that need not be remembered across a restart.
        if !files.is_empty() || scope.seq > scope.computed.seq {
            let now_ms = self.flusher.clock.now().0 / 1000;
            if let Err(e) = delta.commit(files, &positions, now_ms).await {
                // The commit can have been made although its answer is an error.
                delta.reload().await?;
                if !delta.files()?.holds(files) || files.is_empty() {
                    return Err(e);
                }
            }
            let lake = delta.files()?.sharing(&shared.lake(Table::Statistics));
            shared.computed(Some(lake), scope.seq, scope.sealed);
        } else {
            shared.computed(None, scope.seq, scope.sealed);
        }
        Ok(())
    }
}

impl Scope {
    /// The days of the lake with windows to compute.
    fn days(&self) -> Vec<Day> {
        let sealing = (self.computed.sealed, self.sealed);
        let stale: Vec<(i64, i64)> = self.computed.stale.iter().flat_map(|(_, t)| t.all()).collect();
        let is_wanted = |day: &&Day| {
            let start = day.start().0;
            let end = start + MICROS_PER_DAY;
            // A window that is over by now can have begun up to a day before the time sealed last.
            let is_sealing = start < sealing.1 && end > sealing.0.saturating_sub(MICROS_PER_DAY);
            is_sealing || stale.iter().any(|(from, to)| *from < end && *to > start)
        };
        self.lake.days().keys().filter(is_wanted).copied().collect()
    }

    /// From which time on the windows of a stream are computed: raw rows are whole there, and the result would be kept.
    fn floor(&self, stream: i32, windows: &Windows) -> i64 {
        let [readings, statistics] = &self.floors;
        let from = statistics.from(stream);
        let (start, end) = windows.around(from);
        readings.from(stream).max(if start < from { end } else { from })
    }

    /// The work of a day, part by part.
    fn plans(&self, day: Day) -> Vec<Plan> {
        let wanted = self.wanted(day);
        let Some((from, to)) = span(&wanted) else { return Vec::new() };
        let of_day = || self.lake.days().get(&day).into_iter().flatten();
        let times: Vec<(i64, i64)> = of_day().map(|f| f.ts).filter(|ts| ts.0 < to && ts.1 >= from).collect();
        let cuts = parts::cuts(&times, self.fan_in);
        let starts = std::iter::once(i64::MIN).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([i64::MAX]);
        let newest_known = self.known.days().get(&day).into_iter().flatten().map(|f| f.ts.1).max();
        let plan = |part: (i64, i64)| {
            let wanted: WantedWindows = wanted
                .iter()
                .map(|(stream, (windows, all))| (*stream, windows, parts::beginning_in(all, windows, part)))
                .filter(|(.., ranges)| !ranges.is_empty())
                .map(|(stream, windows, ranges)| (stream, (windows.clone(), ranges)))
                .collect();
            let (from, to) = span(&wanted)?;
            let mut files: Vec<_> = of_day().filter(|f| f.ts.0 < to && f.ts.1 >= from).cloned().collect();
            order_by_writes(&mut files);
            (!files.is_empty()).then_some(Plan { day, files, wanted, newest_known, seq: self.seq })
        };
        starts.zip(ends).filter_map(plan).collect()
    }

    /// The windows to compute that lie in a day.
    fn wanted(&self, day: Day) -> WantedWindows {
        let start = day.start().0;
        let of_stream = |(stream, windows): (&i32, &Windows)| {
            let stale = self.computed.stale_windows(*stream, windows, (start, start + MICROS_PER_DAY));
            let over = stale.within(self.floor(*stream, windows), windows.around(self.sealed).0);
            (!over.is_empty()).then(|| (*stream, (windows.clone(), over)))
        };
        self.windows.iter().filter_map(of_stream).collect()
    }
}
