//! The computed statistics that a scan of partials reads, apart from the snapshot that they are in, so that another node can
//! read them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::level::StatisticsLevel;
use super::range_split::RangeSplit;
use crate::domain::Micros;
use crate::domain::min_max::MinMax;
use crate::domain::retention::{BEGINNING_OF_TIME, RetentionBounds, StreamStarts};
use crate::domain::time::Day;
use crate::store::lake::LakeVersion;
use crate::store::lake::file::LakeFile;
use crate::store::lake::table_reader::ReadFilter;
use crate::store::snapshot::Snapshot;
use crate::store::upsert_rows::UpsertRows;

/// The computed statistics of some streams and times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StatisticsPart {
    pub hours: LevelSources,
    pub windows: LevelSources,
    /// Start of the retention of the statistics of each stream that has one, microseconds.
    pub starts: Vec<(i32, i64)>,
}

/// The files and unflushed rows of a level.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LevelSources {
    /// They can have rows of other streams and times too.
    pub files: Vec<Arc<LakeFile>>,
    /// Oldest first.
    pub unflushed: Vec<UpsertRows>,
}

impl StatisticsPart {
    /// Takes what splits read out of a snapshot.
    pub fn of(snapshot: &Snapshot, splits: &[Arc<RangeSplit>]) -> Self {
        let since = &snapshot.retention_bounds.statistics_from;
        let starts = splits.iter().map(|split| (split.stream, since.start_of(split.stream)));
        Self {
            hours: LevelSources::of(snapshot, splits, StatisticsLevel::Hours),
            windows: LevelSources::of(snapshot, splits, StatisticsLevel::Windows),
            starts: starts.filter(|(_, from)| *from > BEGINNING_OF_TIME).collect(),
        }
    }

    /// Returns a snapshot with these statistics in the place of those of `own`.
    pub fn into_snapshot(self, own: &Snapshot) -> Snapshot {
        let mut snapshot = own.clone();
        let levels = [(StatisticsLevel::Hours, self.hours), (StatisticsLevel::Windows, self.windows)];
        for (level, LevelSources { files, unflushed }) in levels {
            let upserts = &mut snapshot.upsert_tables[level.table()];
            let files = files.into_iter().map(Arc::unwrap_or_clone);
            upserts.lake = Arc::new(LakeVersion::new(upserts.lake.version, files));
            upserts.memory = BTreeMap::new();
            for (day, rows) in unflushed.iter().flat_map(UpsertRows::by_day) {
                upserts.memory.entry(day).or_default().push(rows);
            }
        }
        let mut since = StreamStarts::default();
        self.starts.iter().for_each(|(stream, from)| since.set(*stream, *from));
        let bounds = RetentionBounds::clone(&snapshot.retention_bounds);
        snapshot.retention_bounds = Arc::new(RetentionBounds { statistics_from: Arc::new(since), ..bounds });
        snapshot
    }
}

impl LevelSources {
    fn of(snapshot: &Snapshot, splits: &[Arc<RangeSplit>], level: StatisticsLevel) -> Self {
        let Some(LevelFilter { ids, ts }) = LevelFilter::of(splits, level) else { return Self::default() };
        let is_read = |rows: &UpsertRows, row: usize| {
            let key = rows.key(row);
            ts.contains(key.ts) && ids.binary_search(&key.id).is_ok()
        };
        let memory = snapshot.upsert_tables[level.table()].memory.range(days(ts));
        // The streams of a node are adjacent, so that it does not look at the rows of all others.
        let own = |run: &UpsertRows| Some(run.slice_of_ids(*ids.first()?..=*ids.last()?));
        let unflushed = memory.flat_map(|(_, runs)| runs).filter_map(own).map(|run| run.select(is_read));
        let unflushed = unflushed.filter(|rows| !rows.is_empty()).collect();
        Self { files: files(snapshot, level, &LevelFilter { ids, ts }).cloned().collect(), unflushed }
    }
}

/// Estimates the rows of a level that splits read: no more than streams with readings at all times have, and no more than are
/// stored.
pub fn expected_rows(snapshot: &Snapshot, splits: &[Arc<RangeSplit>], level: StatisticsLevel) -> u64 {
    let Some(filter) = LevelFilter::of(splits, level) else { return 0 };
    let typical: u64 = splits.iter().map(|split| level.typical_rows(split)).sum();
    let memory = snapshot.upsert_tables[level.table()].memory.range(days(filter.ts));
    let unflushed: u64 = memory.flat_map(|(_, runs)| runs).map(|rows| rows.len() as u64).sum();
    let stored: u64 = files(snapshot, level, &filter).map(|file| file.rows).sum();
    typical.min(stored + unflushed)
}

/// The streams and times that splits read of a level.
struct LevelFilter {
    /// Ascending.
    ids: Arc<[i32]>,
    ts: MinMax<i64>,
}

impl LevelFilter {
    /// `None` when the splits read nothing of the level.
    fn of(splits: &[Arc<RangeSplit>], level: StatisticsLevel) -> Option<Self> {
        let spans = splits.iter().filter_map(|split| Some((split.stream, level.ranges(split).span()?)));
        let spans: Vec<(i32, (i64, i64))> = spans.collect();
        let times = spans.iter().map(|(_, span)| *span);
        let (from, to) = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some(Self { ids: spans.iter().map(|(stream, _)| *stream).collect(), ts: MinMax::new(from, to - 1) })
    }
}

/// Returns the files that can have matching rows.
fn files<'a>(
    snapshot: &'a Snapshot,
    level: StatisticsLevel,
    filter: &LevelFilter,
) -> impl Iterator<Item = &'a Arc<LakeFile>> + use<'a> {
    let LevelFilter { ids, ts } = filter;
    let filter = ReadFilter { ids: Some(ids.clone()), ts: *ts, label: None };
    let of_days = snapshot.upsert_tables[level.table()].lake.days().range(days(*ts));
    of_days.flat_map(|(_, files)| files).filter(move |file| filter.file_survives_pruning(file))
}

fn days(ts: MinMax<i64>) -> RangeInclusive<Day> {
    Micros(ts.min).day()..=Micros(ts.max).day()
}

#[cfg(test)]
#[path = "statistics_part_tests.rs"]
mod tests;
