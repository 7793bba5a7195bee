//! Jobs in the catalog: listed for those who see their subject, and changed when their state changes. They are read from the
//! database and not mirrored: few ask for them. Which scope shows a job depends on its kind, so unlike elsewhere it is checked
//! here, with the row.

pub(super) mod export;
pub(super) mod progress;
pub(super) mod rows;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::sync::Arc;

use self::progress::RunningJobs;
use self::rows::{insert, read, store};
use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity::job::{Column, Entity};
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::job::{
    ImportReport, Job, JobEnd, JobFilter, JobKind, JobState, JobSubject, KEPT_S, NO_REPORT, RESTARTED,
};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, JobId, Kind, Micros, Principal, Result};

/// Jobs and exports.
pub struct JobCatalog {
    core: Arc<CatalogCore>,
    running_jobs: RunningJobs,
}

impl JobCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core, running_jobs: Default::default() }
    }

    /// Creates a job. A model's waits for its turn; an import runs at once, at its sender. An export's is created with the
    /// export.
    ///
    /// # Errors
    /// `NotFound` for a device that is not visible; `Throttled` when the organization has too many unfinished jobs of the kind.
    pub async fn create_job(&self, who: &Principal, kind: JobKind, subject: JobSubject) -> Result<Job> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        if let JobSubject::Model { device, .. } = &subject {
            transaction.visible_to(who).device(*device)?;
        }
        let queued = Job::queued(who, kind, subject, now);
        let job = if kind == JobKind::Import { queued.started(now)? } else { queued };
        let create = async move |db: DbTransaction| insert(&db, &job).await;
        let created = if kind == JobKind::Rescore {
            // The server's own work is no change that somebody made.
            transaction.commit_unmirrored(create).await?
        } else {
            let audit = |job: &Job| AuditChange::new(Action::Create, "job", job.id.0);
            transaction.commit_change(who, create, audit, |_, _| ()).await?
        };
        if created.state == JobState::Running {
            self.running_jobs.begin(&created, now);
        }
        Ok(created)
    }

    /// Returns the jobs that the principal sees, the newest first.
    pub async fn jobs(&self, who: &Principal, filter: &JobFilter) -> Result<Vec<Job>> {
        let mut rows = Entity::find().filter(Column::OrgId.eq(who.org.0)).order_by_desc(Column::Id);
        if let Some(kind) = filter.kind {
            rows = rows.filter(Column::Kind.eq(kind.name()));
        }
        if let Some(state) = filter.state {
            rows = rows.filter(Column::State.eq(state.name()));
        }
        let rows = rows.all(&self.core.db).await.map_err(unavailable)?;
        let jobs = rows.into_iter().map(Job::try_from).collect::<Result<Vec<_>>>()?;
        let visible = self.core.visible_to(who);
        let seen = jobs.into_iter().filter(|job| sees(&visible, job));
        let page = seen.skip(filter.page.offset).take(filter.page.limit);
        Ok(page.map(|job| self.running_jobs.with_progress(job)).collect())
    }

    /// Returns a job; `NotFound` when it is absent or not visible.
    pub async fn job(&self, who: &Principal, id: JobId) -> Result<Job> {
        let job = read(&self.core.db, id).await?;
        let is_seen = sees(&self.core.visible_to(who), &job);
        if is_seen { Ok(self.running_jobs.with_progress(job)) } else { Err(Error::hidden()) }
    }

    /// Returns the state of a job for the server itself; `None` for one that is no longer listed.
    pub async fn job_state(&self, id: JobId) -> Result<Option<JobState>> {
        let row = Entity::find_by_id(id.0).one(&self.core.db).await.map_err(unavailable)?;
        row.map(|row| Job::try_from(row).map(|job| job.state)).transpose()
    }

    /// Marks a job as running.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it does not wait.
    pub async fn start_job(&self, id: JobId) -> Result<Job> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let job = read(&transaction.db, id).await?.started(now)?;
        let update = async move |db: DbTransaction| store(&db, job).await;
        let job = transaction.commit_unmirrored(update).await?;
        self.running_jobs.begin(&job, now);
        Ok(job)
    }

    /// Stores how a job ended.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended already.
    pub async fn end_job(&self, id: JobId, end: JobEnd) -> Result<Job> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let job = self.running_jobs.with_progress(read(&transaction.db, id).await?).ended(end, now)?;
        let update = async move |db: DbTransaction| store(&db, job).await;
        let job = transaction.commit_unmirrored(update).await?;
        self.running_jobs.end(job.uuid);
        Ok(job)
    }

    /// Cancels a job; one that has ended stays as it is. Of an export, the export has failed then.
    ///
    /// # Errors
    /// `NotFound` when it is absent or not visible.
    pub async fn cancel_job(&self, who: &Principal, id: JobId) -> Result<Job> {
        let now = self.core.clock.now();
        let transaction = self.core.begin_transaction().await?;
        let job = read(&transaction.db, id).await?;
        let is_seen = sees(&transaction.visible_to(who), &job);
        if !is_seen {
            return Err(Error::hidden());
        }
        if job.state.is_over() {
            return Ok(job);
        }
        let job = self.running_jobs.with_progress(job).ended(JobEnd::Cancelled, now)?;
        let update = async move |db: DbTransaction| {
            if job.kind == JobKind::Export {
                export::cancel(&db, job.uuid, now).await?;
            }
            store(&db, job).await
        };
        let audit = |job: &Job| AuditChange::new(Action::Update, "job", job.id.0).with(vec!["state"]);
        let job = transaction.commit_change(who, update, audit, |_, _| ()).await?;
        self.running_jobs.end(job.uuid);
        Ok(job)
    }

    /// Takes a report of the sender of an import. Its progress is kept in memory, its end is stored.
    ///
    /// # Errors
    /// `NotFound` when it is absent or not visible; `Conflict` for a job of another kind, and when it has ended.
    pub async fn report_import(&self, who: &Principal, id: JobId, report: ImportReport) -> Result<Job> {
        let job = self.job(who, id).await?;
        if job.kind != JobKind::Import {
            return Err(Error::conflict("the server itself reports how far this job is"));
        }
        // A report of progress is checked too: its sender learns from the error that the job was cancelled.
        job.check_unfinished()?;
        self.set_job_progress(job.uuid, report.progress);
        match report.end {
            Some(end) => self.end_job(id, end).await,
            None => Ok(self.running_jobs.with_progress(job)),
        }
    }

    /// Fails what a process left behind that ended: the jobs of models and backups. Exports are written again, and imports have their time
    /// to report once more.
    pub async fn recover_jobs(&self) -> Result<()> {
        let now = self.core.clock.now();
        for job in self.unfinished_jobs().await? {
            match job.kind {
                JobKind::Score | JobKind::Rescore | JobKind::Backup | JobKind::VerifyBackup => {
                    self.end_job(job.id, JobEnd::Failed(RESTARTED.to_owned())).await?;
                }
                JobKind::Import => self.running_jobs.begin(&job, now),
                JobKind::Export => {}
            }
        }
        Ok(())
    }

    /// Fails the imports whose senders have been silent for too long; returns how many.
    pub async fn fail_abandoned_imports(&self, now: Micros) -> Result<usize> {
        let mut failed = 0;
        for job in self.unfinished_jobs().await? {
            if !self.running_jobs.with_progress(job.clone()).is_abandoned(now) {
                continue;
            }
            match self.end_job(job.id, JobEnd::Failed(NO_REPORT.to_owned())).await {
                // It ended meanwhile.
                Err(error) if error.kind == Kind::Conflict => {}
                other => {
                    other?;
                    failed += 1;
                }
            }
        }
        Ok(failed)
    }

    /// Removes the finished jobs of every organization that have been listed for their time.
    pub async fn purge_jobs(&self, now: Micros) -> Result<()> {
        let before = now.0.saturating_sub(KEPT_S * MICROS_PER_SECOND);
        let purge = async move |db: DbTransaction| {
            let old = Entity::delete_many().filter(Column::EndedAt.lte(before));
            old.exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        self.core.begin_transaction().await?.commit_unmirrored(purge).await
    }

    async fn unfinished_jobs(&self) -> Result<Vec<Job>> {
        let states = [JobState::Queued, JobState::Running].map(JobState::name);
        let rows = Entity::find().filter(Column::State.is_in(states)).order_by_asc(Column::Id);
        let rows = rows.all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(Job::try_from).collect()
    }
}

/// A model's job is seen with its device, an export's by those who see all that the export can contain.
fn sees(visible: &VisibleCatalog, job: &Job) -> bool {
    let who = visible.who;
    job.org == who.org
        && job.is_shown_by_scopes_of(who)
        && match &job.subject {
            JobSubject::Model { device, .. } => visible.device(*device).is_ok(),
            JobSubject::Export(access) => access.is_within(who),
            JobSubject::Import(_) | JobSubject::Backup(_) => true,
        }
}
