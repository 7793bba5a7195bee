//! Rows of `statistics`, as a leaf of a plan: what is stored, and in the place of what is not right yet the windows
//! computed from raw readings.

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

use super::fresh::{self, Fresh};
use crate::domain::StreamId;
use crate::domain::time::{Day, END_TIME, MICROS_PER_DAY, MIN_TIME};
use crate::domain::window::Windows;
use crate::query::scan::keyed::KeyedScan;
use crate::query::scan::leaf::Rows;
use crate::query::session::View;
use crate::store::keyed::KeyedRows;
use crate::store::lake::source::Wanted;
use crate::store::statistics::ranges::Ranges;
use crate::store::table::{COMPUTED, POSTED, Table};

/// Rows of a unit, about.
const UNIT_ROWS: i64 = 64 * 1024;

/// Which rows are wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Ascending; all of them visible to whoever asks.
    pub streams: Vec<i32>,
    /// Of the windows' starts: inclusive, microseconds.
    pub ts: (i64, i64),
    /// Whether a row written by hand takes the place of the computed one of the same time.
    pub overlay: bool,
    /// Indices into the schema of `Table::Statistics`.
    pub columns: Vec<usize>,
}

/// Statistics of one snapshot. Every window that is over and holds a value has its row; so has every one written by
/// hand.
pub struct WindowRows {
    view: View,
    wish: Wish,
    units: Vec<Unit>,
    schema: SchemaRef,
    partitions: usize,
}

/// What is made in one go.
#[derive(Debug, Clone)]
pub struct Unit {
    pub day: Day,
    pub streams: Arc<[Stream]>,
}

/// A stream, and its windows in the range whose computed rows do not count.
#[derive(Debug, Clone)]
pub struct Stream {
    pub id: i32,
    pub windows: Windows,
    stale: Ranges,
    /// Windows that begin before this are over.
    over: i64,
}

impl Stream {
    /// The windows to be computed now.
    pub fn fresh(&self) -> Ranges {
        self.stale.within(i64::MIN, self.over)
    }
}

impl WindowRows {
    pub fn new(view: &View, mut wish: Wish, partitions: usize) -> Result<Self> {
        wish.ts = (wish.ts.0.max(MIN_TIME.0), wish.ts.1.min(END_TIME.0 - 1));
        let schema = Arc::new(Table::Statistics.schema().project(&wish.columns)?);
        let units = units(view, &wish);
        Ok(Self { view: view.clone(), wish, units, schema, partitions: partitions.max(1) })
    }

    /// All rows of a unit, in no order.
    async fn unit(
        view: View,
        wish: Arc<Wish>,
        unit: Unit,
        context: Arc<TaskContext>,
        memory: Arc<MemoryReservation>,
    ) -> Result<Vec<KeyedRows>> {
        let mut rows = vec![];
        let (stored_view, stored_wish, stored_unit) = (view.clone(), wish.clone(), unit.clone());
        let read = move || stored(&stored_view, &stored_wish, &stored_unit);
        let stored = tokio::task::spawn_blocking(read).await;
        rows.extend(stored.map_err(|e| exec_datafusion_err!("reading statistics was interrupted: {e}"))??);
        memory.try_resize(rows.iter().map(KeyedRows::size_bytes).sum())?;
        let wanted = Fresh { day: unit.day, streams: &unit.streams, ts: wish.ts };
        let fresh = fresh::windows(&view, wanted, context, &memory).await?;
        rows.extend(fresh);
        Ok(if wish.overlay { overlaid(&rows) } else { rows })
    }
}

