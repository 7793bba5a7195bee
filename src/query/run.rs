//! Running a plan on the query threads, batch by batch, under its limits, for as long as somebody reads.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::error::from_datafusion;
use super::limits::Gate;
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

/// Plans and executes on `threads`. Errors of planning come as the first item.
pub fn spawn(threads: &Handle, gate: Gate, limits: Limits, start: Start) -> Batches {
    let (sender, batches) = mpsc::channel(AHEAD);
    let task = threads.spawn(async move {
        let run = Run { gate, limits, sender: sender.clone() };
        if let Err(e) = run.all(start).await {
            // Nobody left to tell when this fails.
            let _ = sender.send(Err(e)).await;
        }
    });
    Batches { batches, _task: AbortOnDropHandle::new(task) }
}

struct Run {
    gate: Gate,
    limits: Limits,
    sender: mpsc::Sender<Result<RecordBatch>>,
}

impl Run {
    async fn all(&self, start: Start) -> Result<()> {
        let mut permit = Some(self.gate.enter().await?);
        let mut left = self.limits.timeout;
        let mut stream = self.timed(&mut left, start).await??;
        let mut rows = 0;
        while let Some(batch) = self.timed(&mut left, stream.next()).await? {
            let batch = batch.map_err(from_datafusion)?;
            rows += batch.num_rows();
            if let Some(cap) = self.limits.rows.filter(|cap| rows > *cap) {
                let message = format!("the answer has more than {cap} rows; narrow the query or add a LIMIT");
                return Err(Error::too_large(message));
            }
            if batch.num_rows() == 0 {
                continue;
            }
            match self.sender.try_send(Ok(batch)) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(batch)) => {
                    // A slow reader holds no permit: others run meanwhile.
                    drop(permit.take());
                    match tokio::time::timeout(STALLED, self.sender.send(batch)).await {
                        Ok(Ok(())) => permit = Some(self.gate.enter().await?),
                        Ok(Err(_)) => return Ok(()),
                        Err(_) => return Err(Error::new(Kind::Timeout, "the reader of the answer stalled")),
                    }
                }
            }
        }
        drop(permit);
        Ok(())
    }

    async fn timed<T>(&self, left: &mut Duration, work: impl Future<Output = T>) -> Result<T> {
        let started = Instant::now();
        let done = tokio::time::timeout(*left, work).await.map_err(|_| {
            let seconds = self.limits.timeout.as_secs_f64();
            Error::new(Kind::Timeout, format!("the query ran longer than {seconds} s"))
        })?;
        *left = left.saturating_sub(started.elapsed());
        Ok(done)
    }
}
