//! Reads one stream newest first, in time slices: each is read in ascending order and reversed in memory. A query for a
//! few of the newest rows reads only the last seconds of a stream with many rows, and the last minutes of one with few.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};

use super::readings_scan::ReadingsScan;
use crate::domain::StreamId;
use crate::domain::min_max::MinMax;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::query::byte_size;

/// How far the newest slices reach back from the newest row. Within 10 s a stream of a thousand rows a second has 10,000, and
/// within 10 minutes one of a row a second has 600: more than a page of a list, and little to read.
const NEWEST_SLICES_MICROS: [i64; 2] = [600 * 1_000_000, 10 * 1_000_000];
/// Maximum rows reversed at once: three readings a second for a day.
const MAX_SLICE_ROWS: usize = 1 << 18;
/// Maximum bytes reversed at once: a quarter of the default share of a query.
const MAX_SLICE_BYTES: usize = 32 << 20;

/// The part of a day within `ts`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TimeSlice {
    day: Day,
    ts: MinMax<i64>,
}

impl TimeSlice {
    /// Returns the earlier and the later half; `None` for a single instant.
    fn halves(self) -> Option<[Self; 2]> {
        let start = self.day.start().0;
        // Bounds may be open.
        let within = self.ts.intersection(MinMax::new(start, start + MICROS_PER_DAY - 1));
        let MinMax { min: from, max: to } = within;
        let middle = from + (to - from) / 2;
        let halves = [MinMax::new(from, middle), MinMax::new(middle + 1, to)];
        (from < to).then(|| halves.map(|ts| Self { ts, ..self }))
    }
}

/// Opens the rows of the scan's only stream, newest first.
pub fn open(
    scan: &ReadingsScan,
    stream: i32,
    columns: &[usize],
    schema: SchemaRef,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let memory = MemoryConsumer::new("NewestFirst").register(context.memory_pool());
    scan.record_snapshot_files();
    let left = time_slices(scan, stream);
    let back = ReverseScan { scan: scan.clone(), columns: columns.to_vec(), left, memory, context };
    let rows = stream::try_unfold(back, |mut back| async move {
        let batches = back.next().await?;
        Ok::<_, DataFusionError>(batches.map(|rows| (stream::iter(rows).map(|batch| reversed(&batch)), back)))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten())))
}

/// Returns the slices to read, the next one last: one per day, and the newest slices.
fn time_slices(scan: &ReadingsScan, stream: i32) -> Vec<TimeSlice> {
    let MinMax { min: from, max: to } = scan.bounds.ts;
    // The newest reading may be later than the snapshot, whose rows are never newer than it.
    let newest = scan.query_context.newest_by_time(&[StreamId(stream)]);
    let newest = newest.and_then(|newest| newest.first().map(|newest| newest.ts.0)).unwrap_or(i64::MAX);
    let to = to.min(newest);
    let ts = MinMax::new(from, to);
    let within = scan.within(ts);
    let mut slices: Vec<TimeSlice> = within.days().into_iter().map(|day| TimeSlice { day, ts }).collect();
    cut_newest(&mut slices, to);
    slices
}

/// Cuts the newest slices, which end at `to`, off the last day.
fn cut_newest(slices: &mut Vec<TimeSlice>, to: i64) {
    for length in NEWEST_SLICES_MICROS {
        let recent = to.saturating_sub(length);
        if let Some(last) = slices.last_mut().filter(|last| last.ts.min < recent) {
            let newest = TimeSlice { day: last.day, ts: MinMax::new(recent, to) };
            last.ts = MinMax::new(last.ts.min, recent - 1);
            slices.push(newest);
        }
    }
}

struct ReverseScan {
    scan: ReadingsScan,
    columns: Vec<usize>,
    left: Vec<TimeSlice>,
    memory: MemoryReservation,
    context: Arc<TaskContext>,
}

impl ReverseScan {
    /// Returns the batches of the next slice: batches with the newest rows first, each still in ascending order; `None`
    /// at the end.
    async fn next(&mut self) -> Result<Option<Vec<RecordBatch>>> {
        // The previous batches have been consumed.
        self.memory.free();
        let Some(slice) = self.left.pop() else { return Ok(None) };
        let halves = slice.halves();
        match (self.read(slice, halves.is_some()).await?, halves) {
            (None, Some(halves)) => {
                self.left.extend(halves);
                Ok(Some(Vec::new()))
            }
            (batches, _) => {
                let mut batches = batches.unwrap_or_default();
                batches.reverse();
                Ok(Some(batches))
            }
        }
    }

    /// Reads the rows of a slice in ascending order; `None` if there are too many and the slice can be halved.
    async fn read(&mut self, slice: TimeSlice, is_divisible: bool) -> Result<Option<Vec<RecordBatch>>> {
        let plan = self.scan.within(slice.ts).plan_day(slice.day, &self.columns)?;
        let mut rows = plan.execute(0, self.context.clone())?;
        let (mut batches, mut count) = (Vec::new(), 0);
        loop {
            let next = rows.try_next().await;
            // Rows already read may leave too little memory to read on.
            if is_divisible && next.as_ref().is_err_and(is_out_of_memory) {
                return Ok(None);
            }
            let Some(batch) = next? else { break };
            count += batch.num_rows();
            let growth = self.memory.try_grow(byte_size::of_slice(&batch)?);
            let is_too_much =
                count > MAX_SLICE_ROWS || self.memory.size() > MAX_SLICE_BYTES || growth.is_err();
            if is_divisible && is_too_much {
                return Ok(None);
            }
            growth?;
            batches.push(batch);
        }
        Ok(Some(batches))
    }
}

fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// Reverses the rows of a batch.
fn reversed(batch: &RecordBatch) -> Result<RecordBatch> {
    let last_first = UInt32Array::from_iter_values((0..batch.num_rows() as u32).rev());
    Ok(take_record_batch(batch, &last_first)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_rows_are_in_slices_of_their_own() {
        const SECOND: i64 = 1_000_000;
        let end = 20_000 * MICROS_PER_DAY + 7200 * SECOND;
        let cut = |from: i64| {
            let mut slices = vec![TimeSlice { day: Day(20_000), ts: MinMax::new(from, end) }];
            cut_newest(&mut slices, end);
            let back = |ts: i64| (end - ts) / SECOND;
            slices.iter().map(|slice| (back(slice.ts.min), back(slice.ts.max))).collect::<Vec<_>>()
        };
        assert_eq!(cut(end - 7200 * SECOND), [(7200, 600), (600, 10), (10, 0)]);
        assert_eq!(cut(end - 60 * SECOND), [(60, 10), (10, 0)]);
        assert_eq!(cut(end - 5 * SECOND), [(5, 0)]);
    }
}
