//! Jobs: work that continues after the response, such as scoring a range, an export or an import.
//!
//! A job is queued, then running, then done, failed or cancelled, and stays so. Scoring and exports run in the server. An import
//! runs wherever its file is: its sender reports how far it is.

use serde_json::Value;
use uuid::Uuid;

use super::export::ExportAccess;
use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::{DeviceId, Error, JobId, Micros, ModelId, OrgId, Principal, Resource, Result, Scope};

/// How long a finished job is listed, seconds: 30 days.
pub const KEPT_S: i64 = 30 * 86_400;
/// Maximum finished jobs of one kind of an organization; the oldest make room.
pub const MAX_FINISHED: usize = 500;
/// Maximum queued and running jobs of one kind of an organization.
pub const MAX_UNFINISHED: u64 = 100;
/// Time without a report after which an import has failed, seconds.
pub const REPORT_TIMEOUT_S: i64 = 300;
/// Maximum length of the name of an imported file, characters.
pub const MAX_NAME_CHARS: usize = 200;
/// Maximum length of a reported error, characters.
pub const MAX_ERROR_CHARS: usize = 4000;
/// Maximum size of a reported result as JSON text, bytes.
pub const MAX_RESULT_BYTES: usize = 16 << 10;

/// Error of a job whose server was restarted while it ran.
pub const RESTARTED: &str = "the server was restarted";
/// Error of an import whose sender is silent.
pub const NO_REPORT: &str = "no progress was reported for 5 minutes";

named_enum! {
    /// Kind of work.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum JobKind {
        /// A model scores a past range, as somebody asked for.
        Score = "score",
        /// A model scores a range again, because readings of it arrived late.
        Rescore = "rescore",
        /// Readings and annotations are written to a ZIP file.
        Export = "export",
        /// A client writes a file of readings.
        Import = "import",
        /// The server writes a backup of its data directory.
        Backup = "backup",
        /// The server reads a backup, to check that it is whole.
        VerifyBackup = "verify_backup",
    }
    listed;
}

named_enum! {
    /// How far a job is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum JobState {
        /// It waits for its turn.
        Queued = "queued",
        /// It is under way.
        Running = "running",
        /// It ended, and has a result.
        Done = "done",
        /// It ended with an error.
        Failed = "failed",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
    listed;
}

impl JobState {
    /// Whether the job has ended.
    pub fn is_over(self) -> bool {
        matches!(self, JobState::Done | JobState::Failed | JobState::Cancelled)
    }

    /// Whether a job of this state may get another one.
    pub fn may_become(self, next: JobState) -> bool {
        use JobState::{Cancelled, Done, Failed, Queued, Running};
        matches!((self, next), (Queued, Running | Failed | Cancelled) | (Running, Done | Failed | Cancelled))
    }
}

named_enum! {
    /// Unit of the size of an imported file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ImportUnit {
        /// Bytes of the file.
        Bytes = "bytes",
        /// Rows of the file.
        Rows = "rows",
    }
    listed;
}

/// The file of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFile {
    /// Name of the file, 1 to 200 characters.
    pub name: String,
    /// Size of the whole file in `unit`; `None` when unknown.
    pub size: Option<u64>,
    /// Unit of `size`.
    pub unit: ImportUnit,
}

/// Subject of a job. It decides who sees the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobSubject {
    /// A model, seen with its device.
    Model {
        /// The model.
        model: ModelId,
        /// Device of the model.
        device: DeviceId,
    },
    /// The export with the UUID of the job.
    Export(ExportAccess),
    /// A file that a client writes.
    Import(ImportedFile),
    /// The backup of this name. It belongs to the machine.
    Backup(String),
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// With this result, whose shape depends on the kind.
    Done(Value),
    /// With this error.
    Failed(String),
    /// By somebody who cancelled it.
    Cancelled,
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Row id.
    pub id: JobId,
    /// Organization that owns it.
    pub org: OrgId,
    /// Id that never changes; that of the export, for an export.
    pub uuid: Uuid,
    /// Kind of work.
    pub kind: JobKind,
    /// Subject of the job.
    pub subject: JobSubject,
    /// How far it is.
    pub state: JobState,
    /// Completed fraction, 0 to 1.
    pub progress: f64,
    /// Of a job that is done.
    pub result: Option<Value>,
    /// Of a job that failed; else empty.
    pub error: String,
    /// The caller that asked for it, such as `key:3`.
    pub requested_by: String,
    /// Time of the request.
    pub created_at: Micros,
    /// Time at which it began to run.
    pub started_at: Option<Micros>,
    /// Time at which it ended.
    pub ended_at: Option<Micros>,
    /// Time of the last progress.
    pub reported_at: Option<Micros>,
}

