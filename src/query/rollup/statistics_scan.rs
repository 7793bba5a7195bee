//! Scan of `statistics`, as a leaf of a plan: stored rows, with those not valid yet replaced by windows computed from
//! raw readings.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};

use super::realtime::{self, RealtimeRequest};
use super::stream_windows::StreamWindows;
use crate::domain::StreamId;
use crate::domain::min_max::MinMax;
use crate::domain::time::{Day, END_TIME, MICROS_PER_DAY, MIN_TIME};
use crate::query::context::QueryContext;
use crate::query::scan::opaque_scan::RowSource;
use crate::query::scan::upsert_scan::UpsertScan;
use crate::store::lake::table_reader::ReadFilter;
use crate::store::table::{ORIGIN_COMPUTED, ORIGIN_POSTED, Table};
use crate::store::upsert_rows::UpsertRows;

/// Approximate rows of a unit.
const MAX_UNIT_ROWS: i64 = 64 * 1024;

/// The requested rows.
#[derive(Debug, Clone)]
pub struct WindowRequest {
    /// Ascending; the principal must see all of them.
    pub streams: Vec<i32>,
    /// Bounds of the windows' starts, microseconds.
    pub ts: MinMax<i64>,
    /// Whether a row posted by a client replaces the computed one of the same time.
    pub overlay: bool,
    /// Indices into the schema of `Table::Statistics`.
    pub columns: Vec<usize>,
}

/// Statistics of one snapshot: a row for every closed window that contains a value, and every row that a client posted.
pub struct StatisticsScan {
    query_context: QueryContext,
    request: WindowRequest,
    units: Vec<WindowReadUnit>,
    schema: SchemaRef,
    partitions: usize,
}

/// A unit of reading.
#[derive(Debug, Clone)]
pub struct WindowReadUnit {
    pub day: Day,
    pub streams: Arc<[StreamWindows]>,
}

impl StatisticsScan {
    /// Creates a scan of the request, limited to times that can be stored; it has at least one partition.
    pub fn new(query_context: &QueryContext, mut request: WindowRequest, partitions: usize) -> Result<Self> {
        request.ts = request.ts.intersection(MinMax::new(MIN_TIME.0, END_TIME.0 - 1));
        let schema = Arc::new(Table::Statistics.schema().project(&request.columns)?);
        let units = units(query_context, &request);
        Ok(Self {
            query_context: query_context.clone(),
            request,
            units,
            schema,
            partitions: partitions.max(1),
        })
    }

    /// Reads all rows of a unit, unordered.
    async fn read_unit(
        query_context: QueryContext,
        request: Arc<WindowRequest>,
        unit: WindowReadUnit,
        context: Arc<TaskContext>,
        memory: Arc<MemoryReservation>,
    ) -> Result<Vec<UpsertRows>> {
        let mut rows = vec![];
        let (stored_context, stored_request, stored_unit) =
            (query_context.clone(), request.clone(), unit.clone());
        let read = move || stored(&stored_context, &stored_request, &stored_unit);
        let stored = tokio::task::spawn_blocking(read).await;
        rows.extend(stored.map_err(|e| exec_datafusion_err!("reading statistics was interrupted: {e}"))??);
        memory.try_resize(rows.iter().map(UpsertRows::size_bytes).sum())?;
        let wanted = RealtimeRequest { day: unit.day, streams: &unit.streams, ts: request.ts };
        let fresh = realtime::compute_windows(&query_context, wanted, context, &memory).await?;
        rows.extend(fresh);
        Ok(if request.overlay { apply_overlay(&rows) } else { rows })
    }
}

/// Divides the request into units: a day with some of the streams.
fn units(query_context: &QueryContext, request: &WindowRequest) -> Vec<WindowReadUnit> {
    let MinMax { min: from, max: to } = request.ts;
    if from > to {
        return Vec::new();
    }
    let windows = query_context.catalog().streams.windows(request.streams.iter().map(|id| StreamId(*id)));
    let now = query_context.now().0;
    let streams: Vec<StreamWindows> = request
        .streams
        .iter()
        .filter_map(|id| {
            let windows = windows.get(id)?;
            let stale =
                query_context.snapshot.raw_windows(*id, windows, (from, windows.window_containing(to).1));
            // Windows before this have expired, whether or not their readings still exist.
            let stale =
                stale.within(query_context.snapshot.retention_bounds.statistics_from.start_of(*id), i64::MAX);
            Some(StreamWindows {
                id: *id,
                windows: windows.clone(),
                stale,
                ended_before: windows.window_containing(now).0,
            })
        })
        .collect();
    let stored = scan(query_context, &[]).days(request.ts);
    let readings_days = query_context.snapshot.lake.days().keys().chain(query_context.snapshot.memory.keys());
    let mut days: Vec<Day> = stored.into_iter().chain(readings_days.copied()).collect();
    days.sort_unstable();
    days.dedup();
    let mut units = Vec::new();
    for day in days {
        let start = day.start().0;
        if start > to || start + MICROS_PER_DAY <= from {
            continue;
        }
        let length = |s: &StreamWindows| s.windows.lengths_between(start, start + MICROS_PER_DAY - 1).min();
        let shortest = streams.iter().filter_map(length).min().unwrap_or(MICROS_PER_DAY);
        let each = (MAX_UNIT_ROWS / (MICROS_PER_DAY / shortest)).max(1) as usize;
        for some in streams.chunks(each) {
            let of_day = |s: &StreamWindows| {
                let stale = s.stale.within(start, start + MICROS_PER_DAY);
                StreamWindows { stale, windows: s.windows.clone(), ..*s }
            };
            units.push(WindowReadUnit { day, streams: some.iter().map(of_day).collect() });
        }
    }
    units
}

