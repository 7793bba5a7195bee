//! Types of the schema for backups.

use async_graphql::{Object, SimpleObject};

use super::job::Job;
use crate::api::graphql::errors::UserError;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::BigInt;
use crate::domain::backup::StoredBackup;

/// Backups in the configured directory.
#[derive(SimpleObject)]
pub struct BackupList {
    /// Directory of the backups, which `backup.dir` of the configuration names.
    pub directory: String,
    /// Finished backups, the newest first.
    pub backups: Vec<Backup>,
}

/// A finished backup of the whole server.
pub struct Backup(pub StoredBackup);

object! {
    #[Object]
    /// A finished backup of the whole server.
    impl Backup(self) {
        /// Name of its directory.
        name: &str = &self.0.name;
        /// When the backup was taken, ISO-8601.
        created_at: &str = &self.0.taken_at;
        /// Number of the last log record in the backup.
        seq: BigInt = BigInt::saturating(self.0.seq);
        /// Number of files.
        files: BigInt = BigInt::saturating(self.0.files);
        /// Size of all files, bytes.
        bytes: BigInt = BigInt::saturating(self.0.bytes);
    }
}

/// Result of starting a job about a backup.
#[derive(SimpleObject)]
pub struct BackupJobPayload {
    /// Job that was started; null if the input is wrong.
    pub job: Option<Job>,
    /// Errors in the input, each with its field; empty on success.
    pub errors: Vec<UserError>,
}
