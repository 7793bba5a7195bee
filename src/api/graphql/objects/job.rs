//! Types of the schema for jobs.

use async_graphql::Object;
use serde_json::Value;

use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::job::{self, ImportedFile, JobState, JobSubject};

/// A background job: scoring by a model, an export, an import, or a backup.
pub struct Job(pub job::Job);

impl Job {
    fn file(&self) -> Option<&ImportedFile> {
        match &self.0.subject {
            JobSubject::Import(file) => Some(file),
            JobSubject::Model { .. } | JobSubject::Export(_) | JobSubject::Backup(_) => None,
        }
    }
}

/// A background job: scoring by a model, an export, an import, or a backup. Jobs are listed for 30 days after their end.
#[Object]
impl Job {
    /// Number of the job, for `job` and `cancelJob`.
    async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// UUID of the job, as text.
    async fn uuid(&self) -> String {
        self.0.uuid.to_string()
    }

    /// Kind of job: `score`, `rescore`, `export`, `import`, `backup` or `verify_backup`.
    async fn kind(&self) -> &'static str {
        self.0.kind.name()
    }

    /// Row number of the model that scores; null for other jobs.
    async fn model_row_id(&self) -> Option<i32> {
        match &self.0.subject {
            JobSubject::Model { model, .. } => Some(model.0),
            JobSubject::Export(_) | JobSubject::Import(_) | JobSubject::Backup(_) => None,
        }
    }

    /// UUID of the export; null for other jobs.
    async fn export(&self) -> Option<String> {
        matches!(self.0.subject, JobSubject::Export(_)).then(|| self.0.uuid.to_string())
    }

    /// Name of the imported file or of the backup; null for other jobs.
    async fn name(&self) -> Option<&str> {
        match &self.0.subject {
            JobSubject::Backup(name) => Some(name),
            _ => self.file().map(|file| file.name.as_str()),
        }
    }

    /// Size of the imported file in `unit`; null if unknown, and for other jobs.
    async fn size(&self) -> Option<BigInt> {
        let size = self.file()?.size?;
        Some(BigInt(i64::try_from(size).unwrap_or(i64::MAX)))
    }

    /// Unit of `size`: `bytes` or `rows`; null for other jobs.
    async fn unit(&self) -> Option<&'static str> {
        self.file().map(|file| file.unit.name())
    }

    /// State of the job: `queued`, `running`, `done`, `failed` or `cancelled`.
    async fn state(&self) -> &'static str {
        self.0.state.name()
    }

    /// Completed fraction of the job, from 0 to 1.
    async fn progress(&self) -> f64 {
        self.0.progress
    }

    /// Result of the job once its state is `done`; its shape depends on `kind`.
    async fn result(&self) -> Option<Value> {
        self.0.result.clone()
    }

    /// Error of the job once its state is `failed`.
    async fn error(&self) -> Option<&str> {
        (self.0.state == JobState::Failed).then_some(self.0.error.as_str())
    }

    /// Caller that asked for the job, such as `key:3`.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// Time of the request for the job.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time at which the job began to run; null while it is queued.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// Time at which the job ended; null until then.
    async fn ended_at(&self) -> Option<DateTime> {
        self.0.ended_at.map(DateTime)
    }
}
