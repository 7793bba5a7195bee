//! Online backup of the data directory.

use std::path::Path;

use super::App;
use super::access::require_system;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::{Principal, Progress, Result};
use crate::store::backup::BackupSummary;

impl App {
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
        self.audit(principal, AuditChange::new(Action::Run, "backup", None)).await?;
        Ok(done)
    }
}
