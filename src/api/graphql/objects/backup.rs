//! Types of the schema for backups.

use async_graphql::{Object, SimpleObject};

use super::job::Job;
use crate::api::graphql::errors::UserError;
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

/// A finished backup of the whole server.
#[Object]
impl Backup {
    /// Name of its directory.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When the backup was taken, ISO-8601.
    async fn created_at(&self) -> &str {
        &self.0.taken_at
    }

    /// Number of the last log record in the backup.
    async fn seq(&self) -> BigInt {
        big(self.0.seq)
    }

    /// Number of files.
    async fn files(&self) -> BigInt {
        big(self.0.files)
    }

    /// Size of all files, bytes.
    async fn bytes(&self) -> BigInt {
        big(self.0.bytes)
    }
}

fn big(number: u64) -> BigInt {
    BigInt(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Result of starting a job about a backup.
#[derive(SimpleObject)]
pub struct BackupJobPayload {
    /// Job that was started; null if the input is wrong.
    pub job: Option<Job>,
    /// Errors in the input, each with its field; empty on success.
    pub errors: Vec<UserError>,
}
