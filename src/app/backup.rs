//! Online backup of the data directory: to a place that the owner names, or as a job to the configured directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::access::{AccessControl, require_system};
use super::audit::AuditLog;
use super::core_parts::CoreParts;
use super::job::{JobReporter, JobRunner};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::backup::StoredBackup;
use crate::domain::job::{Job, JobKind, JobSubject};
use crate::domain::{Clock, Error, Principal, Progress, Resource, Result, Scope};
use crate::store::Store;
use crate::store::backup::{BackupSummary, stored_backups, verify_stored};

/// Interval in which the progress of a backup is reported to its job.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum length of the name of a backup.
const MAX_NAME_BYTES: usize = 100;

/// Backups of the data directory.
pub struct Backups {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    access: Arc<AccessControl>,
    audit: Arc<AuditLog>,
    /// Jobs that write and verify backups, one at a time.
    pub(super) jobs: Arc<JobRunner>,
    /// Directory of backups that are requested over HTTP; without one there are none.
    dir: Option<PathBuf>,
}

impl Backups {
    pub(super) fn new(
        parts: &CoreParts,
        access: Arc<AccessControl>,
        audit: Arc<AuditLog>,
        dir: Option<PathBuf>,
    ) -> Self {
        let (store, clock) = (parts.store.clone(), parts.clock.clone());
        let jobs = Arc::new(JobRunner::new(store.clone(), 1));
        Self { store, clock, access, audit, jobs, dir }
    }

    /// Writes a backup of the current state into `dest`, which must not exist or be empty. A row of the audit log says so.
    ///
    /// # Errors
    /// `Invalid` for an unusable destination; `Unavailable` for whatever could not be read or written. Then nothing is
    /// left that could be mistaken for a backup.
    pub async fn backup(
        &self,
        principal: &Principal,
        dest: &Path,
        progress: &Progress,
    ) -> Result<BackupSummary> {
        require_system(principal)?;
        let done = self.store.backup(dest, progress).await?;
        self.audit.audit(principal, AuditChange::new(Action::Run, "backup", None)).await?;
        Ok(done)
    }

    /// Returns the configured directory of backups with those in it, the newest first.
    ///
    /// # Errors
    /// `Forbidden` as for everything that belongs to the machine; `Conflict` when no directory is configured.
    pub async fn backups(&self, principal: &Principal) -> Result<(PathBuf, Vec<StoredBackup>)> {
        self.access.require_host(principal, Scope::read(Resource::System))?;
        let dir = self.backup_dir()?;
        let found = stored_backups(&dir).await?;
        Ok((dir, found))
    }

    /// Starts a job that writes a backup into the configured directory, under a name made of the time. Jobs of backups run
    /// one at a time.
    ///
    /// # Errors
    /// `Forbidden` as for everything that belongs to the machine; `Conflict` when no directory is configured; `Throttled`
    /// when too many wait.
    pub async fn start_backup(&self, principal: &Principal) -> Result<Job> {
        self.access.require_host(principal, Scope::write(Resource::System))?;
        let dir = self.backup_dir()?;
        let time: String = self.clock.now().to_iso().chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("basalt-{time}");
        let (store, dest, place) = (self.store.clone(), dir.join(&name), name.clone());
        let work = |reporter| async move {
            let write = async |progress: &Progress| {
                let done = store.backup(&dest, progress).await?;
                Ok(json!({"name": place, "files": done.files, "bytes": done.bytes}))
            };
            report_while(reporter, write).await
        };
        self.jobs.start(principal, JobKind::Backup, JobSubject::Backup(name), work).await
    }

    /// Starts a job that reads a backup of the configured directory and compares every file with what was written.
    ///
    /// # Errors
    /// `Forbidden` as for everything that belongs to the machine; `Conflict` when no directory is configured; `NotFound`
    /// when there is no finished backup of this name; `Throttled` when too many wait.
    pub async fn start_backup_verification(&self, principal: &Principal, name: &str) -> Result<Job> {
        self.access.require_host(principal, Scope::write(Resource::System))?;
        let dir = self.backup_dir()?;
        let is_listed = is_name(name) && stored_backups(&dir).await?.iter().any(|stored| stored.name == name);
        if !is_listed {
            return Err(Error::not_found());
        }
        let name = name.to_owned();
        let subject = JobSubject::Backup(name.clone());
        let work = |reporter| async move {
            let verify = async |progress: &Progress| {
                let done = verify_stored(&dir, &name, progress).await?;
                Ok(json!({"name": done.name, "files": done.files, "bytes": done.bytes}))
            };
            report_while(reporter, verify).await
        };
        self.jobs.start(principal, JobKind::VerifyBackup, subject, work).await
    }

    fn backup_dir(&self) -> Result<PathBuf> {
        let unset = || Error::conflict("no directory of backups is configured: set `backup.dir`");
        self.dir.clone().ok_or_else(unset)
    }
}

/// A name without a way out of the directory.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= MAX_NAME_BYTES && !name.starts_with('.') && name.chars().all(is_plain)
}

/// Runs work and reports its progress. When the job is cancelled the work is dropped, and ends at its next step.
async fn report_while(
    reporter: JobReporter,
    work: impl AsyncFnOnce(&Progress) -> Result<Value>,
) -> Result<Value> {
    let progress = CancelledOnDrop(Progress::default());
    let report = async {
        loop {
            let step = progress.0.snapshot();
            if step.total > 0 {
                reporter.set_progress((step.done as f64 / step.total as f64).min(1.0));
            }
            sleep(REPORT_INTERVAL).await;
        }
    };
    tokio::select! {
        done = work(&progress.0) => done,
        never = report => never,
    }
}

/// Cancels an operation whose job was cancelled, because its threads do not end with the future that waits for them.
struct CancelledOnDrop(Progress);

impl Drop for CancelledOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_leads_nowhere_else() {
        for (name, expected) in [
            ("basalt-20261124T044500Z", true),
            ("nightly_2.full", true),
            ("..", false),
            (".hidden", false),
            ("a/b", false),
            ("a\\b", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
        assert!(!is_name(&"x".repeat(101)));
    }
}