/// Days, each with as many streams at a time as make a unit.
fn units(view: &View, wish: &Wish) -> Vec<Unit> {
    let (from, to) = wish.ts;
    if from > to {
        return Vec::new();
    }
    let windows = view.catalog().windows(wish.streams.iter().map(|id| StreamId(*id)));
    let now = view.now().0;
    let streams: Vec<Stream> = wish
        .streams
        .iter()
        .filter_map(|id| {
            let windows = windows.get(id)?;
            let stale = view.snapshot.raw_windows(*id, windows, (from, windows.around(to).1));
            // Older ones have expired, whether their readings are there or not.
            let stale = stale.within(view.snapshot.kept.statistics.of(*id), i64::MAX);
            Some(Stream { id: *id, windows: windows.clone(), stale, over: windows.around(now).0 })
        })
        .collect();
    let stored = scan(view, &[]).days((from, to));
    let held = view.snapshot.lake.days().keys().chain(view.snapshot.memory.keys());
    let mut days: Vec<Day> = stored.into_iter().chain(held.copied()).collect();
    days.sort_unstable();
    days.dedup();
    let mut units = Vec::new();
    for day in days {
        let start = day.start().0;
        if start > to || start + MICROS_PER_DAY <= from {
            continue;
        }
        let length = |s: &Stream| s.windows.lengths_between(start, start + MICROS_PER_DAY - 1).min();
        let shortest = streams.iter().filter_map(length).min().unwrap_or(MICROS_PER_DAY);
        let each = (UNIT_ROWS / (MICROS_PER_DAY / shortest)).max(1) as usize;
        for some in streams.chunks(each) {
            let of_day = |s: &Stream| {
                let stale = s.stale.within(start, start + MICROS_PER_DAY);
                Stream { stale, windows: s.windows.clone(), ..*s }
            };
            units.push(Unit { day, streams: some.iter().map(of_day).collect() });
        }
    }
    units
}

fn scan(view: &View, columns: &[usize]) -> KeyedScan {
    KeyedScan { snapshot: view.snapshot.clone(), table: Table::Statistics, columns: columns.to_vec() }
}

/// Rows as stored, without computed ones that are not right or of no value. Blocks.
fn stored(view: &View, wish: &Wish, unit: &Unit) -> Result<Vec<KeyedRows>> {
    let every: Vec<usize> = (0..Table::Statistics.schema().fields().len()).collect();
    let ids: Arc<[i32]> = unit.streams.iter().map(|s| s.id).collect();
    let wanted = Wanted { ids: Some(ids), ts: wish.ts, label: None };
    let mut found = Vec::new();
    let read = scan(view, &every).day(unit.day, &wanted, &mut |rows| {
        found.extend(right(&rows, &unit.streams));
        Ok(true)
    });
    read.map_err(|e| DataFusionError::External(Box::new(e)))?;
    Ok(found)
}

/// Rows written by hand, and computed ones that hold a value and are right.
fn right(rows: &KeyedRows, streams: &[Stream]) -> Option<KeyedRows> {
    let batch = rows.batch();
    let ids = batch.column(0).as_primitive::<Int32Type>().values();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
    let origins = batch.column(2).as_string::<i32>();
    let counts = batch.column(4).as_primitive::<Int64Type>().values();
    let mut last: Option<&Stream> = None;
    let mask: Vec<bool> = (0..rows.len())
        .map(|i| {
            if origins.value(i) == POSTED {
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

/// Rows without the computed ones of which another written by hand has the time.
fn overlaid(rows: &[KeyedRows]) -> Vec<KeyedRows> {
    let is = |rows: &KeyedRows, i: usize, origin: &str| rows.key(i).2 == origin;
    let posted: HashSet<(i32, i64)> = rows
        .iter()
        .flat_map(|rows| (0..rows.len()).filter(|i| is(rows, *i, POSTED)).map(|i| rows.key(i)))
        .map(|(id, ts, _)| (id, ts))
        .collect();
    let is_shown = |rows: &KeyedRows, i: usize| {
        let (id, ts, origin) = rows.key(i);
        origin != COMPUTED || !posted.contains(&(id, ts))
    };
    match posted.is_empty() {
        true => rows.to_vec(),
        false => rows.iter().map(|rows| rows.select(is_shown)).collect(),
    }
}

impl Rows for WindowRows {
    fn name(&self) -> &'static str {
        "Statistics"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let units: Vec<Unit> = self.units.iter().skip(partition).step_by(self.partitions).cloned().collect();
        let (view, wish) = (self.view.clone(), Arc::new(self.wish.clone()));
        let memory = Arc::new(MemoryConsumer::new("Statistics").register(context.memory_pool()));
        let columns = wish.columns.clone();
        let rows = stream::iter(units)
            .then(move |unit| Self::unit(view.clone(), wish.clone(), unit, context.clone(), memory.clone()))
            .map_ok(|rows| stream::iter(rows.into_iter().filter(|rows| !rows.is_empty()).map(Ok)))
            .try_flatten()
            .map(move |rows: Result<KeyedRows>| -> Result<RecordBatch> {
                Ok(rows?.batch().project(&columns)?)
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
