//! The rows of a query on several nodes, and what happens when one of them fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::SpreadCounts;
use crate::domain::Error;
use crate::query::log::QueryTracker;

/// A query that runs on several nodes, or else on one.
pub struct Attempt {
    pub divided: Arc<dyn ExecutionPlan>,
    pub context: Arc<TaskContext>,
    /// The same query for this node alone.
    pub alone: Arc<dyn ExecutionPlan>,
    pub alone_context: Arc<TaskContext>,
    pub tracker: Arc<QueryTracker>,
    pub counts: Arc<SpreadCounts>,
}

impl Attempt {
    /// Returns the rows. The query starts when they are first polled.
    pub fn into_stream(self) -> SendableRecordBatchStream {
        let schema = self.alone.schema();
        let rows = stream::once(self.start()).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }

    /// Starts the query on all nodes. When a node fails before any row has come, whoever asked has seen nothing of it, and the
    /// query starts again on this node.
    async fn start(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let mut rows = execute_stream(self.divided, self.context)?;
        match rows.next().await {
            Some(Err(error)) if !is_of_query(&error) && !self.tracker.interrupt.is_cancelled() => {
                drop(rows);
                self.counts.repeated.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    query = %self.tracker.id,
                    error = %error,
                    "a query failed on several nodes and runs again on this one"
                );
                Ok(execute_stream(self.alone, self.alone_context)?.boxed())
            }
            first => {
                let rest = rows.map_err(explain);
                Ok(stream::iter(first).chain(rest).boxed())
            }
        }
    }
}

/// Whether an error would come again on one node: it is about the query's values or its memory.
fn is_of_query(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => true,
        DataFusionError::ArrowError(arrow, _) => matches!(
            **arrow,
            ArrowError::DivideByZero
                | ArrowError::ArithmeticOverflow(_)
                | ArrowError::CastError(_)
                | ArrowError::ComputeError(_)
                | ArrowError::ParseError(_)
        ),
        _ => false,
    }
}

/// Turns the failure of a node into an error for the caller.
fn explain(error: DataFusionError) -> DataFusionError {
    match error.find_root() {
        _ if is_of_query(&error) => error,
        DataFusionError::External(inner) if inner.is::<Error>() => error,
        _ => {
            let failed = Error::unavailable(
                "another query node failed while it computed a part of the answer; repeat the query",
            );
            DataFusionError::External(Box::new(failed.with_source(error)))
        }
    }
}
