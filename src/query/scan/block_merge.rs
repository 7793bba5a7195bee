//! K-way merge of sorted streams by blocks: the rows of all inputs up to the smallest of their last keys precede every
//! unread row.

use std::vec::IntoIter;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{concat, interleave_record_batch};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::StreamExt;
use futures::future::try_join_all;

use crate::query::byte_size;
use crate::store::memtable::run_merge::{self, RunKeys, RunSlice};

/// Slices with fewer rows on average are copied row by row.
const MIN_AVERAGE_SLICE_ROWS: usize = 8;

/// A merge of streams, the oldest first: of equal keys the row of the later stream wins.
pub struct BlockMerge {
    inputs: Vec<MergeInput>,
    /// Rows taken from the inputs and not yet returned, in order.
    parts: Vec<RecordBatch>,
    order: IntoIter<Vec<RunSlice>>,
    memory: MemoryReservation,
    /// Approximate rows of a returned batch.
    batch_rows: usize,
}

struct MergeInput {
    batches: SendableRecordBatchStream,
    /// Rows read and not yet taken; `None` at the end.
    rows: Option<RecordBatch>,
}

impl BlockMerge {
    /// Merges streams whose first columns are stream_id and ts, sorted by these and with one row per key.
    pub fn new(inputs: Vec<SendableRecordBatchStream>, memory: MemoryReservation, batch_rows: usize) -> Self {
        let empty = |batches: SendableRecordBatchStream| {
            let rows = Some(RecordBatch::new_empty(batches.schema()));
            MergeInput { batches, rows }
        };
        let inputs = inputs.into_iter().map(empty).collect();
        Self { inputs, parts: Vec::new(), order: Vec::new().into_iter(), memory, batch_rows }
    }

    /// Returns the next rows in order; `None` at the end.
    ///
    /// # Errors
    /// The errors of the inputs; `ResourcesExhausted` when their batches exceed the query's memory; `Internal` for an input
    /// that is not sorted, if it is noticed.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(slices) = self.order.next() {
                return gather_rows(&self.parts, &slices).map(Some);
            }
            self.parts.clear();
            // Inputs are read concurrently: each may wait for a disk.
            try_join_all(self.inputs.iter_mut().map(MergeInput::fill)).await?;
            self.inputs.retain(|input| input.rows.is_some());
            let buffered = self.inputs.iter().filter_map(|input| input.rows.as_ref());
            self.memory.try_resize(buffered.map(byte_size::of_slice).sum::<Result<usize>>()?)?;
            let last = self.inputs.iter().filter_map(|input| keys(input.rows.as_ref()?).last()).min();
            let Some(bound) = last else { return Ok(None) };
            let parts = self.inputs.iter_mut().filter_map(|input| input.take_up_to(bound));
            self.parts = parts.filter(|part| part.num_rows() > 0).collect();
            match self.parts.as_slice() {
                // The bound is a key of an input, which has rows up to it if it is sorted. Without this check the loop would
                // not end.
                [] => return internal_err!("rows to merge are not sorted by stream_id and ts"),
                // A single part needs no copy.
                [_] => return Ok(self.parts.pop()),
                _ => {}
            }
            let keys: Vec<RunKeys> = self.parts.iter().map(keys).collect();
            self.order = pieces(run_merge::merge_order(&keys), self.batch_rows).into_iter();
        }
    }
}

impl MergeInput {
    /// Reads until `rows` is not empty or the stream ends.
    async fn fill(&mut self) -> Result<()> {
        while self.rows.as_ref().is_some_and(|rows| rows.num_rows() == 0) {
            self.rows = self.batches.next().await.transpose()?;
        }
        Ok(())
    }

    /// Removes and returns the rows up to and including `key`.
    fn take_up_to(&mut self, key: (i32, i64)) -> Option<RecordBatch> {
        let rows = self.rows.as_mut()?;
        let count = keys(rows).count_up_to(key);
        let taken = rows.slice(0, count);
        *rows = rows.slice(count, rows.num_rows() - count);
        Some(taken)
    }
}

fn keys(rows: &RecordBatch) -> RunKeys<'_> {
    RunKeys {
        stream: rows.column(0).as_primitive::<Int32Type>().values(),
        ts: rows.column(1).as_primitive::<TimestampMicrosecondType>().values(),
    }
}

/// Groups slices into pieces of about `rows` rows.
fn pieces(order: Vec<RunSlice>, rows: usize) -> Vec<Vec<RunSlice>> {
    let (mut pieces, mut piece, mut count) = (Vec::new(), Vec::new(), 0);
    for slice in order {
        count += slice.end - slice.start;
        piece.push(slice);
        if count >= rows {
            pieces.push(std::mem::take(&mut piece));
            count = 0;
        }
    }
    pieces.extend((!piece.is_empty()).then_some(piece));
    pieces
}

/// Gathers the rows of the parts in the given order, copied unless they are contiguous.
fn gather_rows(parts: &[RecordBatch], slices: &[RunSlice]) -> Result<RecordBatch> {
    let cut = |slice: &RunSlice| parts[slice.run].slice(slice.start, slice.end - slice.start);
    if let [only] = slices {
        return Ok(cut(only));
    }
    if slices.len() * MIN_AVERAGE_SLICE_ROWS > run_merge::count(slices) {
        let places = slices.iter().flat_map(|slice| (slice.start..slice.end).map(|row| (slice.run, row)));
        let parts: Vec<&RecordBatch> = parts.iter().collect();
        return Ok(interleave_record_batch(&parts, &places.collect::<Vec<_>>())?);
    }
    let rows: Vec<RecordBatch> = slices.iter().map(cut).collect();
    let column = |index: usize| -> Result<ArrayRef> {
        let arrays: Vec<_> = rows.iter().map(|rows| rows.column(index).as_ref()).collect();
        Ok(concat(&arrays)?)
    };
    let columns = (0..rows[0].num_columns()).map(column).collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(rows[0].schema(), columns)?)
}

#[cfg(test)]
#[path = "block_merge_tests.rs"]
mod tests;
