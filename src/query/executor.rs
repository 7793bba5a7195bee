//! Executes a plan on the query threads, batch by batch and within its limits, as long as its reader reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::admission::{AdmissionPermit, QueryAdmission};
use super::byte_size;
use super::error::from_datafusion;
use super::guard::interrupt::timeout_error;
use super::log::QueryTracker;
use crate::domain::{Error, Kind, Result};

/// Batches buffered between the query and a slow reader.
const MAX_BUFFERED_BATCHES: usize = 4;
/// Maximum bytes of a result batch, unless a single row is larger.
const MAX_BATCH_BYTES: usize = 1 << 20;
/// A reader that takes no batch for this long is considered gone.
const READER_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// After this long without a read, a query gives up its memory if other queries need it.
const MEMORY_HOLD_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a query that waits for its reader checks whether others need its memory.
const MEMORY_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The limits of one query.
#[derive(Debug, Clone)]
pub struct QueryLimits {
    /// Execution time; waiting for the reader does not count.
    pub timeout: Duration,
    /// Maximum rows of the result; `None` means no limit.
    pub max_rows: Option<usize>,
}

/// The batches of a result. Dropping it cancels the query.
pub struct QueryBatches {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    tracker: Arc<QueryTracker>,
    _task: AbortOnDropHandle<()>,
}

impl Stream for QueryBatches {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_recv(context)
    }
}

impl Drop for QueryBatches {
    fn drop(&mut self) {
        // Aborting takes effect only at the next await, so operators that compute without waiting are interrupted.
        self.tracker.interrupt.cancel();
    }
}

/// A query that has been planned.
pub struct StartedQuery {
    /// Starts executing when it is first polled.
    pub stream: SendableRecordBatchStream,
    /// Whether the query can occupy a thread for long; such queries run on separate threads.
    pub is_long_running: bool,
}

impl StartedQuery {
    /// A query that never occupies a thread for long.
    pub fn short(stream: SendableRecordBatchStream) -> Self {
        Self { stream, is_long_running: false }
    }
}

/// Returns the batches of a plan that starts executing when first polled, on the threads of the poller.
pub fn execute_when_polled(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let schema = plan.schema();
    let executed = stream::once(async move { execute_stream(plan, context) }).try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, executed))
}

/// Plans a query and returns its stream; runs on the query threads, under a permit.
pub type StartFuture = Pin<Box<dyn Future<Output = Result<StartedQuery>> + Send>>;

/// Resolves once the first batch is ready or the result is known to be empty, so that the caller, who waits for both,
/// is woken only once.
pub type SchemaReceiver = oneshot::Receiver<SchemaRef>;

/// The threads and permits that queries run with.
#[derive(Debug, Clone)]
pub struct ExecutionEnv {
    /// Threads on which the query is planned, and executed unless it is long-running.
    pub threads: Handle,
    /// Threads of long-running queries.
    pub long_running: Handle,
    pub admission: QueryAdmission,
}

/// Plans and executes a query in `environment`. A planning error is sent as the first item, and the schema is then never
/// sent. `tracker` has written its record when the batches end.
pub fn spawn(
    environment: ExecutionEnv,
    limits: QueryLimits,
    tracker: Arc<QueryTracker>,
    start: StartFuture,
) -> (SchemaReceiver, QueryBatches) {
    let (sender, batches) = mpsc::channel(MAX_BUFFERED_BATCHES);
    let (schema_sender, schema_receiver) = oneshot::channel();
    let threads = environment.threads.clone();
    let run = Arc::new(QueryTask { environment, limits, sender, tracker: tracker.clone() });
    let task = threads.spawn(async move {
        let work = run.clone().plan_and_execute(start, schema_sender);
        let ended = run.tracker.cancellation.run_until_cancelled(work).await;
        match ended.unwrap_or_else(|| Err(cancelled_error())) {
            Ok(StreamOutcome::Completed) => run.tracker.finish(),
            // The caller is gone: dropping the tracker records the query as cancelled.
            Ok(StreamOutcome::ReaderGone) => {}
            Err(_) if run.tracker.cancellation.is_cancelled() => {
                run.tracker.end_cancelled();
                // Fails only when the reader is gone.
                let _ = run.sender.send(Err(cancelled_error())).await;
            }
            // Interrupted operators end with an error that nobody reads.
            Err(_) if run.tracker.interrupt.is_cancelled() => {}
            Err(e) => {
                run.tracker.fail(e.kind);
                // Fails only when the reader is gone.
                let _ = run.sender.send(Err(e)).await;
            }
        }
    });
    (schema_receiver, QueryBatches { batches, tracker, _task: AbortOnDropHandle::new(task) })
}

/// Returns the error of a query that somebody cancelled. It is no timeout, which some clients would retry.
fn cancelled_error() -> Error {
    Error::new(Kind::Conflict, "the query was cancelled")
}

/// How a result ended without an error.
enum StreamOutcome {
    /// All batches were sent.
    Completed,
    /// The reader was dropped before the end.
    ReaderGone,
}

