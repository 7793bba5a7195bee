//! Mutation of retention policies.

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::RetentionTable;
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::retention::{RetentionDryRun, RetentionPolicy};
use crate::api::graphql::scalars::BigInt;
use crate::app::fields::retention::drop_after_seconds;
use crate::domain::policy::{PolicyChange, PolicyTable};
use crate::domain::{self, StreamId};

/// Mutations that set and remove retention policies.
#[derive(Default)]
pub struct RetentionMutations;

/// Result of setting a retention policy, or of its dry run.
#[derive(SimpleObject)]
pub struct RetentionPayload {
    /// The policies after the change: of the stream if one was given, else of the organization.
    policies: Option<Vec<RetentionPolicy>>,
    /// For a dry run: the data that would be removed.
    #[graphql(name = "forecast")]
    dry_run: Option<RetentionDryRun>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// Arguments of `setRetention`.
struct RetentionChange {
    table: RetentionTable,
    stream: Option<ID>,
    drop_after: Option<BigInt>,
}

impl RetentionChange {
    fn to_policy_change(&self) -> domain::Result<PolicyChange> {
        let stream =
            self.stream.as_ref().map(|id| ids::parse_row_id(NodeType::Stream, id, "stream")).transpose()?;
        let drop_after_s = match self.drop_after {
            Some(BigInt(seconds)) => drop_after_seconds(seconds as f64)?,
            None => None,
        };
        let tables = vec![PolicyTable::from(self.table)];
        Ok(PolicyChange { stream: stream.map(StreamId), tables, drop_after_s })
    }
}

#[Object(name = "RetentionMutations")]
impl RetentionMutations {
    /// Creates, replaces or (with `dropAfter` null) removes the retention policy of a table, for the organization or
    /// for one stream. `dryRun` reports what would be removed and changes nothing.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn set_retention(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The table that the policy applies to.")] table: RetentionTable,
        #[graphql(desc = "Id or row number of a stream; default: the whole organization.")] stream: Option<
            ID,
        >,
        #[graphql(desc = "Retention period, seconds; null removes the policy.")] drop_after: Option<BigInt>,
        #[graphql(default, desc = "Whether to only report what would be removed.")] dry_run: bool,
    ) -> Result<RetentionPayload> {
        let (policies, removed) = (None, None);
        let change = match into_payload(RetentionChange { table, stream, drop_after }.to_policy_change())? {
            (Some(change), _) => change,
            (None, errors) => return Ok(RetentionPayload { policies, dry_run: removed, errors }),
        };
        let (app, caller) = (app(ctx), caller(ctx));
        if dry_run {
            let (found, errors) = into_payload(app.retention.dry_run_retention(caller, &change).await)?;
            let removed = found.map(|found| {
                let amount = found.amount;
                RetentionDryRun::new([amount.rows, amount.bytes, amount.files], found.before)
            });
            return Ok(RetentionPayload { policies, dry_run: removed, errors });
        }
        let (changed, errors) = into_payload(app.retention.change_retention(caller, &change).await)?;
        if changed.is_none() {
            return Ok(RetentionPayload { policies, dry_run: removed, errors });
        }
        let policies = match change.stream {
            Some(stream) => {
                let own = app.retention.retention_of(caller, stream)?;
                own.iter().map(|own| RetentionPolicy::new(own.table, Some(own.drop_after_s))).collect()
            }
            None => {
                let all = app.retention.retention(caller)?;
                all.into_iter().map(|(table, keep)| RetentionPolicy::new(table, keep)).collect()
            }
        };
        Ok(RetentionPayload { policies: Some(policies), dry_run: removed, errors })
    }
}
