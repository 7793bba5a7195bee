//! Exact statistics out of raw readings that come by time, stream by stream: of windows, or of buckets.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;

use crate::store::statistics::compute::Summary;
use crate::store::statistics::ranges::Ranges;
use crate::store::statistics::rows::Window;

/// Memory is asked for in steps of so many values.
const STEP: usize = 64 * 1024;

/// Where time is cut: the stream and a time to the stretch that holds it.
pub type Around<'a> = dyn Fn(i32, i64) -> Result<(i64, i64)> + Send + Sync + 'a;

/// Stretches of time being filled, one a stream. The values of these are held, metered by the query's memory.
pub struct Summaries<'a> {
    /// The times wanted of each stream, streams ascending.
    wanted: Vec<(i32, Ranges)>,
    around: &'a Around<'a>,
    memory: &'a MemoryReservation,
    open: HashMap<i32, Filling>,
    done: Vec<Window>,
    /// Values held, and those memory was asked for.
    values: usize,
    asked: usize,
}

#[derive(Default)]
struct Filling {
    stretch: (i64, i64),
    rows: u64,
    values: Vec<f64>,
}

impl<'a> Summaries<'a> {
    pub fn new(wanted: Vec<(i32, Ranges)>, around: &'a Around<'a>, memory: &'a MemoryReservation) -> Self {
        Self { wanted, around, memory, open: HashMap::new(), done: Vec::new(), values: 0, asked: 0 }
    }

    /// Adds streams, times and values, each stream's by time, also from batch to batch.
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
                    if !(filling.stretch.0..filling.stretch.1).contains(&ts) {
                        self.close(*id, &mut filling);
                        filling.stretch = (self.around)(*id, ts)?;
                    }
                    filling.rows += 1;
                    if values.is_valid(i) {
                        filling.values.push(values.value(i));
                        self.values += 1;
                    }
                }
                self.open.insert(*id, filling);
                self.meter()?;
            }
            start = end;
        }
        Ok(())
    }

    fn meter(&mut self) -> Result<()> {
        if self.values > self.asked {
            let more = STEP.max(self.values - self.asked);
            self.memory.try_grow(more * size_of::<f64>())?;
            self.asked += more;
        }
        Ok(())
    }

    fn close(&mut self, stream: i32, filling: &mut Filling) {
        let (start, end) = std::mem::take(&mut filling.stretch);
        let rows = std::mem::take(&mut filling.rows);
        if rows > 0 {
            let summary = Summary::of(&mut filling.values);
            self.values -= filling.values.len();
            filling.values.clear();
            self.done.push(Window { stream, start, length: end - start, rows, summary });
        }
    }

    /// Stretches with readings, by stream and time. `length` is that of the stretch, also where not all of it was
    /// wanted.
    pub fn finish(mut self) -> Vec<Window> {
        let open = std::mem::take(&mut self.open);
        for (stream, mut filling) in open {
            self.close(stream, &mut filling);
        }
        self.memory.shrink(self.asked * size_of::<f64>());
        self.done.sort_by_key(|window| (window.stream, window.start));
        self.done
    }
}
