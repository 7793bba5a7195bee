//! Jobs: listed, shown and cancelled whatever their kind; imports are created and reported by their senders.

use std::sync::Arc;

use super::ai::ModelService;
use super::backup::Backups;
use super::core_parts::CoreParts;
use super::export::Exports;
use crate::domain::job::{ImportReport, ImportedFile, Job, JobFilter, JobKind, JobSubject};
use crate::domain::{Clock, Error, JobId, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Jobs of every kind.
pub struct Jobs {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    models: Arc<ModelService>,
    backups: Arc<Backups>,
    exports: Arc<Exports>,
}

impl Jobs {
    pub(super) fn new(
        parts: &CoreParts,
        models: Arc<ModelService>,
        backups: Arc<Backups>,
        exports: Arc<Exports>,
    ) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), models, backups, exports }
    }

    /// Returns the jobs whose subjects the principal sees, the newest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `system:read` or `value:read`; `Unavailable`.
    pub async fn jobs(&self, principal: &Principal, filter: &JobFilter) -> Result<Vec<Job>> {
        require_either(principal, Scope::read)?;
        self.store.catalog().jobs.jobs(principal, filter).await
    }

    /// Returns a job.
    ///
    /// # Errors
    /// `Forbidden` without the scope `system:read` or `value:read`; `NotFound` when the principal does not see its subject.
    pub async fn job(&self, principal: &Principal, id: JobId) -> Result<Job> {
        require_either(principal, Scope::read)?;
        self.store.catalog().jobs.job(principal, id).await
    }

    /// Cancels a job; what it has written stays, except the file of an export. A finished job is unchanged.
    ///
    /// # Errors
    /// `NotFound` when the principal does not see its subject; `Forbidden` without the scope that its kind needs.
    pub async fn cancel_job(&self, principal: &Principal, id: JobId) -> Result<()> {
        require_either(principal, Scope::write)?;
        self.job(principal, id).await?.check_may_cancel(principal)?;
        let job = self.store.catalog().jobs.cancel_job(principal, id).await?;
        match job.kind {
            JobKind::Score | JobKind::Rescore => self.models.ai.jobs.stop(id),
            JobKind::Backup | JobKind::VerifyBackup => self.backups.jobs.stop(id),
            JobKind::Export => self.exports.stop_export(job.uuid),
            // Its sender is told when it reports.
            JobKind::Import => {}
        }
        Ok(())
    }

    /// Creates the job of an import, whose sender reports how far it is.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`; `Throttled` when too many imports of the organization run.
    pub async fn create_import(&self, principal: &Principal, file: ImportedFile) -> Result<Job> {
        principal.require(Scope::write(Resource::Value))?;
        self.store.catalog().jobs.create_job(principal, JobKind::Import, JobSubject::Import(file)).await
    }

    /// Returns a job to a principal that may report about imports.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`; the errors of [`Jobs::job`].
    pub async fn job_to_report(&self, principal: &Principal, id: JobId) -> Result<Job> {
        principal.require(Scope::write(Resource::Value))?;
        self.job(principal, id).await
    }

    /// Takes a report about an import.
    ///
    /// # Errors
    /// The errors of [`Jobs::job_to_report`]; `Conflict` when it has ended, for example because it was cancelled, and for other jobs.
    pub async fn report_import(&self, principal: &Principal, id: JobId, report: ImportReport) -> Result<Job> {
        principal.require(Scope::write(Resource::Value))?;
        self.store.catalog().jobs.report_import(principal, id, report).await
    }

    /// Ends what a former process left unfinished. Called before anybody is answered.
    ///
    /// # Errors
    /// `Unavailable` when the catalog does not answer.
    pub async fn recover_jobs(&self) -> Result<()> {
        self.store.catalog().jobs.recover_jobs().await
    }

    /// Stores the progress of jobs, and fails imports whose senders are silent.
    pub(super) async fn keep_jobs(&self) -> Result<()> {
        self.store.catalog().jobs.save_job_progress().await?;
        let failed = self.store.catalog().jobs.fail_abandoned_imports(self.clock.now()).await?;
        if failed > 0 {
            tracing::warn!(failed, "imports without a report have failed");
        }
        Ok(())
    }
}

/// Jobs are of the system or of values, by their kind.
fn require_either(principal: &Principal, access: fn(Resource) -> Scope) -> Result<()> {
    let scopes = [Resource::System, Resource::Value].map(access);
    if scopes.iter().any(|scope| principal.scopes.allows(*scope)) {
        return Ok(());
    }
    Err(Error::forbidden(format!("this needs the scope {} or {}", scopes[0], scopes[1])))
}
