//! Changes of how long rows are kept.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use serde_json::json;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::RetentionTable;
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::retention::{RetentionForecast, RetentionPolicy};
use crate::api::graphql::scalars::BigInt;
use crate::api::rest::fields::{Fields, Mode};
use crate::api::rest::retention::drop_after;
use crate::domain::policy::{PolicyChange, PolicyTable};
use crate::domain::{self, StreamId};

#[derive(Default)]
pub struct Mutations;

/// What became of the policies, or would become of the rows.
#[derive(SimpleObject)]
pub struct RetentionPayload {
    /// The policies as they are then: of the stream if one was named, else of the organization.
    policies: Option<Vec<RetentionPolicy>>,
    /// For a dry run: what would go.
    forecast: Option<RetentionForecast>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

/// A change as it is asked for.
struct Asked {
    table: RetentionTable,
    stream: Option<ID>,
    drop_after: Option<BigInt>,
}

impl Asked {
    fn change(&self) -> domain::Result<PolicyChange> {
        let stream = self.stream.as_ref().map(|id| ids::row(Noun::Stream, id, "stream")).transpose()?;
        // Zero removes a policy.
        let seconds = json!({ "drop_after_seconds": self.drop_after.map_or(0, |after| after.0) });
        let given = seconds.as_object().cloned().unwrap_or_default();
        let drop_after_s = drop_after(Fields::new(given, Mode::Whole))?;
        let tables = vec![PolicyTable::from(self.table)];
        Ok(PolicyChange { stream: stream.map(StreamId), tables, drop_after_s })
    }
}

#[Object(name = "RetentionMutations")]
impl Mutations {
    /// Makes, replaces or (with `dropAfter` null) removes the policy of a table, for the organization or for one stream.
    /// `dryRun` tells what would go, and changes nothing.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn set_retention(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The table whose rows are to be kept so long.")] table: RetentionTable,
        #[graphql(desc = "Of this stream alone.")] stream: Option<ID>,
        #[graphql(desc = "Seconds that rows are kept; null keeps them for ever.")] drop_after: Option<BigInt>,
        #[graphql(default, desc = "Whether only to tell what would go.")] dry_run: bool,
    ) -> Result<RetentionPayload> {
        let (policies, forecast) = (None, None);
        let change = match settle(Asked { table, stream, drop_after }.change())? {
            (Some(change), _) => change,
            (None, errors) => return Ok(RetentionPayload { policies, forecast, errors }),
        };
        let (app, caller) = (app(ctx), caller(ctx));
        if dry_run {
            let (found, errors) = settle(app.forecast_retention(caller, &change).await)?;
            let forecast = found.map(|found| {
                let amount = found.amount;
                RetentionForecast::new([amount.rows, amount.bytes, amount.files], found.before)
            });
            return Ok(RetentionPayload { policies, forecast, errors });
        }
        let (changed, errors) = settle(app.change_retention(caller, &change).await)?;
        if changed.is_none() {
            return Ok(RetentionPayload { policies, forecast, errors });
        }
        let policies = match change.stream {
            Some(stream) => {
                let own = app.retention_of(caller, stream)?;
                own.iter().map(|own| RetentionPolicy::new(own.table, Some(own.drop_after_s))).collect()
            }
            None => {
                let all = app.retention(caller)?;
                all.into_iter().map(|(table, keep)| RetentionPolicy::new(table, keep)).collect()
            }
        };
        Ok(RetentionPayload { policies: Some(policies), forecast, errors })
    }
}
