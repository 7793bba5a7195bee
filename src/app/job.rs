//! Jobs: long work that goes on behind an answer, with its progress. They are of this process: a restart forgets them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::domain::{DeviceId, Error, ModelId, OrgId, Principal, Resource, Result, Scope};

/// Jobs that run at a moment; the others wait in line.
const RUNNING: usize = 2;

/// Jobs of one organization that may wait or run.
const UNFINISHED: usize = 100;

/// Jobs that are remembered; the oldest finished ones are forgotten first.
const KEPT: usize = 1000;

/// How far a job is.
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

/// A job as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: i32,
    pub kind: &'static str,
    /// What it works on.
    pub model: ModelId,
    pub state: JobState,
    /// 0 to 1.
    pub progress: f64,
}

/// What a job works on, which decides who sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub org: OrgId,
    pub device: DeviceId,
    pub model: ModelId,
}

struct Entry {
    job: Job,
    subject: Subject,
    cancel: CancellationToken,
}

/// All jobs of a process.
pub(super) struct Jobs {
    all: Arc<Mutex<BTreeMap<i32, Entry>>>,
    turns: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { all: Arc::default(), turns: Arc::new(Semaphore::new(RUNNING)) }
    }
}

/// Where a running job says how far it is.
#[derive(Clone)]
pub(super) struct Report {
    id: i32,
    all: Arc<Mutex<BTreeMap<i32, Entry>>>,
}

impl Report {
    /// From 0 to 1.
    pub fn progress(&self, part: f64) {
        if let Some(entry) = self.all.lock().get_mut(&self.id) {
            entry.job.progress = part.clamp(0.0, 1.0);
        }
    }

    fn state(&self, state: JobState) {
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
    /// Has `work` done when it is its turn. Cancelling drops it where it waits.
    ///
    /// # Errors
    /// `Throttled` when too many jobs of the organization wait.
    pub fn start<W>(
        &self,
        kind: &'static str,
        subject: Subject,
        work: impl FnOnce(Report) -> W,
    ) -> Result<Job>
    where
        W: Future<Output = Result<Value>> + Send + 'static,
    {
        let cancel = CancellationToken::new();
        let job = self.add(kind, subject, cancel.clone())?;
        let report = Report { id: job.id, all: self.all.clone() };
        let (work, turns) = (work(report.clone()), self.turns.clone());
        let run = async move {
            let _turn = turns.acquire().await.map_err(|_| Error::unavailable("the server is stopping"))?;
            report.state(JobState::Running);
            work.await
        };
        let report = Report { id: job.id, all: self.all.clone() };
        tokio::spawn(async move {
            let state = match cancel.run_until_cancelled(run).await {
                None => JobState::Cancelled,
                Some(Ok(result)) => JobState::Done(result),
                Some(Err(error)) => {
                    if error.kind.is_our_fault() {
                        tracing::error!(job = report.id, error = error.in_full(), "a job failed");
                    }
                    JobState::Failed(error.message)
                }
            };
            report.state(state);
        });
        Ok(job)
    }

    fn add(&self, kind: &'static str, subject: Subject, cancel: CancellationToken) -> Result<Job> {
        let mut all = self.all.lock();
        let unfinished = |e: &&Entry| e.subject.org == subject.org && !e.job.state.is_over();
        if all.values().filter(unfinished).count() >= UNFINISHED {
            return Err(Error::throttled(60));
        }
        if all.len() >= KEPT
            && let Some(oldest) = all.values().find(|e| e.job.state.is_over()).map(|e| e.job.id)
        {
            all.remove(&oldest);
        }
        let id = all.last_key_value().map_or(1, |(id, _)| id + 1);
        let job = Job { id, kind, model: subject.model, state: JobState::Queued, progress: 0.0 };
        all.insert(id, Entry { job: job.clone(), subject, cancel });
        Ok(job)
    }

    /// How far a job is; `None` of one that is remembered no longer.
    pub fn state(&self, id: i32) -> Option<JobState> {
        self.all.lock().get(&id).map(|entry| entry.job.state.clone())
    }

    fn find(&self, id: i32) -> Option<(Job, Subject)> {
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
    /// `NotFound` for a job of something that the principal does not see, or of before the last start.
    pub fn job(&self, principal: &Principal, id: i32) -> Result<Job> {
        principal.require(Scope::read(Resource::System))?;
        let (job, subject) = self.ai.jobs.find(id).ok_or_else(Error::not_found)?;
        if subject.org != principal.org || self.store.catalog().device(principal, subject.device).is_err() {
            return Err(Error::hidden());
        }
        Ok(job)
    }

    /// Ends a job where it is; what it has written stays. One that is over stays as it is.
    pub fn cancel_job(&self, principal: &Principal, id: i32) -> Result<()> {
        principal.require(Scope::write(Resource::System))?;
        self.job(principal, id)?;
        self.ai.jobs.cancel(id);
        Ok(())
    }
}
