//! Stream of the gap filling operator: reads the input group by group and returns the output batch by batch.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::{StreamExt, stream};

use super::fill::{FillRange, GapFillLayout, GroupFiller};
use crate::query::byte_size;

/// The state of one execution: the rows of one group, and the rest of the batch that ended it.
pub struct GapFillStream {
    pub input: SendableRecordBatchStream,
    pub layout: GapFillLayout,
    pub range: FillRange,
    pub batch_rows: usize,
    pub memory: MemoryReservation,
    keys: Option<RowConverter>,
    key: Option<OwnedRow>,
    /// The incomplete group.
    open: Vec<RecordBatch>,
    /// Complete groups in order, not yet returned.
    closed: VecDeque<Vec<RecordBatch>>,
    filling: Option<(GroupFiller, usize)>,
    is_done: bool,
}

impl GapFillStream {
    /// Creates the state before the first batch. `batch_rows` is the maximum of an output batch; `memory` grows with the
    /// rows of the group that is read.
    pub fn new(
        input: SendableRecordBatchStream,
        layout: GapFillLayout,
        range: FillRange,
        batch_rows: usize,
        memory: MemoryReservation,
    ) -> Result<Self> {
        let schema = input.schema();
        let sort_field = |i: &usize| SortField::new(schema.field(*i).data_type().clone());
        let keys = match layout.groups.is_empty() {
            true => None,
            false => Some(RowConverter::new(layout.groups.iter().map(sort_field).collect())?),
        };
        Ok(Self {
            input,
            layout,
            range,
            batch_rows,
            memory,
            keys,
            key: None,
            open: Vec::new(),
            closed: VecDeque::new(),
            filling: None,
            is_done: false,
        })
    }

    /// Returns the output as a stream.
    pub fn batches(self) -> impl futures::Stream<Item = Result<RecordBatch>> + Send {
        stream::try_unfold(self, |mut filler| async move {
            let batch = filler.next().await?;
            Ok(batch.map(|batch| (batch, filler)))
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some((filling, bytes)) = &mut self.filling {
                if let Some(batch) = filling.next(self.batch_rows, &self.layout, &self.range)? {
                    return Ok(Some(batch));
                }
                self.memory.shrink(*bytes);
                self.filling = None;
            }
            if let Some(group) = self.closed.pop_front() {
                self.begin(&group)?;
            } else if self.is_done {
                return Ok(None);
            } else {
                match self.input.next().await {
                    Some(batch) => self.take(&batch?)?,
                    None => self.finish(),
                }
            }
        }
    }

    fn begin(&mut self, group: &[RecordBatch]) -> Result<()> {
        let rows = concat_batches(&self.input.schema(), group)?;
        let bytes = group.iter().map(size).sum::<Result<usize>>()?;
        self.filling = Some((GroupFiller::new(rows, &self.layout, &self.range)?, bytes));
        Ok(())
    }

    /// Adds a batch to the open group and closes the groups that it ends.
    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys = self.keys(batch)?;
        let mut start = 0;
        while start < batch.num_rows() {
            let end = match &keys {
                None => batch.num_rows(),
                Some(keys) => {
                    let is_new = self.key.as_ref().is_none_or(|key| key.row() != keys.row(start));
                    if is_new {
                        self.close();
                        self.key = Some(keys.row(start).owned());
                    }
                    let differs = |i: &usize| keys.row(*i) != keys.row(start);
                    (start + 1..batch.num_rows()).find(differs).unwrap_or(batch.num_rows())
                }
            };
            let part = batch.slice(start, end - start);
            self.memory.try_grow(size(&part)?)?;
            self.open.push(part);
            start = end;
        }
        Ok(())
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Option<Rows>> {
        let columns: Vec<_> = self.layout.groups.iter().map(|i| Arc::clone(batch.column(*i))).collect();
        Ok(self.keys.as_ref().map(|keys| keys.convert_columns(&columns)).transpose()?)
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.closed.push_back(std::mem::take(&mut self.open));
        }
    }

    /// As in TimescaleDB, empty input grouped only by the bucket is one group, all gaps.
    fn finish(&mut self) {
        if self.keys.is_none() && self.open.is_empty() {
            self.open.push(RecordBatch::new_empty(self.input.schema()));
        }
        self.close();
        self.is_done = true;
    }
}

/// Returns the bytes of a slice of a batch and of its copy in the concatenated group.
fn size(part: &RecordBatch) -> Result<usize> {
    Ok(2 * byte_size::of_slice(part)?)
}
