//! Windows computed from raw readings while a query waits: those that are over and not in statistics yet, or touched
//! since.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;

use super::raw;
use super::windows::Stream;
use crate::domain::time::Day;
use crate::query::session::View;
use crate::store::keyed::KeyedRows;
use crate::store::statistics::compute::Summary;
use crate::store::statistics::ranges::Ranges;
use crate::store::statistics::rows::{self, Window};
use crate::store::table::Table;

/// Memory is asked for in steps of so many values.
const STEP: usize = 64 * 1024;

/// Rows of the fresh windows of a day of each stream that begin within `ts`, inclusive, and hold a value; all
/// columns, in no order.
pub async fn windows(
    view: &View,
    day: Day,
    streams: &[Stream],
    ts: (i64, i64),
    context: Arc<TaskContext>,
    memory: &MemoryReservation,
) -> Result<Option<KeyedRows>> {
    let of: Vec<(&Stream, Ranges)> =
        streams.iter().map(|s| (s, s.fresh())).filter(|(_, fresh)| !fresh.is_empty()).collect();
    let spans = of.iter().filter_map(|(_, fresh)| fresh.span());
    let Some((from, to)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Ok(None) };
    let ids: BTreeSet<i32> = of.iter().map(|(s, _)| s.id).collect();
    let scan = raw::day(view, day, (from, to - 1), ids, &context.runtime_env())?;
    let mut batches = execute_stream(scan, context)?;
    let mut open = Open { streams: &of, windows: HashMap::new(), done: Vec::new(), values: 0, held: 0 };
    while let Some(batch) = batches.try_next().await? {
        open.add(&batch, memory)?;
    }
    let mut done = open.finish();
    done.retain(|window| window.summary.is_some() && ts.0 <= window.start && window.start <= ts.1);
    done.sort_by_key(|window| (window.stream, window.start));
    let rows = rows::computed(&done, view.snapshot.seq);
    Ok(KeyedRows::new(Table::Statistics, rows).ok().filter(|rows| !rows.is_empty()))
}

/// Windows being filled, one a stream: the readings of each come by time.
struct Open<'a> {
    streams: &'a [(&'a Stream, Ranges)],
    windows: HashMap<i32, Filling>,
    done: Vec<Window>,
    /// Values held, and how many memory was asked for.
    values: usize,
    held: usize,
}

#[derive(Default)]
struct Filling {
    window: (i64, i64),
    rows: u64,
    values: Vec<f64>,
}

impl Open<'_> {
    fn add(&mut self, batch: &RecordBatch, memory: &MemoryReservation) -> Result<()> {
        let ids = batch.column(0).as_primitive::<Int32Type>().values();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        let values = batch.column(2).as_primitive::<Float64Type>();
        let mut start = 0;
        while let Some(id) = ids.get(start) {
            let end = start + ids[start..].partition_point(|other| other == id);
            if let Ok(at) = self.streams.binary_search_by_key(id, |(s, _)| s.id) {
                let (stream, fresh) = &self.streams[at];
                let mut filling = self.windows.remove(id).unwrap_or_default();
                for i in start..end {
                    let ts = times[i];
                    if !(filling.window.0..filling.window.1).contains(&ts) {
                        self.close(*id, &mut filling);
                        if !fresh.contains(ts) {
                            continue;
                        }
                        filling.window = stream.windows.around(ts);
                    }
                    filling.rows += 1;
                    if values.is_valid(i) {
                        filling.values.push(values.value(i));
                        self.values += 1;
                    }
                }
                self.windows.insert(*id, filling);
            }
            start = end;
        }
        if self.values > self.held {
            memory.try_grow(STEP.max(self.values - self.held) * size_of::<f64>())?;
            self.held += STEP.max(self.values - self.held);
        }
        Ok(())
    }

    fn close(&mut self, stream: i32, filling: &mut Filling) {
        let (start, end) = std::mem::take(&mut filling.window);
        let rows = std::mem::take(&mut filling.rows);
        if rows > 0 {
            let summary = Summary::of(&mut filling.values);
            self.values -= filling.values.len();
            filling.values.clear();
            self.done.push(Window { stream, start, length: end - start, rows, summary });
        }
    }

    fn finish(mut self) -> Vec<Window> {
        let open = std::mem::take(&mut self.windows);
        for (stream, mut filling) in open {
            self.close(stream, &mut filling);
        }
        self.done
    }
}
