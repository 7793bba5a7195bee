//! Fields of `Query` for the server itself and the queries that run in it.

use async_graphql::{Context, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::objects::backup::{Backup, BackupList};
use crate::api::graphql::objects::system::{RunningQuery, SystemStatus};

/// Complexity of the list of backups, in field values: each manifest is read from its file.
const BACKUPS_COST: usize = 1000;

/// Queries of the server itself.
#[derive(Default)]
pub struct SystemQueries;

#[Object(name = "SystemQueries")]
impl SystemQueries {
    /// Backups in the directory `backup.dir` of the configuration. They belong to the machine, for unrestricted callers of the
    /// default organization; an error when no directory is configured.
    #[graphql(complexity = "BACKUPS_COST + child_complexity")]
    async fn backups(&self, ctx: &Context<'_>) -> Result<BackupList> {
        let (directory, backups) = app(ctx).backups.backups(caller(ctx)).await?;
        let backups = backups.into_iter().map(Backup).collect();
        Ok(BackupList { directory: directory.display().to_string(), backups })
    }

    /// This server: version, uptime, and what it holds. Needs the scope system:read.
    async fn system(&self, ctx: &Context<'_>) -> Result<SystemStatus> {
        Ok(SystemStatus(app(ctx).server.system_status(caller(ctx)).await?))
    }

    /// Queries of the organization that wait or run now, oldest first: the caller's own, and with the scope system:read
    /// those of others.
    #[graphql(complexity = "100 * child_complexity")]
    async fn running_queries(&self, ctx: &Context<'_>) -> Result<Vec<RunningQuery>> {
        Ok(app(ctx).statements.running(caller(ctx))?.into_iter().map(RunningQuery).collect())
    }
}
