//! Memory accounting of window operators, which DataFusion lacks: their input is reserved for as long as the operator
//! may buffer it. They compute most after the end of their input, which they drop then; so the reservation belongs to the
//! execution of a partition, and ends when the stream above the operator has.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt, ready};

use super::interrupt::{PartitionRun, PassedRows};
use super::pass_through::{PassThroughExec, StreamWrapper};
use crate::query::byte_size;

/// A window operator over all rows buffers its input, one copy of it as a single batch, and its result.
const BUFFERED_COPIES: usize = 3;

/// How much of its input a window operator buffers.
#[derive(Debug, Clone, Copy)]
pub enum WindowBuffering {
    /// All input, until the operator ends.
    All,
    /// Input rows without a result yet, and this many rows with one.
    Frame { rows: usize },
}

impl WindowBuffering {
    /// Returns the bytes that a partition buffers after input of the given rows and bytes, and `emitted` result rows.
    fn held(&self, rows: usize, bytes: usize, emitted: usize) -> usize {
        match self {
            WindowBuffering::All => bytes.saturating_mul(BUFFERED_COPIES),
            WindowBuffering::Frame { rows: frame } => {
                let waiting = rows.saturating_sub(emitted);
                let buffered_rows = waiting.saturating_add(*frame).min(rows);
                bytes.div_ceil(rows.max(1)).saturating_mul(buffered_rows).saturating_mul(BUFFERED_COPIES)
            }
        }
    }
}

/// Reserves the memory that the window operator above it buffers.
pub type BufferedInputExec = PassThroughExec<WindowInput>;

/// Rows of its input that a window operator buffers, and which rows it has emitted.
#[derive(Debug)]
pub struct WindowInput {
    pub buffering: WindowBuffering,
    pub emitted: Arc<PassedRows>,
}

impl StreamWrapper for WindowInput {
    const NAME: &'static str = "BufferedInputExec";

    fn wrap(
        &self,
        input: SendableRecordBatchStream,
        partition: usize,
        context: &TaskContext,
    ) -> SendableRecordBatchStream {
        let consumer = MemoryConsumer::new(format!("WindowInput[{partition}]"));
        let reservation = Arc::new(consumer.register(context.memory_pool()));
        let run = self.emitted.begin(partition, Some(reservation.clone()));
        Box::pin(BufferedInputStream {
            input,
            buffering: self.buffering,
            run,
            reservation,
            rows: 0,
            bytes: 0,
        })
    }
}

/// Reserves memory that lasts as long as the execution of its partition.
struct BufferedInputStream {
    input: SendableRecordBatchStream,
    buffering: WindowBuffering,
    run: Arc<PartitionRun>,
    reservation: Arc<MemoryReservation>,
    rows: usize,
    bytes: usize,
}

impl Stream for BufferedInputStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.input.poll_next_unpin(context));
        let Some(Ok(batch)) = &next else { return Poll::Ready(next) };
        self.rows += batch.num_rows();
        self.bytes += byte_size::of_batch(batch);
        let emitted = self.run.rows.load(Ordering::Relaxed);
        let bytes = self.buffering.held(self.rows, self.bytes, emitted);
        if let Err(spent) = self.reservation.try_resize(bytes) {
            return Poll::Ready(Some(Err(spent)));
        }
        Poll::Ready(next)
    }
}

impl RecordBatchStream for BufferedInputStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}

#[cfg(test)]
#[path = "window_memory_tests.rs"]
mod tests;
