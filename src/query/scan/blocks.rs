//! Sorted streams of batches merged by blocks: what all of them have up to the least of their last keys comes before
//! anything unread.

use std::vec::IntoIter;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{concat, interleave_record_batch};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::StreamExt;
use futures::future::try_join_all;

use crate::query::byte_size;
use crate::store::memtable::order::{self, Keys, Slice};

/// Slices of fewer rows on the average are copied row by row.
const FEW_ROWS: usize = 8;

/// Streams being merged, the oldest first: of equal keys the row of the later one counts.
pub struct Blocks {
    inputs: Vec<Input>,
    /// What was cut off the inputs and is not handed on yet, in order.
    parts: Vec<RecordBatch>,
    order: IntoIter<Vec<Slice>>,
    memory: MemoryReservation,
    /// Rows of a batch handed on, about.
    batch_rows: usize,
}

struct Input {
    batches: SendableRecordBatchStream,
    /// Rows read and not yet cut off; `None` at the end.
    rows: Option<RecordBatch>,
}

impl Blocks {
    /// Of streams with stream_id and ts as their first columns, sorted by these and with one row a key.
    pub fn new(inputs: Vec<SendableRecordBatchStream>, memory: MemoryReservation, batch_rows: usize) -> Self {
        let empty = |batches: SendableRecordBatchStream| {
            let rows = Some(RecordBatch::new_empty(batches.schema()));
            Input { batches, rows }
        };
        let inputs = inputs.into_iter().map(empty).collect();
        Self { inputs, parts: Vec::new(), order: Vec::new().into_iter(), memory, batch_rows }
    }

    /// The next rows in order; `None` at the end.
    ///
    /// # Errors
    /// Those of the inputs; `ResourcesExhausted` when their batches take more memory than there is.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(slices) = self.order.next() {
                return laid(&self.parts, &slices).map(Some);
            }
            self.parts.clear();
            // All that is unread at once: each may wait for a disk.
            try_join_all(self.inputs.iter_mut().map(Input::fill)).await?;
            self.inputs.retain(|input| input.rows.is_some());
            let held = self.inputs.iter().filter_map(|input| input.rows.as_ref());
            self.memory.try_resize(held.map(byte_size::of_slice).sum::<Result<usize>>()?)?;
            let last = self.inputs.iter().filter_map(|input| keys(input.rows.as_ref()?).last()).min();
            let Some(bound) = last else { return Ok(None) };
            let parts = self.inputs.iter_mut().filter_map(|input| input.take_up_to(bound));
            self.parts = parts.filter(|part| part.num_rows() > 0).collect();
            if let [_] = self.parts.as_slice() {
                // Nothing to be copied.
                return Ok(self.parts.pop());
            }
            let keys: Vec<Keys> = self.parts.iter().map(keys).collect();
            self.order = pieces(order::in_order(&keys), self.batch_rows).into_iter();
        }
    }
}

impl Input {
    /// Makes `rows` something, unless the stream is at its end.
    async fn fill(&mut self) -> Result<()> {
        while self.rows.as_ref().is_some_and(|rows| rows.num_rows() == 0) {
            self.rows = self.batches.next().await.transpose()?;
        }
        Ok(())
    }

    /// Cuts off the rows up to and with a key.
    fn take_up_to(&mut self, key: (i32, i64)) -> Option<RecordBatch> {
        let rows = self.rows.as_mut()?;
        let count = keys(rows).count_up_to(key);
        let taken = rows.slice(0, count);
        *rows = rows.slice(count, rows.num_rows() - count);
        Some(taken)
    }
}

fn keys(rows: &RecordBatch) -> Keys<'_> {
    Keys {
        stream: rows.column(0).as_primitive::<Int32Type>().values(),
        ts: rows.column(1).as_primitive::<TimestampMicrosecondType>().values(),
    }
}

/// Slices together until there are about so many rows.
fn pieces(order: Vec<Slice>, rows: usize) -> Vec<Vec<Slice>> {
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

/// The rows of parts in an order, copied unless they lie side by side.
fn laid(parts: &[RecordBatch], slices: &[Slice]) -> Result<RecordBatch> {
    let cut = |slice: &Slice| parts[slice.run].slice(slice.start, slice.end - slice.start);
    if let [only] = slices {
        return Ok(cut(only));
    }
    if slices.len() * FEW_ROWS > order::count(slices) {
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
#[path = "blocks_tests.rs"]
mod tests;
