//! The rows of a query on several nodes, and what happens when one of them fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use url::Url;

use super::Spread;
use crate::domain::Error;
use crate::query::context::QueryContext;

/// A query that runs on several nodes, or else on one.
pub struct Attempt {
    pub spread: Arc<Spread>,
    /// The query for this node alone.
    pub plan: Arc<dyn ExecutionPlan>,
    pub session: SessionState,
    pub query_context: QueryContext,
}

impl Attempt {
    /// Returns the rows. Nothing is read, nor a node chosen, until they are first polled: whoever polls them has the permits
    /// of the query.
    pub fn into_stream(self) -> SendableRecordBatchStream {
        let schema = self.plan.schema();
        let rows = stream::once(self.start()).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }

    /// Starts the query on all nodes. When a node fails before any row has come, whoever asked has seen nothing of it, and the
    /// query starts again on this node.
    async fn start(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        // The nodes of this moment may be others than before the query waited for its permits.
        let nodes = self.spread.workers.with(&self.spread.options.own_url);
        let Some(nodes) = nodes else { return self.run_alone() };
        let Some((divided, context)) = self.distribute(&nodes).await else { return self.run_alone() };
        let (counts, tracker) = (&self.spread.counts, &self.query_context.tracker);
        self.spread.trackers.add(tracker);
        counts.spread.fetch_add(1, Ordering::Relaxed);
        let collector = self.spread.usage_collector(&nodes, tracker);
        let mut rows = execute_stream(divided, context)?;
        match rows.next().await {
            Some(Err(error)) if !is_of_query(&error) && !tracker.interrupt.is_cancelled() => {
                drop(rows);
                counts.repeated.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    query = %tracker.id,
                    error = %error,
                    "a query failed on several nodes and runs again on this one"
                );
                self.run_alone()
            }
            first => {
                let rest = rows.map_err(explain);
                // The rows own it, since it asks when they are dropped.
                let hold = move |batch| {
                    let _collector = &collector;
                    batch
                };
                Ok(stream::iter(first).chain(rest).map(hold).boxed())
            }
        }
    }

    /// Divides the plan among these nodes.
    async fn distribute(&self, nodes: &Arc<Vec<Url>>) -> Option<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)> {
        let Self { spread, plan, session, query_context } = self;
        let divided = spread.distribute(plan, session, query_context, nodes).await;
        divided.unwrap_or_else(|error| {
            tracing::warn!(%error, "a query cannot be divided and runs on this node alone");
            None
        })
    }

    fn run_alone(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let context = self.query_context.task_context(&self.session);
        Ok(execute_stream(self.plan, context)?.boxed())
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
