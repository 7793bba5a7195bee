//! Runs the jobs of models and of backups.
//!
//! Such a job runs in this process: one that a restart interrupts has failed. It is not run again by itself, because its
//! model may have another version now, and whoever asked for it may see less.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::job::{Job, JobEnd, JobKind, JobState, JobSubject};
use crate::domain::{Error, JobId, Kind, Principal, Result};
use crate::store::Store;

/// Interval between two attempts to store the end of a job.
const STORE_INTERVAL: Duration = Duration::from_secs(5);

/// Jobs of one sort that run in this process: those of models, or backups.
pub(super) struct JobRunner {
    store: Arc<Store>,
    unfinished: Mutex<HashMap<JobId, CancellationToken>>,
    turns: Semaphore,
}

/// Reports the progress of a job.
pub(super) struct JobReporter {
    store: Arc<Store>,
    uuid: Uuid,
}

impl JobReporter {
    /// Sets the progress, from 0 to 1.
    pub fn set_progress(&self, part: f64) {
        self.store.catalog().jobs.set_job_progress(self.uuid, Some(part));
    }
}

impl JobRunner {
    /// At most `max_running` of the jobs run at the same time; the others are queued.
    pub fn new(store: Arc<Store>, max_running: usize) -> Self {
        Self { store, unfinished: Mutex::default(), turns: Semaphore::new(max_running) }
    }

    /// Queues `work` and runs it as soon as a slot is free. Cancelling drops it at its next await point.
    ///
    /// # Errors
    /// The errors of `JobCatalog::create_job`.
    pub async fn start<W>(
        self: &Arc<Self>,
        who: &Principal,
        kind: JobKind,
        subject: JobSubject,
        work: impl FnOnce(JobReporter) -> W + Send + 'static,
    ) -> Result<Job>
    where
        W: Future<Output = Result<Value>> + Send + 'static,
    {
        let (jobs, who) = (self.clone(), who.clone());
        // A caller that leaves between the row and the work would leave a row that nobody works on.
        let started = tokio::spawn(async move {
            let job = jobs.store.catalog().jobs.create_job(&who, kind, subject).await?;
            let cancel = CancellationToken::new();
            jobs.unfinished.lock().insert(job.id, cancel.clone());
            let work = work(JobReporter { store: jobs.store.clone(), uuid: job.uuid });
            tokio::spawn(jobs.run((job.id, job.uuid), cancel, work));
            Ok(job)
        });
        started.await.unwrap_or_else(|e| Err(Error::internal("a job was not started").with_source(e)))
    }

    async fn run(
        self: Arc<Self>,
        (id, uuid): (JobId, Uuid),
        cancel: CancellationToken,
        work: impl Future<Output = Result<Value>> + Send,
    ) {
        let work = AssertUnwindSafe(self.run_in_turn(id, work)).catch_unwind();
        let ended = cancel.run_until_cancelled(work).await;
        self.unfinished.lock().remove(&id);
        // Whoever cancelled it has stored that.
        let Some(ended) = ended else { return };
        let end = match ended.unwrap_or_else(|_| Err(Error::internal("a job panicked"))) {
            Ok(result) => JobEnd::Done(result),
            Err(error) => {
                if error.kind.is_our_fault() {
                    tracing::error!(job = id.0, error = error.full_message(), "a job failed");
                }
                JobEnd::Failed(error.message)
            }
        };
        self.store_end(id, end).await;
        self.store.catalog().jobs.forget_job_progress(uuid);
    }

    async fn run_in_turn(
        &self,
        id: JobId,
        work: impl Future<Output = Result<Value>> + Send,
    ) -> Result<Value> {
        let _turn = self.turns.acquire().await.map_err(|_| Error::unavailable("the server is stopping"))?;
        self.store.catalog().jobs.start_job(id).await?;
        work.await
    }

    /// Stores how a job ended, as soon as the catalog can. It has ended already when it was cancelled at the last moment, and it
    /// is not there any more when its device was deleted.
    async fn store_end(&self, id: JobId, end: JobEnd) {
        loop {
            match self.store.catalog().jobs.end_job(id, end.clone()).await {
                Err(error) if error.kind == Kind::Unavailable => {
                    let text = error.full_message();
                    tracing::warn!(
                        job = id.0,
                        error = text,
                        "the end of a job is not stored; it is tried again"
                    );
                    tokio::time::sleep(STORE_INTERVAL).await;
                }
                _ => return,
            }
        }
    }

    /// Returns the state of a job; `None` for one that is no longer listed.
    ///
    /// # Errors
    /// `Unavailable` when the catalog does not answer.
    pub async fn state(&self, id: JobId) -> Result<Option<JobState>> {
        self.store.catalog().jobs.job_state(id).await
    }

    /// Stops a job that waits or runs.
    pub fn stop(&self, id: JobId) {
        if let Some(cancel) = self.unfinished.lock().get(&id) {
            cancel.cancel();
        }
    }
}
