//! Reading one stream from its newest row back: by stretches of time, each read in its order and turned around in
//! memory. Whoever wants a few of the newest takes no more than the last hour.

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

use super::plan::ReadingsScan;
use crate::domain::time::{Day, MICROS_PER_DAY};
use crate::query::byte_size;

/// How far before the newest row is looked first.
const RECENT_US: i64 = 3600 * 1_000_000;
/// Rows that are turned around at once, at most: three readings a second for a day.
const MOST_ROWS: usize = 1 << 18;
/// Bytes of them, at most: a quarter of the default share of a query.
const MOST_BYTES: usize = 32 << 20;

/// What of a day lies within `ts`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    day: Day,
    ts: (i64, i64),
}

impl Stretch {
    /// The earlier half and the later one; `None` for a single moment.
    fn halves(self) -> Option<[Self; 2]> {
        let (from, to) = self.ts;
        let start = self.day.start().0;
        // Bounds may be open.
        let (from, to) = (from.max(start), to.min(start + MICROS_PER_DAY - 1));
        let middle = from + (to - from) / 2;
        (from < to).then(|| [(from, middle), (middle + 1, to)].map(|ts| Self { ts, ..self }))
    }
}

/// The rows of the only stream that a scan is of, newest first.
pub fn open(
    scan: &ReadingsScan,
    stream: i32,
    columns: &[usize],
    schema: SchemaRef,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let memory = MemoryConsumer::new("NewestFirst").register(context.memory_pool());
    scan.count_lake();
    let left = stretches(scan, stream);
    let back = Back { scan: scan.clone(), columns: columns.to_vec(), left, memory, context };
    let rows = stream::try_unfold(back, |mut back| async move {
        let batches = back.next().await?;
        Ok::<_, DataFusionError>(batches.map(|rows| (stream::iter(rows).map(|batch| turned(&batch)), back)))
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten())))
}

/// What is to be read, the next at the end: day by day, of the newest the last hour on its own.
fn stretches(scan: &ReadingsScan, stream: i32) -> Vec<Stretch> {
    let (from, to) = scan.bounds.ts;
    // Of a moment after the snapshot: no row of it is newer.
    let newest = scan.view.newest(stream).map_or(i64::MAX, |newest| newest.ts.0);
    let to = to.min(newest);
    let within = scan.within((from, to));
    let mut stretches: Vec<Stretch> =
        within.days().into_iter().map(|day| Stretch { day, ts: (from, to) }).collect();
    let recent = to.saturating_sub(RECENT_US);
    if let Some(last) = stretches.last_mut()
        && from < recent
    {
        let last_hour = Stretch { day: last.day, ts: (recent, to) };
        last.ts = (from, recent - 1);
        stretches.push(last_hour);
    }
    stretches
}

struct Back {
    scan: ReadingsScan,
    columns: Vec<usize>,
    left: Vec<Stretch>,
    memory: MemoryReservation,
    context: Arc<TaskContext>,
}

impl Back {
    /// The batches of the next stretch, the newest rows in the first, each still by time; `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<RecordBatch>>> {
        // What was handed on before is used up.
        self.memory.free();
        let Some(stretch) = self.left.pop() else { return Ok(None) };
        let halves = stretch.halves();
        match (self.read(stretch, halves.is_some()).await?, halves) {
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

    /// The rows of a stretch, by time; `None` if they are too many for one that is divisible.
    async fn read(&mut self, stretch: Stretch, is_divisible: bool) -> Result<Option<Vec<RecordBatch>>> {
        let plan = self.scan.within(stretch.ts).plan_day(stretch.day, &self.columns)?;
        let mut rows = plan.execute(0, self.context.clone())?;
        let (mut batches, mut count) = (Vec::new(), 0);
        loop {
            let next = rows.try_next().await;
            // What is held already may leave too little for reading on.
            if is_divisible && next.as_ref().is_err_and(is_out_of_memory) {
                return Ok(None);
            }
            let Some(batch) = next? else { break };
            count += batch.num_rows();
            let held = self.memory.try_grow(byte_size::of_slice(&batch)?);
            let is_too_much = count > MOST_ROWS || self.memory.size() > MOST_BYTES || held.is_err();
            if is_divisible && is_too_much {
                return Ok(None);
            }
            held?;
            batches.push(batch);
        }
        Ok(Some(batches))
    }
}

fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// The same rows, the last one first.
fn turned(batch: &RecordBatch) -> Result<RecordBatch> {
    let last_first = UInt32Array::from_iter_values((0..batch.num_rows() as u32).rev());
    Ok(take_record_batch(batch, &last_first)?)
}
