//! Progress of the jobs that run. It is kept in memory, and stored every few seconds.

use std::collections::HashMap;

use parking_lot::Mutex;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::JobCatalog;
use crate::domain::job::{Job, JobState};
use crate::domain::{Micros, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::job::{Column, Entity};
use crate::store::catalog::transaction::DbTransaction;

/// How far a running job is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RunningJob {
    progress: f64,
    reported_at: Micros,
    is_saved: bool,
}

/// The running jobs by UUID.
#[derive(Debug, Default)]
pub(in crate::store::catalog) struct RunningJobs(Mutex<HashMap<Uuid, RunningJob>>);

impl RunningJobs {
    /// Begins to keep the progress of a job in memory, from the stored one; `now` is the time of its first sign of life.
    pub fn begin(&self, job: &Job, now: Micros) {
        let running = RunningJob { progress: job.progress, reported_at: now, is_saved: false };
        self.0.lock().insert(job.uuid, running);
    }

    /// Forgets the progress of a job, stored or not.
    pub fn end(&self, uuid: Uuid) {
        self.0.lock().remove(&uuid);
    }

    /// The job with the progress that is not stored yet.
    pub fn with_progress(&self, mut job: Job) -> Job {
        let running = self.0.lock().get(&job.uuid).copied();
        if let Some(running) = running.filter(|_| job.state == JobState::Running) {
            job.progress = running.progress;
            job.reported_at = Some(running.reported_at);
        }
        job
    }

    fn set(&self, uuid: Uuid, progress: Option<f64>, now: Micros) {
        if let Some(running) = self.0.lock().get_mut(&uuid) {
            running.progress = progress.unwrap_or(running.progress);
            (running.reported_at, running.is_saved) = (now, false);
        }
    }

    fn unsaved(&self) -> Vec<(Uuid, RunningJob)> {
        let all = self.0.lock();
        all.iter().filter(|(_, running)| !running.is_saved).map(|(uuid, running)| (*uuid, *running)).collect()
    }

    /// Notes what is stored, unless it has changed since.
    fn mark_saved(&self, saved: &[(Uuid, RunningJob)]) {
        let mut all = self.0.lock();
        for (uuid, saved) in saved {
            if let Some(running) = all.get_mut(uuid).filter(|running| **running == *saved) {
                running.is_saved = true;
            }
        }
    }
}

impl JobCatalog {
    /// Notes a sign of life of a running job, and how much of it is done, from 0 to 1; `None` as before. It is lost in a crash
    /// unless it is stored by [`JobCatalog::save_job_progress`] first. Of a job that does not run nothing is noted.
    pub fn set_job_progress(&self, uuid: Uuid, progress: Option<f64>) {
        let progress = progress.filter(|part| part.is_finite()).map(|part| part.clamp(0.0, 1.0));
        self.running_jobs.set(uuid, progress, self.core.clock.now());
    }

    /// Returns how much of a job is done, from 0 to 1; `None` unless this process runs it.
    pub fn job_progress(&self, uuid: Uuid) -> Option<f64> {
        self.running_jobs.0.lock().get(&uuid).map(|running| running.progress)
    }

    /// Forgets the progress of a job that has ended and is no longer listed.
    pub fn forget_job_progress(&self, uuid: Uuid) {
        self.running_jobs.end(uuid);
    }

    /// Stores the progress that has changed since the last call.
    pub async fn save_job_progress(&self) -> Result<()> {
        let unsaved = self.running_jobs.unsaved();
        if unsaved.is_empty() {
            return Ok(());
        }
        let saved = unsaved.clone();
        let update = async move |db: DbTransaction| {
            for (uuid, running) in unsaved {
                let update = Entity::update_many()
                    .col_expr(Column::Progress, Expr::value(running.progress))
                    .col_expr(Column::ReportedAt, Expr::value(running.reported_at.0))
                    .filter(Column::Uuid.eq(uuid.to_string()))
                    .filter(Column::State.eq(JobState::Running.name()));
                update.exec(&*db).await.map_err(unavailable)?;
            }
            Ok(())
        };
        self.core.begin_transaction().await?.commit_unmirrored(update).await?;
        self.running_jobs.mark_saved(&saved);
        Ok(())
    }
}
