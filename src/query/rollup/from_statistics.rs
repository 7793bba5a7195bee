//! Partials from computed statistics, of windows and of hours.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};

use super::level::StatisticsLevel;
use super::partial::{PartialBuilder, PartialFields, PartialInput};
use super::range_split::RangeSplit;
use crate::domain::min_max::MinMax;
use crate::domain::statistic::Statistic;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::query::functions::buckets::Buckets;
use crate::query::scan::upsert_scan::UpsertScan;
use crate::store::lake::table_reader::ReadFilter;
use crate::store::snapshot::Snapshot;
use crate::store::statistics::rows;
use crate::store::table::{ORIGIN_COMPUTED, ORIGIN_POSTED, Table};
use crate::store::upsert_rows::UpsertRows;

/// Columns of `Table::Statistics` and of its hours.
mod column {
    /// Id of the stream.
    pub const STREAM_ID: usize = 0;
    /// Start of the window or hour.
    pub const TS: usize = 1;
    /// Origin of the row: `computed` or `posted`.
    pub const ORIGIN: usize = 2;
    /// Number of values: readings that are not bad and carry a number.
    pub const COUNT: usize = 4;
    /// Arithmetic mean of the values.
    pub const MEAN: usize = 5;
    /// Root mean square of the values.
    pub const RMS: usize = 6;
    /// Smallest value.
    pub const MIN: usize = 8;
    /// Largest value.
    pub const MAX: usize = 9;
    /// Number of readings of any quality and kind; 0 for posted rows.
    pub const ROWS: usize = 12;
}

/// Approximate windows of a unit.
const MAX_UNIT_WINDOWS: i64 = 128 * 1024;
/// Fewer windows than this do not justify another unit.
const MIN_UNIT_WINDOWS: i64 = 16 * 1024;
/// Opening the file of a day costs about as much as reading so many rows.
const OPEN_FILE_ROWS: i64 = 1440;

/// A unit of reading: some streams over some days.
#[derive(Debug, Clone)]
pub struct StatisticsReadUnit {
    pub level: StatisticsLevel,
    pub days: Vec<Day>,
    /// Streams ascending.
    pub splits: Vec<Arc<RangeSplit>>,
}

/// Divides the computed parts of `splits` into units, enough for `partitions` partitions.
pub fn units(
    snapshot: &Arc<Snapshot>,
    splits: &[Arc<RangeSplit>],
    partitions: usize,
) -> Vec<StatisticsReadUnit> {
    let of_level = |level| units_of_level(snapshot, splits, partitions, level);
    StatisticsLevel::ALL.into_iter().flat_map(of_level).collect()
}

fn units_of_level(
    snapshot: &Arc<Snapshot>,
    splits: &[Arc<RangeSplit>],
    partitions: usize,
    level: StatisticsLevel,
) -> Vec<StatisticsReadUnit> {
    let with_rows: Vec<Arc<RangeSplit>> =
        splits.iter().filter(|split| !level.ranges(split).is_empty()).cloned().collect();
    let spans = with_rows.iter().filter_map(|split| level.ranges(split).span());
    let Some((from, to)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Vec::new() };
    let days = scan(snapshot, level, PartialFields::default()).days(MinMax::new(from, to - 1));
    let per_day = level.typical_rows_per_day();
    // The windows of a day cost far more than its file; its hours mostly less.
    let open = if level == StatisticsLevel::Hours { OPEN_FILE_ROWS } else { 0 };
    let day = with_rows.len() as i64 * per_day + open;
    let unit = days.len() as i64 * day / (2 * partitions.max(1) as i64) + 1;
    let unit = unit.clamp(MIN_UNIT_WINDOWS, MAX_UNIT_WINDOWS);
    let streams = usize::try_from((unit - open) / per_day).unwrap_or(1).max(1);
    let days_each = usize::try_from(unit / day).unwrap_or(1).max(1);
    let mut units = Vec::new();
    for days in days.chunks(days_each) {
        for splits in with_rows.chunks(streams) {
            units.push(StatisticsReadUnit { level, days: days.to_vec(), splits: splits.to_vec() });
        }
    }
    units
}

fn scan(snapshot: &Arc<Snapshot>, level: StatisticsLevel, fields: PartialFields) -> UpsertScan {
    let wanted = [
        (true, column::STREAM_ID),
        (true, column::TS),
        (true, column::ORIGIN),
        (true, column::COUNT),
        (fields.mean, column::MEAN),
        (fields.rms, column::RMS),
        (fields.min, column::MIN),
        (fields.max, column::MAX),
        (fields.rows, column::ROWS),
    ];
    let columns = wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, column)| column).collect();
    UpsertScan { snapshot: snapshot.clone(), table: level.table(), columns }
}

