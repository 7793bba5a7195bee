//! Lists for the REST surfaces: which rows, by time, and of these a page.

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

use crate::domain::{Micros, StreamId};

/// Which rows a list wants, and in which order: by time, equal times by stream id.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// `None` is every visible stream.
    pub streams: Option<Vec<StreamId>>,
    /// Inclusive.
    pub from: Option<Micros>,
    /// Inclusive.
    pub to: Option<Micros>,
    pub newest_first: bool,
    pub offset: usize,
    pub limit: Option<usize>,
}

type Batches = BoxStream<'static, Result<RecordBatch>>;

impl List {
    /// The stream, if it is of a single one.
    pub(super) fn one_stream(&self) -> Option<StreamId> {
        match self.streams.as_deref() {
            Some([stream]) => Some(*stream),
            _ => None,
        }
    }

    /// Of times, inclusive, microseconds.
    pub(super) fn range(&self) -> (i64, i64) {
        (self.from.map_or(i64::MIN, |t| t.0), self.to.map_or(i64::MAX, |t| t.0))
    }

    /// How many rows can be shown, those left out before them counted.
    pub(super) fn most(&self) -> Option<usize> {
        self.limit.map(|limit| limit.saturating_add(self.offset))
    }

    /// Rows with `ts` and `stream_id` in the list's order, as many as can be shown; within memory or spilled.
    pub(super) fn sorted(&self, rows: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let by = |name, descending| -> Result<PhysicalSortExpr> {
            let column = physical_col(name, &rows.schema())?;
            Ok(PhysicalSortExpr::new(column, SortOptions { descending, nulls_first: false }))
        };
        let order = LexOrdering::new([by("ts", self.newest_first)?, by("stream_id", false)?]);
        let order = order.expect("an ordering of two expressions is not empty");
        Ok(Arc::new(SortExec::new(order, rows).with_fetch(self.most())))
    }

    /// OFFSET and LIMIT over all rows in their order.
    pub(super) fn page(&self, batches: Batches) -> Batches {
        let page = Page { skip: self.offset, take: self.limit.unwrap_or(usize::MAX) };
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

/// Rows still to be left out, and then to be shown.
struct Page {
    skip: usize,
    take: usize,
}
