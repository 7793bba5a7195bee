//! Mutation that cancels a running query.

use async_graphql::{Context, Object, Result};
use uuid::Uuid;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::into_payload;
use crate::api::graphql::objects::system::CancelQueryPayload;
use crate::domain::Error;

/// The mutation that cancels a query.
#[derive(Default)]
pub struct QueryMutations;

#[Object(name = "QueryMutations")]
impl QueryMutations {
    /// Cancels a running query: one's own, or with the scope system:write one of another caller of the organization.
    async fn cancel_query(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the query, as `runningQueries` shows it.")] id: String,
    ) -> Result<CancelQueryPayload> {
        let cancelled = match Uuid::parse_str(&id) {
            Ok(id) => app(ctx).statements.cancel_query(caller(ctx), id).await,
            // Whatever is no UUID is the id of no query.
            Err(_) => Err(Error::not_found()),
        };
        let (done, errors) = into_payload(cancelled)?;
        Ok(CancelQueryPayload { cancelled: done.is_some(), errors })
    }
}