fn scan(query_context: &QueryContext, columns: &[usize]) -> UpsertScan {
    UpsertScan {
        snapshot: query_context.snapshot.clone(),
        table: Table::Statistics,
        columns: columns.to_vec(),
    }
}

/// Reads stored rows, without computed ones that are invalid or have no value. Blocks.
fn stored(
    query_context: &QueryContext,
    request: &WindowRequest,
    unit: &WindowReadUnit,
) -> Result<Vec<UpsertRows>> {
    let every: Vec<usize> = (0..Table::Statistics.schema().fields().len()).collect();
    let ids: Arc<[i32]> = unit.streams.iter().map(|s| s.id).collect();
    let wanted = ReadFilter { ids: Some(ids), ts: request.ts, label: None };
    let mut found = Vec::new();
    let read = scan(query_context, &every).read_day(unit.day, &wanted, &mut |rows| {
        found.extend(retain_valid(&rows, &unit.streams));
        Ok(true)
    });
    read.map_err(|e| DataFusionError::External(Box::new(e)))?;
    Ok(found)
}

/// Retains rows posted by clients, and valid computed ones with a value.
fn retain_valid(rows: &UpsertRows, streams: &[StreamWindows]) -> Option<UpsertRows> {
    let batch = rows.batch();
    let ids = batch.column(0).as_primitive::<Int32Type>().values();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    let origins = batch.column(2).as_string::<i32>();
    let counts = batch.column(4).as_primitive::<Int64Type>().values();
    let mut last: Option<&StreamWindows> = None;
    let mask: Vec<bool> = (0..rows.len())
        .map(|i| {
            if origins.value(i) == ORIGIN_POSTED {
                return true;
            }
            if last.is_none_or(|stream| stream.id != ids[i]) {
                last = streams.binary_search_by_key(&ids[i], |s| s.id).ok().map(|at| &streams[at]);
            }
            counts[i] > 0 && last.is_some_and(|stream| !stream.stale.contains(times[i]))
        })
        .collect();
    let kept = mask.iter().any(|keep| *keep);
    kept.then(|| rows.filter(&BooleanArray::from(mask)))
}

/// Removes computed rows with the same time as one posted by a client.
fn apply_overlay(rows: &[UpsertRows]) -> Vec<UpsertRows> {
    let is = |rows: &UpsertRows, i: usize, origin: &str| rows.key(i).label == origin;
    let posted: HashSet<(i32, i64)> = rows
        .iter()
        .flat_map(|rows| (0..rows.len()).filter(|i| is(rows, *i, ORIGIN_POSTED)).map(|i| rows.key(i)))
        .map(|key| (key.id, key.ts))
        .collect();
    let is_shown = |rows: &UpsertRows, i: usize| {
        let key = rows.key(i);
        key.label != ORIGIN_COMPUTED || !posted.contains(&(key.id, key.ts))
    };
    match posted.is_empty() {
        true => rows.to_vec(),
        false => rows.iter().map(|rows| rows.select(is_shown)).collect(),
    }
}

impl RowSource for StatisticsScan {
    fn name(&self) -> &'static str {
        "Statistics"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let units: Vec<WindowReadUnit> =
            self.units.iter().skip(partition).step_by(self.partitions).cloned().collect();
        let (query_context, request) = (self.query_context.clone(), Arc::new(self.request.clone()));
        let memory = Arc::new(MemoryConsumer::new("Statistics").register(context.memory_pool()));
        let columns = request.columns.clone();
        let rows = stream::iter(units)
            .then(move |unit| {
                Self::read_unit(query_context.clone(), request.clone(), unit, context.clone(), memory.clone())
            })
            .map_ok(|rows| stream::iter(rows.into_iter().filter(|rows| !rows.is_empty()).map(Ok)))
            .try_flatten()
            .map(move |rows: Result<UpsertRows>| -> Result<RecordBatch> {
                Ok(rows?.batch().project(&columns)?)
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
