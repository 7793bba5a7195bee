//! Memory of window operators, which DataFusion does not account for: what goes into one is reserved for as long as the
//! operator may hold it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, RecordBatchStream, SendableRecordBatchStream,
};
use futures::{Stream, StreamExt, ready};

/// A window operator over all rows holds its input, one copy of it as a single batch, and its answer.
const COPIES: usize = 3;

/// How much of its input a window operator holds.
#[derive(Debug, Clone)]
pub enum Retention {
    /// All of it, until the operator ends.
    All,
    /// Rows that are not answered yet, and this many answered ones; `emitted` counts the rows of its answer.
    Frame { rows: usize, emitted: Arc<AtomicUsize> },
}

impl Retention {
    /// Bytes held after so many rows and bytes went in.
    fn held(&self, rows: usize, bytes: usize) -> usize {
        match self {
            Retention::All => bytes.saturating_mul(COPIES),
            Retention::Frame { rows: frame, emitted } => {
                let waiting = rows.saturating_sub(emitted.load(Ordering::Relaxed));
                let held = waiting.saturating_add(*frame).min(rows);
                bytes.div_ceil(rows.max(1)).saturating_mul(held).saturating_mul(COPIES)
            }
        }
    }
}

/// Stands under a window operator and reserves what that holds.
#[derive(Debug)]
pub struct BufferedInputExec {
    input: Arc<dyn ExecutionPlan>,
    retention: Retention,
}

impl BufferedInputExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, retention: Retention) -> Self {
        Self { input, retention }
    }
}

impl DisplayAs for BufferedInputExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BufferedInputExec")
    }
}

impl ExecutionPlan for BufferedInputExec {
    fn name(&self) -> &str {
        "BufferedInputExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|_| DataFusionError::Internal("BufferedInputExec has one child".to_owned()))?;
        Ok(Arc::new(Self::new(input, self.retention.clone())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let consumer = MemoryConsumer::new(format!("WindowInput[{partition}]"));
        let reservation = consumer.register(context.memory_pool());
        let input = self.input.execute(partition, context)?;
        let retention = self.retention.clone();
        Ok(Box::pin(Buffered { input, retention, reservation, rows: 0, bytes: 0 }))
    }
}

/// Reserves until it is dropped, which is when the operator above it is.
struct Buffered {
    input: SendableRecordBatchStream,
    retention: Retention,
    reservation: MemoryReservation,
    rows: usize,
    bytes: usize,
}

impl Stream for Buffered {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.input.poll_next_unpin(context));
        let Some(Ok(batch)) = &next else { return Poll::Ready(next) };
        self.rows += batch.num_rows();
        self.bytes += super::bounded::bytes_of_batch(batch);
        let held = self.retention.held(self.rows, self.bytes);
        if let Err(spent) = self.reservation.try_resize(held) {
            return Poll::Ready(Some(Err(spent)));
        }
        Poll::Ready(next)
    }
}

impl RecordBatchStream for Buffered {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}
