//! Mutations that start jobs about backups.

use async_graphql::{Context, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::into_payload;
use crate::api::graphql::objects::backup::BackupJobPayload;
use crate::api::graphql::objects::job::Job;

/// The mutations of backups.
#[derive(Default)]
pub struct BackupMutations;

#[Object(name = "BackupMutations")]
impl BackupMutations {
    /// Starts a job that writes a backup into the directory `backup.dir` of the configuration. Requires the scope system:write, the
    /// default organization and an unrestricted caller.
    async fn start_backup(&self, ctx: &Context<'_>) -> Result<BackupJobPayload> {
        let (job, errors) = into_payload(app(ctx).backups.start_backup(caller(ctx)).await)?;
        Ok(BackupJobPayload { job: job.map(Job), errors })
    }

    /// Starts a job that reads a backup and compares every file with what was written. Requires the same as `startBackup`.
    async fn verify_backup(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the backup, as `backups` shows it.")] name: String,
    ) -> Result<BackupJobPayload> {
        let (job, errors) =
            into_payload(app(ctx).backups.start_backup_verification(caller(ctx), &name).await)?;
        Ok(BackupJobPayload { job: job.map(Job), errors })
    }
}