struct QueryTask {
    environment: ExecutionEnv,
    limits: QueryLimits,
    sender: mpsc::Sender<Result<RecordBatch>>,
    tracker: Arc<QueryTracker>,
}

/// The long-running permit, for long-running queries only, and the general permit.
type Permits = (Option<AdmissionPermit>, AdmissionPermit);

impl QueryTask {
    async fn plan_and_execute(
        self: Arc<Self>,
        start: StartFuture,
        schema_sender: oneshot::Sender<SchemaRef>,
    ) -> Result<StreamOutcome> {
        let permit = self.acquire_permits(false).await?;
        let started = self.with_deadline(start).await??;
        if !started.is_long_running {
            return self.stream_batches(started, permit, schema_sender).await;
        }
        // Long-running queries wait for each other without a general permit.
        drop(permit);
        let permits = self.acquire_permits(true).await?;
        let task = self.clone();
        let reading = self
            .environment
            .long_running
            .spawn(async move { task.stream_batches(started, permits, schema_sender).await });
        let read = AbortOnDropHandle::new(reading).await;
        read.unwrap_or_else(|e| Err(Error::internal("a query was interrupted").with_source(e)))
    }

    async fn stream_batches(
        &self,
        started: StartedQuery,
        permits: Permits,
        schema_sender: oneshot::Sender<SchemaRef>,
    ) -> Result<StreamOutcome> {
        let StartedQuery { mut stream, is_long_running } = started;
        let (mut permits, mut schema_sender) = (Some(permits), Some(schema_sender));
        loop {
            let next = self.with_deadline(stream.next()).await?.transpose().map_err(from_datafusion)?;
            if let Some(schema_sender) = schema_sender.take() {
                // The caller may be gone; sending the batch detects that.
                let _ = schema_sender.send(stream.schema());
            }
            let Some(batch) = next else { break };
            let rows = self.tracker.add_rows(batch.num_rows());
            if let Some(cap) = self.limits.max_rows.filter(|cap| rows > *cap) {
                let message = format!("the answer has more than {cap} rows; narrow the query or add a LIMIT");
                return Err(Error::too_large(message));
            }
            for piece in split_by_bytes(batch) {
                match self.sender.try_send(Ok(piece)) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Closed(_)) => return Ok(StreamOutcome::ReaderGone),
                    Err(mpsc::error::TrySendError::Full(piece)) => {
                        // A query with a slow reader gives up its permits, so that others can run.
                        drop(permits.take());
                        if !self.send_slowly(piece).await? {
                            return Ok(StreamOutcome::ReaderGone);
                        }
                    }
                }
            }
            if permits.is_none() {
                permits = Some(self.acquire_permits(is_long_running).await?);
            }
        }
        Ok(StreamOutcome::Completed)
    }

    /// Waits for the reader. Returns false when the reader is gone.
    ///
    /// # Errors
    /// `Timeout` for a reader that takes nothing; `Busy` when others need the memory that the query occupies meanwhile.
    async fn send_slowly(&self, batch: Result<RecordBatch>) -> Result<bool> {
        let since = Instant::now();
        let mut sending = std::pin::pin!(self.sender.send(batch));
        loop {
            match tokio::time::timeout(MEMORY_CHECK_INTERVAL, &mut sending).await {
                Ok(sent) => return Ok(sent.is_ok()),
                Err(_) if since.elapsed() >= READER_STALL_TIMEOUT => {
                    return Err(Error::new(Kind::Timeout, "the client stopped reading the result"));
                }
                Err(_)
                    if since.elapsed() >= MEMORY_HOLD_TIMEOUT
                        && self.tracker.memory_pool.is_needed_by_others() =>
                {
                    return Err(Error::busy(
                        "the client read the result too slowly while other queries need its memory",
                    ));
                }
                Err(_) => {}
            }
        }
    }

    async fn acquire_permits(&self, is_long_running: bool) -> Result<Permits> {
        let _watch = self.tracker.time_waiting();
        let QueryAdmission { all, long_running } = &self.environment.admission;
        let org = self.tracker.org();
        let long = if is_long_running { Some(long_running.acquire(org).await?) } else { None };
        Ok((long, all.acquire(org).await?))
    }

    async fn with_deadline<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let left = self.limits.timeout.saturating_sub(self.tracker.run_time());
        self.tracker.interrupt.end_after(left, self.limits.timeout);
        let _watch = self.tracker.time_running();
        tokio::time::timeout(left, work).await.map_err(|_| timeout_error(self.limits.timeout))
    }
}

/// Splits a batch by bytes. The pieces share its memory: the split bounds what is built from one piece, such as JSON.
fn split_by_bytes(batch: RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let rows = batch.num_rows();
    let count = byte_size::of_batch(&batch).div_ceil(MAX_BATCH_BYTES).max(1);
    let step = rows.div_ceil(count).max(1);
    (0..rows).step_by(step).map(move |at| batch.slice(at, step.min(rows - at)))
}

#[cfg(test)]
#[path = "executor_tests.rs"]
mod tests;
