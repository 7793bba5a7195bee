//! Turns a panic in a task into an error. `datafusion-distributed` polls each partition in a thread of the runtime, and takes
//! one that panics for one that has ended: the answer would lack rows, and say nothing of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::StreamExt;

use crate::domain::Error;
use crate::query::guard::pass_through::{PassThroughExec, StreamWrapper};

/// Returns the plan of a task whose panics are errors. An exchange of rows by a hash makes errors of them itself, and has to
/// stay at the top, where the engine looks for it.
pub fn guard_task(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    if plan.is::<RepartitionExec>() {
        return plan;
    }
    Arc::new(PassThroughExec::new(plan, PanicGuard))
}

/// Returns what a function does, or an error when it panics.
pub fn catch_panic<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

fn panicked() -> DataFusionError {
    DataFusionError::External(Box::new(Error::internal("a part of a query panicked")))
}

/// Ends a partition that panics with an error.
#[derive(Debug)]
struct PanicGuard;

impl StreamWrapper for PanicGuard {
    const NAME: &'static str = "PanicGuardExec";

    fn wrap(&self, input: SendableRecordBatchStream, _: usize, _: &TaskContext) -> SendableRecordBatchStream {
        let schema = input.schema();
        // Nothing of it is used after a panic: the stream ends.
        let batches =
            AssertUnwindSafe(input).catch_unwind().map(|next| next.unwrap_or_else(|_| Err(panicked())));
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::query::spread::test_plans::{batch, exchanged, rows, schema, stream_id};

    #[tokio::test]
    async fn a_partition_that_panics_ends_with_an_error() {
        let mut polls = 0;
        let batches = stream::poll_fn(move |_| {
            polls += 1;
            assert!(polls == 1, "this case panics");
            std::task::Poll::Ready(Some(Ok(batch(1))))
        });
        let input = Box::pin(RecordBatchStreamAdapter::new(schema(), batches));
        let mut guarded = PanicGuard.wrap(input, 0, &TaskContext::default());
        assert_eq!(guarded.next().await.unwrap().unwrap(), batch(1));
        let error = guarded.next().await.unwrap().unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert!(guarded.next().await.is_none());
    }

    #[test]
    fn all_tasks_are_guarded_but_those_with_an_exchange_at_their_top() {
        assert_eq!(guard_task(rows(2)).name(), PanicGuard::NAME);
        let exchange = exchanged(rows(2), stream_id());
        assert!(Arc::ptr_eq(&guard_task(exchange.clone()), &exchange));
    }
}
