//! Running a plan on the query threads, batch by batch, under its limits, for as long as somebody reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::error::from_datafusion;
use super::limits::Gate;
use super::log::Tally;
use crate::domain::{Error, Kind, Result};

/// Batches waiting between the query and a slow reader.
const AHEAD: usize = 4;
/// A reader that takes nothing for so long is gone.
const STALLED: Duration = Duration::from_secs(30);

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
    _task: AbortOnDropHandle<()>,
}

impl Stream for Batches {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_recv(context)
    }
}

/// Makes the stream of a query: run on the query threads, under a permit.
pub type Start = Pin<Box<dyn Future<Output = Result<SendableRecordBatchStream>> + Send>>;

/// The schema of an answer, told once its first batch is there or known to be missing: whoever asked waits for both,
/// and is woken once.
pub type Told = oneshot::Receiver<SchemaRef>;

/// Plans and executes on `threads`. Errors of planning come as the first item, and then no schema is told. When the
/// batches have ended, `tally` has written its record.
pub fn spawn(
    threads: &Handle,
    gate: Gate,
    limits: Limits,
    tally: Arc<Tally>,
    start: Start,
) -> (Told, Batches) {
    let (sender, batches) = mpsc::channel(AHEAD);
    let (teller, told) = oneshot::channel();
    let task = threads.spawn(async move {
        let run = Run { gate, limits, sender: sender.clone(), tally };
        match run.all(start, teller).await {
            Ok(End::Whole) => run.tally.finish(),
            // Whoever asked went away: the record says so when the tally is dropped.
            Ok(End::Left) => {}
            Err(e) => {
                run.tally.fail(e.kind);
                // Nobody left to tell when this fails.
                let _ = sender.send(Err(e)).await;
            }
        }
    });
    (told, Batches { batches, _task: AbortOnDropHandle::new(task) })
}

/// How an answer ended without an error.
enum End {
    /// Everything was handed on.
    Whole,
    /// The reader left before.
    Left,
}

struct Run {
    gate: Gate,
    limits: Limits,
    sender: mpsc::Sender<Result<RecordBatch>>,
    tally: Arc<Tally>,
}

impl Run {
    async fn all(&self, start: Start, teller: oneshot::Sender<SchemaRef>) -> Result<End> {
        let mut permit = Some(self.permit().await?);
        let mut stream = self.timed(start).await??;
        let mut teller = Some(teller);
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
            if batch.num_rows() == 0 {
                continue;
            }
            match self.sender.try_send(Ok(batch)) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => return Ok(End::Left),
                Err(mpsc::error::TrySendError::Full(batch)) => {
                    // A slow reader holds no permit: others run meanwhile.
                    drop(permit.take());
                    match tokio::time::timeout(STALLED, self.sender.send(batch)).await {
                        Ok(Ok(())) => permit = Some(self.permit().await?),
                        Ok(Err(_)) => return Ok(End::Left),
                        Err(_) => return Err(Error::new(Kind::Timeout, "the reader of the answer stalled")),
                    }
                }
            }
        }
        drop(permit);
        Ok(End::Whole)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let _watch = self.tally.waiting();
        self.gate.enter().await
    }

    async fn timed<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let left = self.limits.timeout.saturating_sub(self.tally.run());
        let _watch = self.tally.running();
        tokio::time::timeout(left, work).await.map_err(|_| {
            let seconds = self.limits.timeout.as_secs_f64();
            Error::new(Kind::Timeout, format!("the query ran longer than {seconds} s"))
        })
    }
}
