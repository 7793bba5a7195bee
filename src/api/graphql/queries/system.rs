//! Fields of `Query` for the server itself and the queries that run in it.

use async_graphql::{Context, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::objects::system::{RunningQuery, SystemStatus};

/// Queries of the server itself.
#[derive(Default)]
pub struct SystemQueries;

#[Object(name = "SystemQueries")]
impl SystemQueries {
    /// This server: version, uptime, and what it holds. Needs the scope system:read.
    async fn system(&self, ctx: &Context<'_>) -> Result<SystemStatus> {
        Ok(SystemStatus(app(ctx).system_status(caller(ctx)).await?))
    }

    /// Queries of the organization that wait or run now, oldest first: the caller's own, and with the scope system:read
    /// those of others.
    #[graphql(complexity = "100 * child_complexity")]
    async fn running_queries(&self, ctx: &Context<'_>) -> Result<Vec<RunningQuery>> {
        Ok(app(ctx).running(caller(ctx))?.into_iter().map(RunningQuery).collect())
    }
}
