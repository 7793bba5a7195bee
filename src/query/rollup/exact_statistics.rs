//! Exact statistics of windows or buckets, computed from raw readings that arrive in time order within each stream.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;

use crate::store::statistics::rows::WindowRow;
use crate::store::statistics::time_ranges::TimeRanges;
use crate::store::statistics::window_summary::WindowSummary;

/// Memory is reserved in steps of this many values.
const MEMORY_STEP_VALUES: usize = 64 * 1024;

/// Maps a stream and a time to the window or bucket that contains it.
pub type WindowLookup<'a> = dyn Fn(i32, i64) -> Result<(i64, i64)> + Send + Sync + 'a;

/// Accumulates one open window per stream. The values of open windows are buffered and accounted for in the query's
/// memory.
pub struct ExactStatistics<'a> {
    /// The requested times of each stream, streams ascending.
    wanted: Vec<(i32, TimeRanges)>,
    around: &'a WindowLookup<'a>,
    memory: &'a MemoryReservation,
    open: HashMap<i32, OpenWindow>,
    done: Vec<WindowRow>,
    /// Number of buffered values, and of values that memory is reserved for.
    values: usize,
    reserved_values: usize,
}

#[derive(Default)]
struct OpenWindow {
    span: (i64, i64),
    rows: u64,
    values: Vec<f64>,
}

impl<'a> ExactStatistics<'a> {
    /// Creates the statistics of `wanted`; `around` returns the window of a time, half-open, microseconds.
    pub fn new(
        wanted: Vec<(i32, TimeRanges)>,
        around: &'a WindowLookup<'a>,
        memory: &'a MemoryReservation,
    ) -> Self {
        Self { wanted, around, memory, open: HashMap::new(), done: Vec::new(), values: 0, reserved_values: 0 }
    }

    /// Adds streams, times and values. Times must ascend within a stream, also across batches.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let ids = batch.column(0).as_primitive::<Int32Type>().values();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        let values = batch.column(2).as_primitive::<Float64Type>();
        let mut start = 0;
        while let Some(id) = ids.get(start) {
            let end = start + ids[start..].partition_point(|other| other == id);
            if let Ok(at) = self.wanted.binary_search_by_key(id, |(stream, _)| *stream) {
                let mut filling = self.open.remove(id).unwrap_or_default();
                for i in start..end {
                    let ts = times[i];
                    if !self.wanted[at].1.contains(ts) {
                        continue;
                    }
                    if !(filling.span.0..filling.span.1).contains(&ts) {
                        self.close(*id, &mut filling);
                        filling.span = (self.around)(*id, ts)?;
                    }
                    filling.rows += 1;
                    if values.is_valid(i) {
                        filling.values.push(values.value(i));
                        self.values += 1;
                    }
                }
                self.open.insert(*id, filling);
                self.reserve_memory()?;
            }
            start = end;
        }
        Ok(())
    }

    fn reserve_memory(&mut self) -> Result<()> {
        if self.values > self.reserved_values {
            let more = MEMORY_STEP_VALUES.max(self.values - self.reserved_values);
            self.memory.try_grow(more * size_of::<f64>())?;
            self.reserved_values += more;
        }
        Ok(())
    }

    fn close(&mut self, stream: i32, filling: &mut OpenWindow) {
        let (start, end) = std::mem::take(&mut filling.span);
        let rows = std::mem::take(&mut filling.rows);
        if rows > 0 {
            let summary = WindowSummary::of(&mut filling.values);
            self.values -= filling.values.len();
            filling.values.clear();
            self.done.push(WindowRow { stream, start, length: end - start, rows, summary });
        }
    }

    /// Returns the windows with readings, by stream and time. `length` is that of the whole window, even if only a part
    /// of it was requested.
    pub fn finish(mut self) -> Vec<WindowRow> {
        let open = std::mem::take(&mut self.open);
        for (stream, mut filling) in open {
            self.close(stream, &mut filling);
        }
        self.memory.shrink(self.reserved_values * size_of::<f64>());
        self.done.sort_by_key(|window| (window.stream, window.start));
        self.done
    }
}
