//! Running a plan on the query threads, batch by batch, under its limits, for as long as somebody reads.

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
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::byte_size;
use super::error::from_datafusion;
use super::guard::interrupt::too_long;
use super::limits::{Gate, Gates};
use super::log::Tally;
use crate::domain::{Error, Kind, Result};

/// Batches waiting between the query and a slow reader.
const AHEAD: usize = 4;
/// A batch of the answer has at most so many bytes, unless a single row has more.
const BATCH_BYTES: usize = 4 << 20;
/// A reader that takes nothing for so long is gone.
const STALLED: Duration = Duration::from_secs(30);
/// A query whose reader takes nothing for so long gives its memory back if others need it.
const HELD_FOR_READER: Duration = Duration::from_secs(10);
/// How often a query that waits for its reader looks whether others need its memory.
const LOOK: Duration = Duration::from_secs(1);

/// The limits of one query.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time spent executing, waiting for the reader not counted.
    pub timeout: Duration,
    /// Rows of one answer; `None` is without end.
    pub rows: Option<usize>,
}

/// The batches of an answer. Dropping it cancels the query.
pub struct Batches {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    tally: Arc<Tally>,
    _task: AbortOnDropHandle<()>,
}

impl Stream for Batches {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_recv(context)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // The task ends where it waits next; what computes without waiting is told so.
        self.tally.interrupt.cancel();
    }
}

/// A query that has been planned.
pub struct Started {
    /// Begins to execute when it is first polled.
    pub stream: SendableRecordBatchStream,
    /// Whether it can keep a thread for long: it runs apart from those that cannot.
    pub is_long_running: bool,
}

impl Started {
    /// One whose every step is short.
    pub fn short(stream: SendableRecordBatchStream) -> Self {
        Self { stream, is_long_running: false }
    }
}

/// The batches of a plan that begins to execute when somebody polls it, on the threads of whoever does.
pub fn when_polled(plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> SendableRecordBatchStream {
    let schema = plan.schema();
    let executed = stream::once(async move { execute_stream(plan, context) }).try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, executed))
}

/// Makes the stream of a query: run on the query threads, under a permit.
pub type Start = Pin<Box<dyn Future<Output = Result<Started>> + Send>>;

/// The schema of an answer, told once its first batch is there or known to be missing: whoever asked waits for both,
/// and is woken once.
pub type Told = oneshot::Receiver<SchemaRef>;

/// Where queries run.
#[derive(Debug, Clone)]
pub struct Place {
    /// Threads on which this query is planned, and run unless it is long-running.
    pub threads: Handle,
    /// Threads of long-running queries.
    pub long_running: Handle,
    pub gates: Gates,
}

/// Plans and executes at `place`. Errors of planning come as the first item, and then no schema is told. When the
/// batches have ended, `tally` has written its record.
pub fn spawn(place: Place, limits: Limits, tally: Arc<Tally>, start: Start) -> (Told, Batches) {
    let (sender, batches) = mpsc::channel(AHEAD);
    let (teller, told) = oneshot::channel();
    let threads = place.threads.clone();
    let run = Arc::new(Run { place, limits, sender, tally: tally.clone() });
    let task = threads.spawn(async move {
        match run.clone().all(start, teller).await {
            Ok(End::Whole) => run.tally.finish(),
            // Whoever asked went away: the record says so when the tally is dropped.
            Ok(End::Left) => {}
            // What computes without waiting ends with an error then, that nobody hears.
            Err(_) if run.tally.interrupt.is_cancelled() => {}
            Err(e) => {
                run.tally.fail(e.kind);
                // Nobody left to tell when this fails.
                let _ = run.sender.send(Err(e)).await;
            }
        }
    });
    (told, Batches { batches, tally, _task: AbortOnDropHandle::new(task) })
}

/// How an answer ended without an error.
enum End {
    /// Everything was handed on.
    Whole,
    /// The reader left before.
    Left,
}

struct Run {
    place: Place,
    limits: Limits,
    sender: mpsc::Sender<Result<RecordBatch>>,
    tally: Arc<Tally>,
}

/// What a query runs under: a permit of all, and one of the long-running if it is.
type Permits = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