impl Job {
    /// A queued job; the catalog assigns its row id.
    pub fn queued(who: &Principal, kind: JobKind, subject: JobSubject, now: Micros) -> Job {
        Job {
            id: JobId(0),
            org: who.org,
            uuid: Uuid::new_v4(),
            kind,
            subject,
            state: JobState::Queued,
            progress: 0.0,
            result: None,
            error: String::new(),
            requested_by: who.caller.to_string(),
            created_at: now,
            started_at: None,
            ended_at: None,
            reported_at: None,
        }
    }

    /// The job once it runs.
    ///
    /// # Errors
    /// `Conflict` when it does already, or has ended.
    pub fn started(self, now: Micros) -> Result<Job> {
        self.check_next(JobState::Running)?;
        Ok(Job { state: JobState::Running, started_at: Some(now), reported_at: Some(now), ..self })
    }

    /// The job once it has ended.
    ///
    /// # Errors
    /// `Conflict` when it has already, or is done before it ran.
    pub fn ended(self, end: JobEnd, now: Micros) -> Result<Job> {
        let (state, result, error) = match end {
            JobEnd::Done(result) => (JobState::Done, Some(result), String::new()),
            JobEnd::Failed(error) => (JobState::Failed, None, error),
            JobEnd::Cancelled => (JobState::Cancelled, None, String::new()),
        };
        self.check_next(state)?;
        let progress = if state == JobState::Done { 1.0 } else { self.progress };
        Ok(Job { state, progress, result, error, ended_at: Some(now), ..self })
    }

    /// Checks that the job has not ended.
    ///
    /// # Errors
    /// `Conflict` when it has.
    pub fn check_unfinished(&self) -> Result<()> {
        self.check_next(JobState::Cancelled)
    }

    fn check_next(&self, next: JobState) -> Result<()> {
        if self.state.may_become(next) {
            return Ok(());
        }
        Err(Error::conflict(match self.state {
            JobState::Queued => "the job has not begun".to_owned(),
            JobState::Running => "the job is running".to_owned(),
            JobState::Done => "the job is done".to_owned(),
            JobState::Failed => format!("the job failed: {}", self.error),
            JobState::Cancelled => "the job was cancelled".to_owned(),
        }))
    }

    /// Whether the scopes of a caller of the organization show the job. An import is shown to its creator, and to those who read
    /// the whole organization's system; the others with the scope that shows their subject.
    pub fn is_shown_by_scopes_of(&self, who: &Principal) -> bool {
        let reads = |resource| who.scopes.allows(Scope::read(resource));
        match self.kind {
            JobKind::Score | JobKind::Rescore => reads(Resource::System),
            JobKind::Export => reads(Resource::Value),
            JobKind::Import => {
                self.requested_by == who.caller.to_string()
                    || (reads(Resource::System) && !who.is_restricted())
            }
            JobKind::Backup | JobKind::VerifyBackup => reads(Resource::System) && !who.is_restricted(),
        }
    }

    /// Checks the scope that cancelling the job needs, for a caller who sees it.
    ///
    /// # Errors
    /// `Forbidden`, naming the scope.
    pub fn check_may_cancel(&self, who: &Principal) -> Result<()> {
        let needed = match self.kind {
            JobKind::Score | JobKind::Rescore | JobKind::Backup | JobKind::VerifyBackup => Resource::System,
            JobKind::Import if self.requested_by != who.caller.to_string() => Resource::System,
            JobKind::Export | JobKind::Import => Resource::Value,
        };
        who.require(Scope::write(needed))
    }

    /// Whether an import has been silent for too long.
    pub fn is_abandoned(&self, now: Micros) -> bool {
        let last = self.reported_at.unwrap_or(self.created_at);
        self.kind == JobKind::Import
            && !self.state.is_over()
            && now.0.saturating_sub(last.0) >= REPORT_TIMEOUT_S * super::time::MICROS_PER_SECOND
    }
}

/// Report of the sender of an import.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportReport {
    /// Completed fraction, 0 to 1; `None` when it is as before.
    pub progress: Option<f64>,
    /// How the import ended; `None` while it runs.
    pub end: Option<JobEnd>,
}

/// Filter and page of a list of jobs, the newest first.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only of this kind.
    pub kind: Option<JobKind>,
    /// Only in this state.
    pub state: Option<JobState>,
    /// Part of the list that is returned.
    pub page: Pagination,
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
