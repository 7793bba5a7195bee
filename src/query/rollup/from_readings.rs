//! Partials from raw readings: where statistics are not computed, or a range or bucket ends within a window.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;

use super::partial::{PartialBuilder, PartialInput};
use super::range_split::RangeSplit;
use crate::domain::min_max::MinMax;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::query::context::QueryContext;
use crate::query::scan::bounds::Bounds;
use crate::query::scan::divisible_scan::DivisibleScan;
use crate::query::scan::readings_scan::ReadingsScan;
use crate::query::scan::scan_sources::ScanSources;
use crate::store::lake::file::LakeFile;
use crate::store::schema;
use crate::store::statistics::time_ranges::TimeRanges;

/// Streams, times and values.
pub const COLUMNS: [usize; 3] = [schema::STREAM_ID, schema::TS, schema::VALUE];
/// Maximum scans of readings in a plan; each reads one time range.
pub const MAX_SCANS: usize = 8;
/// Ranges with a smaller gap than this are read as one.
const MAX_JOINED_GAP_MICROS: i64 = 3600 * 1_000_000;

/// Creates scans of `COLUMNS` that contain every raw reading of the splits, and others near them. All have the same number of
/// partitions.
pub fn scans(
    query_context: &QueryContext,
    splits: &[Arc<RangeSplit>],
    partitions: usize,
) -> Result<Vec<DivisibleScan>> {
    let raw: Vec<&Arc<RangeSplit>> = splits.iter().filter(|split| !split.raw.is_empty()).collect();
    let all: TimeRanges = TimeRanges::new(raw.iter().flat_map(|split| split.raw.iter()).collect());
    let scan = |(from, to): (i64, i64)| {
        let wanted = raw.iter().filter(|split| !split.raw.within(from, to).is_empty());
        let ids: BTreeSet<i32> = wanted.map(|split| split.stream).collect();
        let scan = readings(query_context, MinMax::new(from, to - 1), ids, partitions);
        let sources = scan.sources();
        DivisibleScan::new(scan, COLUMNS.to_vec(), sources)
    };
    all.joined(MAX_JOINED_GAP_MICROS).coarse(MAX_SCANS).iter().map(scan).collect()
}

/// Estimates the rows that one of `scans` reads: of each file as many as the scan has of its time and of its streams, whose
/// ids are dense.
pub fn expected_rows(scan: &DivisibleScan) -> u64 {
    let Bounds { ts, streams, .. } = &scan.scan.bounds;
    let ids: Vec<i32> = streams.iter().flatten().copied().collect();
    let length = |times: MinMax<i64>| times.max as f64 - times.min as f64 + 1.0;
    let of_file = |file: &Arc<LakeFile>| {
        let times = file.ts.intersection(*ts);
        if times.is_empty() {
            return 0;
        }
        let end = ids.partition_point(|id| *id <= file.streams.max);
        let streams = end.saturating_sub(ids.partition_point(|id| *id < file.streams.min)) as f64;
        let width = f64::from(file.streams.max) - f64::from(file.streams.min) + 1.0;
        (file.rows as f64 * (streams / width) * (length(times) / length(file.ts))).ceil() as u64
    };
    let ScanSources { files, runs, merged } = &scan.sources;
    let files = files.iter().map(|part| &part.file).chain(merged.iter().flat_map(|day| &day.files));
    let runs = runs.iter().flatten().chain(merged.iter().flat_map(|day| &day.runs));
    files.map(of_file).sum::<u64>() + runs.map(|run| run.len() as u64).sum::<u64>()
}

/// Plans streams, times and values of a day within bounds as one partition, ordered by time within each stream.
pub fn plan_day(
    query_context: &QueryContext,
    day: Day,
    ts: MinMax<i64>,
    ids: BTreeSet<i32>,
) -> Result<Arc<dyn ExecutionPlan>> {
    readings(query_context, ts, ids, 1).plan_day_sorted(day, &COLUMNS)
}

/// Returns the days with raw readings of the splits, ascending.
pub fn days(query_context: &QueryContext, splits: &[Arc<RangeSplit>]) -> Vec<Day> {
    let spans = splits.iter().filter_map(|split| split.raw.span());
    let Some((from, to)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Vec::new() };
    let snapshot = &query_context.snapshot;
    let known = snapshot.lake.days().keys().chain(snapshot.memory.keys()).copied();
    let within = |day: &Day| day.start().0 < to && day.start().0 + MICROS_PER_DAY > from;
    known.filter(within).collect::<BTreeSet<Day>>().into_iter().collect()
}

/// Like [`plan_day`], over the raw readings of the splits; `None` when they have none on that day.
pub fn plan_day_of_splits(
    query_context: &QueryContext,
    of: Day,
    splits: &[Arc<RangeSplit>],
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let start = of.start().0;
    let within = |split: &Arc<RangeSplit>| split.raw.within(start, start + MICROS_PER_DAY).span();
    let spans: Vec<(i32, (i64, i64))> =
        splits.iter().filter_map(|split| Some((split.stream, within(split)?))).collect();
    let times = spans.iter().map(|(_, span)| *span);
    let Some((from, to)) = times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Ok(None) };
    let ids = spans.iter().map(|(stream, _)| *stream).collect();
    plan_day(query_context, of, MinMax::new(from, to - 1), ids).map(Some)
}

fn readings(
    query_context: &QueryContext,
    ts: MinMax<i64>,
    ids: BTreeSet<i32>,
    partitions: usize,
) -> ReadingsScan {
    let bounds = Bounds { ts, streams: Some(ids), value: None };
    // A window that has partly expired is computed from all of its readings, or not at all.
    let (query_context, visible) =
        (query_context.clone(), query_context.visible_streams_with_expired().clone());
    ReadingsScan { query_context, visible, bounds, filter: None, partitions }
}

/// Adds those rows of `scans` that are raw readings of the splits.
pub fn add_readings(
    batch: &RecordBatch,
    splits: &[Arc<RangeSplit>],
    adder: &mut PartialBuilder,
) -> Result<()> {
    let ids = batch.column(0).as_primitive::<Int32Type>().values();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    let values = batch.column(2).as_primitive::<Float64Type>();
    let mut start = 0;
    while let Some(stream) = ids.get(start) {
        let end = start + ids[start..].partition_point(|id| id == stream);
        if let Ok(split) = splits.binary_search_by_key(stream, |split| split.stream) {
            let raw = &splits[split].raw;
            let mut range = (i64::MAX, i64::MIN);
            for i in start..end {
                let ts = times[i];
                if ts < range.0 || ts >= range.1 {
                    match raw.range_at(ts) {
                        Some(found) => range = found,
                        None => continue,
                    }
                }
                let value = if values.is_valid(i) { values.value(i) } else { f64::NAN };
                adder.add(*stream, ts, PartialInput::of_value(value))?;
            }
        }
        start = end;
    }
    Ok(())
}