impl Run {
    async fn all(self: Arc<Self>, start: Start, teller: oneshot::Sender<SchemaRef>) -> Result<End> {
        let permit = self.permits(false).await?;
        let started = self.timed(start).await??;
        if !started.is_long_running {
            return self.read(started, permit, teller).await;
        }
        // Long-running queries wait for each other, and hold no permit of the others meanwhile.
        drop(permit);
        let permits = self.permits(true).await?;
        let reading = self.place.long_running.spawn(self.clone().read_owned(started, permits, teller));
        let read = AbortOnDropHandle::new(reading).await;
        read.unwrap_or_else(|e| Err(Error::internal("a query was interrupted").because(e)))
    }

    async fn read_owned(
        self: Arc<Self>,
        started: Started,
        permits: Permits,
        teller: oneshot::Sender<SchemaRef>,
    ) -> Result<End> {
        self.read(started, permits, teller).await
    }

    async fn read(
        &self,
        started: Started,
        permits: Permits,
        teller: oneshot::Sender<SchemaRef>,
    ) -> Result<End> {
        let Started { mut stream, is_long_running } = started;
        let (mut permits, mut teller) = (Some(permits), Some(teller));
        loop {
            let next = self.timed(stream.next()).await?.transpose().map_err(from_datafusion)?;
            if let Some(teller) = teller.take() {
                // The asker may have left; sending the batch will tell.
                let _ = teller.send(stream.schema());
            }
            let Some(batch) = next else { break };
            let rows = self.tally.add_rows(batch.num_rows());
            if let Some(cap) = self.limits.rows.filter(|cap| rows > *cap) {
                let message = format!("the answer has more than {cap} rows; narrow the query or add a LIMIT");
                return Err(Error::too_large(message));
            }
            for piece in pieces(batch) {
                match self.sender.try_send(Ok(piece)) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Closed(_)) => return Ok(End::Left),
                    Err(mpsc::error::TrySendError::Full(piece)) => {
                        // A slow reader holds no permit: others run meanwhile.
                        drop(permits.take());
                        if !self.send_slowly(piece).await? {
                            return Ok(End::Left);
                        }
                    }
                }
            }
            if permits.is_none() {
                permits = Some(self.permits(is_long_running).await?);
            }
        }
        Ok(End::Whole)
    }

    /// Waits for the reader; false when it has left.
    ///
    /// # Errors
    /// `Timeout` for a reader that takes nothing; `Busy` when others need the memory that the query holds meanwhile.
    async fn send_slowly(&self, batch: Result<RecordBatch>) -> Result<bool> {
        let since = Instant::now();
        let mut sending = std::pin::pin!(self.sender.send(batch));
        loop {
            match tokio::time::timeout(LOOK, &mut sending).await {
                Ok(sent) => return Ok(sent.is_ok()),
                Err(_) if since.elapsed() >= STALLED => {
                    return Err(Error::new(Kind::Timeout, "the reader of the answer stalled"));
                }
                Err(_) if since.elapsed() >= HELD_FOR_READER && self.tally.share.is_needed_by_others() => {
                    return Err(Error::busy(
                        "the answer was read too slowly while other queries need its memory",
                    ));
                }
                Err(_) => {}
            }
        }
    }

    async fn permits(&self, is_long_running: bool) -> Result<Permits> {
        let _watch = self.tally.waiting();
        let Gates { all, long_running } = &self.place.gates;
        let long = if is_long_running { Some(Gate::enter(long_running).await?) } else { None };
        Ok((long, all.enter().await?))
    }

    async fn timed<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let left = self.limits.timeout.saturating_sub(self.tally.run());
        self.tally.interrupt.end_after(left, self.limits.timeout);
        let _watch = self.tally.running();
        tokio::time::timeout(left, work).await.map_err(|_| too_long(self.limits.timeout))
    }
}

/// A batch cut by bytes. Its pieces share its memory: what is made of one, such as JSON, is bounded.
fn pieces(batch: RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let rows = batch.num_rows();
    let count = byte_size::of_batch(&batch).div_ceil(BATCH_BYTES).max(1);
    let step = rows.div_ceil(count).max(1);
    (0..rows).step_by(step).map(move |at| batch.slice(at, step.min(rows - at)))
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
