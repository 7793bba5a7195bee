//! Filter, order and pagination of the lists of the REST interfaces.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::col as physical_col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use crate::domain::min_max::MinMax;
use crate::domain::{Micros, StreamId};

/// A list request: filter, order and page. Rows are ordered by time, equal times by stream id.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// `None` means every visible stream.
    pub streams: Option<Vec<StreamId>>,
    /// Inclusive.
    pub from: Option<Micros>,
    /// Inclusive.
    pub to: Option<Micros>,
    pub newest_first: bool,
    pub offset: usize,
    pub limit: Option<usize>,
}

type RecordBatches = BoxStream<'static, Result<RecordBatch>>;

impl ListQuery {
    /// Returns the stream if the list selects exactly one.
    pub(super) fn one_stream(&self) -> Option<StreamId> {
        match self.streams.as_deref() {
            Some([stream]) => Some(*stream),
            _ => None,
        }
    }

    /// Returns whether the list is the newest row alone, of whatever time.
    pub(super) fn is_of_newest(&self) -> bool {
        let has_range = self.from.is_some() || self.to.is_some();
        self.newest_first && self.limit == Some(1) && self.offset == 0 && !has_range
    }

    /// Returns the bounds of times in microseconds.
    pub(super) fn ts_bounds(&self) -> MinMax<i64> {
        MinMax::new(self.from.map_or(i64::MIN, |t| t.0), self.to.map_or(i64::MAX, |t| t.0))
    }

    /// Returns the number of rows to read: the page and the rows before it.
    pub(super) fn max_rows(&self) -> Option<usize> {
        self.limit.map(|limit| limit.saturating_add(self.offset))
    }

    /// Sorts rows with `ts` and `stream_id` in the list's order, limited to [`Self::max_rows`]; spills when memory runs
    /// out.
    pub(super) fn sorted(&self, rows: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let by = |name, descending| -> Result<PhysicalSortExpr> {
            let column = physical_col(name, &rows.schema())?;
            Ok(PhysicalSortExpr::new(column, SortOptions { descending, nulls_first: false }))
        };
        let order = LexOrdering::new([by("ts", self.newest_first)?, by("stream_id", false)?]);
        let order = order.expect("an ordering of two expressions is not empty");
        Ok(Arc::new(SortExec::new(order, rows).with_fetch(self.max_rows())))
    }

    /// Applies OFFSET and LIMIT to the ordered rows.
    pub(super) fn paginate(&self, batches: RecordBatches) -> RecordBatches {
        let page = PageWindow { skip: self.offset, take: self.limit.unwrap_or(usize::MAX) };
        let cut = stream::unfold((page, batches), |(mut page, mut batches)| async move {
            while page.take > 0 {
                let batch = match batches.next().await? {
                    Ok(batch) => batch,
                    Err(e) => return Some((Err(e), (page, batches))),
                };
                let skipped = page.skip.min(batch.num_rows());
                page.skip -= skipped;
                let rows = (batch.num_rows() - skipped).min(page.take);
                page.take -= rows;
                if rows > 0 {
                    return Some((Ok(batch.slice(skipped, rows)), (page, batches)));
                }
            }
            None
        });
        cut.boxed()
    }
}

/// Rows still to skip, and rows still to return.
struct PageWindow {
    skip: usize,
    take: usize,
}
