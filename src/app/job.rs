//! Background jobs with progress. They live only in this process: a restart forgets them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::domain::{DeviceId, Error, ModelId, OrgId, Principal, Resource, Result, Scope};

/// Maximum jobs that run at the same time; the others are queued.
const MAX_RUNNING_JOBS: usize = 2;

/// Maximum queued and running jobs of one organization.
const MAX_UNFINISHED_JOBS_PER_ORG: usize = 100;

/// Maximum remembered jobs; the oldest finished ones are forgotten first.
const MAX_REMEMBERED_JOBS: usize = 1000;

/// The state of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    Queued,
    Running,
    Done(Value),
    Failed(String),
    Cancelled,
}

impl JobState {
    pub fn name(&self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done(_) => "done",
            JobState::Failed(_) => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    fn is_over(&self) -> bool {
        !matches!(self, JobState::Queued | JobState::Running)
    }
}

/// A snapshot of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: i32,
    pub kind: &'static str,
    /// The model the job works on.
    pub model: ModelId,
    pub state: JobState,
    /// Progress from 0 to 1.
    pub progress: f64,
}

/// The subject of a job, which decides who may see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobSubject {
    pub org: OrgId,
    pub device: DeviceId,
    pub model: ModelId,
}

struct JobEntry {
    job: Job,
    subject: JobSubject,
    cancel: CancellationToken,
}

/// All jobs of the process.
pub(super) struct Jobs {
    all: Arc<Mutex<BTreeMap<i32, JobEntry>>>,
    turns: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { all: Arc::default(), turns: Arc::new(Semaphore::new(MAX_RUNNING_JOBS)) }
    }
}

/// Reports the state and progress of a job.
#[derive(Clone)]
pub(super) struct JobReporter {
    id: i32,
    all: Arc<Mutex<BTreeMap<i32, JobEntry>>>,
}

impl JobReporter {
    /// Sets the progress, from 0 to 1.
    pub fn set_progress(&self, part: f64) {
        if let Some(entry) = self.all.lock().get_mut(&self.id) {
            entry.job.progress = part.clamp(0.0, 1.0);
        }
    }

    fn set_state(&self, state: JobState) {
        if let Some(entry) = self.all.lock().get_mut(&self.id)
            && !entry.job.state.is_over()
        {
            if matches!(state, JobState::Done(_)) {
                entry.job.progress = 1.0;
            }
            entry.job.state = state;
        }
    }
}

impl Jobs {
    /// Queues `work` and runs it as soon as a slot is free. Cancelling drops it at its next await point.
    ///
    /// # Errors
    /// `Throttled` when the organization has too many unfinished jobs.
    pub fn start<W>(
        &self,
        kind: &'static str,
        subject: JobSubject,
        work: impl FnOnce(JobReporter) -> W,
    ) -> Result<Job>
    where
        W: Future<Output = Result<Value>> + Send + 'static,
    {
        let cancel = CancellationToken::new();
        let job = self.add(kind, subject, cancel.clone())?;
        let report = JobReporter { id: job.id, all: self.all.clone() };
        let (work, turns) = (work(report.clone()), self.turns.clone());
        let run = async move {
            let _turn = turns.acquire().await.map_err(|_| Error::unavailable("the server is stopping"))?;
            report.set_state(JobState::Running);
            work.await
        };
        let report = JobReporter { id: job.id, all: self.all.clone() };
        tokio::spawn(async move {
            let state = match cancel.run_until_cancelled(run).await {
                None => JobState::Cancelled,
                Some(Ok(result)) => JobState::Done(result),
                Some(Err(error)) => {
                    if error.kind.is_our_fault() {
                        tracing::error!(job = report.id, error = error.full_message(), "a job failed");
                    }
                    JobState::Failed(error.message)
                }
            };
            report.set_state(state);
        });
        Ok(job)
    }

    fn add(&self, kind: &'static str, subject: JobSubject, cancel: CancellationToken) -> Result<Job> {
        let mut all = self.all.lock();
        let unfinished = |e: &&JobEntry| e.subject.org == subject.org && !e.job.state.is_over();
        if all.values().filter(unfinished).count() >= MAX_UNFINISHED_JOBS_PER_ORG {
            return Err(Error::throttled(60));
        }
        if all.len() >= MAX_REMEMBERED_JOBS
            && let Some(oldest) = all.values().find(|e| e.job.state.is_over()).map(|e| e.job.id)
        {
            all.remove(&oldest);
        }
        let id = all.last_key_value().map_or(1, |(id, _)| id + 1);
        let job = Job { id, kind, model: subject.model, state: JobState::Queued, progress: 0.0 };
        all.insert(id, JobEntry { job: job.clone(), subject, cancel });
        Ok(job)
    }

    /// Returns the state of a job; `None` for one that is no longer remembered.
    pub fn state(&self, id: i32) -> Option<JobState> {
        self.all.lock().get(&id).map(|entry| entry.job.state.clone())
    }

    fn find(&self, id: i32) -> Option<(Job, JobSubject)> {
        self.all.lock().get(&id).map(|entry| (entry.job.clone(), entry.subject))
    }

    fn cancel(&self, id: i32) {
        if let Some(entry) = self.all.lock().get_mut(&id) {
            entry.cancel.cancel();
            if !entry.job.state.is_over() {
                entry.job.state = JobState::Cancelled;
            }
        }
    }
}

impl App {
    /// Returns a job; `NotFound` if the principal may not see its subject, or if it began before the last start.
    pub fn job(&self, principal: &Principal, id: i32) -> Result<Job> {
        principal.require(Scope::read(Resource::System))?;
        let (job, subject) = self.ai.jobs.find(id).ok_or_else(Error::not_found)?;
        if subject.org != principal.org || self.store.catalog().device(principal, subject.device).is_err() {
            return Err(Error::hidden());
        }
        Ok(job)
    }

    /// Cancels a job; what it has written stays. A finished job is unchanged.
    pub fn cancel_job(&self, principal: &Principal, id: i32) -> Result<()> {
        principal.require(Scope::write(Resource::System))?;
        self.job(principal, id)?;
        self.ai.jobs.cancel(id);
        Ok(())
    }
}
