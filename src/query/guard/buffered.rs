//! Memory of window operators, which DataFusion does not account for: what goes into one is reserved for as long as the
//! operator may hold it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt, ready};

use super::pass_through::{PassThroughExec, Watch};
use crate::query::byte_size;

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
pub type BufferedInputExec = PassThroughExec<Retention>;

impl Watch for Retention {
    const NAME: &'static str = "BufferedInputExec";

    fn watch(
        &self,
        input: SendableRecordBatchStream,
        partition: usize,
        context: &TaskContext,
    ) -> SendableRecordBatchStream {
        let consumer = MemoryConsumer::new(format!("WindowInput[{partition}]"));
        let reservation = consumer.register(context.memory_pool());
        Box::pin(Buffered { input, retention: self.clone(), reservation, rows: 0, bytes: 0 })
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
        self.bytes += byte_size::of_batch(batch);
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
