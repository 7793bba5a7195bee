//! Types of the schema for jobs.

use async_graphql::Object;
use serde_json::Value;

use crate::api::graphql::object::object;
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

object! {
    #[Object]
    /// A background job: scoring by a model, an export, an import, or a backup. Jobs are listed for 30 days after their end.
    impl Job(self) {
        /// Number of the job, for `job` and `cancelJob`.
        row_id: i32 = self.0.id.0;
        /// UUID of the job, as text.
        uuid: String = self.0.uuid.to_string();
        /// Kind of job: `score`, `rescore`, `export`, `import`, `backup` or `verify_backup`.
        kind: &'static str = self.0.kind.name();
        /// UUID of the export; null for other jobs.
        export: Option<String> =
            matches!(self.0.subject, JobSubject::Export(_)).then(|| self.0.uuid.to_string());
        /// Unit of `size`: `bytes` or `rows`; null for other jobs.
        unit: Option<&'static str> = self.file().map(|file| file.unit.name());
        /// State of the job: `queued`, `running`, `done`, `failed` or `cancelled`.
        state: &'static str = self.0.state.name();
        /// Completed fraction of the job, from 0 to 1.
        progress: f64 = self.0.progress;
        /// Result of the job once its state is `done`; its shape depends on `kind`.
        result: Option<Value> = self.0.result.clone();
        /// Error of the job once its state is `failed`.
        error: Option<&str> = (self.0.state == JobState::Failed).then_some(self.0.error.as_str());
        /// Caller that asked for the job, such as `key:3`.
        requested_by: &str = &self.0.requested_by;
        /// Time of the request for the job.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time at which the job began to run; null while it is queued.
        started_at: Option<DateTime> = self.0.started_at.map(DateTime);
        /// Time at which the job ended; null until then.
        ended_at: Option<DateTime> = self.0.ended_at.map(DateTime);
    }
    resolvers {
        /// Row number of the model that scores; null for other jobs.
        async fn model_row_id(&self) -> Option<i32> {
            match &self.0.subject {
                JobSubject::Model { model, .. } => Some(model.0),
                JobSubject::Export(_) | JobSubject::Import(_) | JobSubject::Backup(_) => None,
            }
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
            Some(BigInt::saturating(size))
        }
    }
}