/// Reads the partials of a unit. Blocks.
pub fn read_partials(
    snapshot: &Arc<Snapshot>,
    unit: &StatisticsReadUnit,
    buckets: Option<Buckets>,
    fields: PartialFields,
) -> Result<RecordBatch> {
    let ids: Arc<[i32]> = unit.splits.iter().map(|split| split.stream).collect();
    let (scan, level) = (scan(snapshot, unit.level, fields), unit.level);
    let mut adder = PartialBuilder::new(buckets, fields);
    for day in &unit.days {
        let start = day.start().0;
        let end = start + MICROS_PER_DAY;
        let spans = unit.splits.iter().filter_map(|split| level.ranges(split).within(start, end).span());
        let Some((from, to)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { continue };
        let wanted = ReadFilter { ids: Some(ids.clone()), ts: MinMax::new(from, to - 1), label: None };
        let mut failed = None;
        scan.read_day(*day, &wanted, &mut |rows| {
            failed = add(&rows, unit, &mut adder).err();
            Ok(failed.is_none())
        })
        .map_err(|e| DataFusionError::External(Box::new(e)))?;
        if let Some(error) = failed {
            return Err(error);
        }
    }
    adder.finish_batch()
}

/// Reads the computed rows of whole windows, with all columns. Blocks.
pub fn read_windows(
    snapshot: &Arc<Snapshot>,
    splits: &[Arc<RangeSplit>],
) -> crate::domain::Result<Vec<Statistic>> {
    let spans = splits.iter().filter_map(|split| split.computed.span());
    let Some((from, to)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Ok(Vec::new()) };
    let ids = splits.iter().map(|split| split.stream).collect();
    let is_right = |row: &Statistic| {
        let split = splits.binary_search_by_key(&row.stream.0, |split| split.stream);
        split.is_ok_and(|at| splits[at].computed.contains(row.ts.0))
    };
    let mut found = read_rows(snapshot, ids, MinMax::new(from, to - 1), ORIGIN_COMPUTED)?;
    found.retain(is_right);
    Ok(found)
}

/// Reads the rows of streams that clients posted, within times. Blocks.
pub fn read_posted(
    snapshot: &Arc<Snapshot>,
    ids: &[i32],
    ts: MinMax<i64>,
) -> crate::domain::Result<Vec<Statistic>> {
    read_rows(snapshot, ids.into(), ts, ORIGIN_POSTED)
}

fn read_rows(
    snapshot: &Arc<Snapshot>,
    ids: Arc<[i32]>,
    ts: MinMax<i64>,
    label: &'static str,
) -> crate::domain::Result<Vec<Statistic>> {
    let columns = (0..Table::Statistics.schema().fields().len()).collect();
    let scan = UpsertScan { snapshot: snapshot.clone(), table: Table::Statistics, columns };
    let wanted = ReadFilter { ids: Some(ids), ts, label: Some(label) };
    let mut found = Vec::new();
    for day in scan.days(ts) {
        scan.read_day(day, &wanted, &mut |rows| {
            found.extend(rows::read_rows(&rows));
            Ok(true)
        })?;
    }
    Ok(found)
}

/// Runs one of the reads here on the blocking pool.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> crate::domain::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|e| exec_datafusion_err!("reading statistics was interrupted: {e}"))?;
    done.map_err(|e| DataFusionError::External(Box::new(e)))
}

/// Adds the computed rows that lie in the ranges that the splits read from the unit's level.
fn add(rows: &UpsertRows, unit: &StatisticsReadUnit, adder: &mut PartialBuilder) -> Result<()> {
    let StatisticsReadUnit { level, splits, .. } = unit;
    let batch = rows.batch();
    let ids = batch.column(0).as_primitive::<Int32Type>().values();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    let origins = batch.column(2).as_string::<i32>();
    let counts = batch.column(3).as_primitive::<Int64Type>().values();
    let number = |name: &str| {
        let column = batch.column_by_name(name).map(|c| c.as_primitive::<Float64Type>());
        column.map(|c| c.values().as_ref()).unwrap_or_default()
    };
    let (mean, rms, min, max) = (number("mean"), number("rms"), number("min"), number("max"));
    let all = batch.column_by_name("rows").map(|c| c.as_primitive::<Int64Type>().values().as_ref());
    let all: &[i64] = all.unwrap_or(counts);
    let at = |column: &[f64], i: usize| column.get(i).copied().unwrap_or(f64::NAN);
    let mut start = 0;
    while let Some(stream) = ids.get(start) {
        let end = start + ids[start..].partition_point(|id| id == stream);
        let Ok(split) = splits.binary_search_by_key(stream, |split| split.stream) else {
            start = end;
            continue;
        };
        let computed = level.ranges(&splits[split]);
        let mut range = (i64::MAX, i64::MIN);
        for i in start..end {
            let ts = times[i];
            if ts < range.0 || ts >= range.1 {
                match computed.range_at(ts) {
                    Some(found) => range = found,
                    None => continue,
                }
            }
            if origins.value(i) != ORIGIN_COMPUTED {
                continue;
            }
            let part = PartialInput {
                // A window with a row has at least one reading.
                rows: all[i].max(1) as u64,
                count: counts[i] as u64,
                mean: at(mean, i),
                rms: at(rms, i),
                min: at(min, i),
                max: at(max, i),
            };
            adder.add(*stream, ts, part)?;
        }
        start = end;
    }
    Ok(())
}
