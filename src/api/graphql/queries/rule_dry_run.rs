//! Field of `Query` that tries an alert rule on the past.

use async_graphql::{Context, Object, Result, SimpleObject};
use serde_json::Value;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::mutations::rule::CreateAlertRuleInput;
use crate::api::graphql::scalars::DateTime;
use crate::domain::alert::simulation::SimulatedAlert;

/// Query of what an alert rule would have done.
#[derive(Default)]
pub struct RuleDryRunQueries;

/// Dry run of a rule over the past.
#[derive(SimpleObject)]
pub struct AlertRuleDryRun {
    /// Alerts in the order of time; the first 1,000.
    alerts: Vec<DryRunAlert>,
    /// Number of alerts that would have been raised.
    raised: usize,
    /// Alerts that would not have been raised, because the rule had raised enough in the hour.
    suppressed: u64,
    /// Number of readings that were evaluated.
    readings: usize,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// An alert that a rule would have raised.
#[derive(SimpleObject)]
pub struct DryRunAlert {
    /// Time of the reading that raises it, or at which silence is noticed.
    at: DateTime,
    /// Value that raises it; null for silence.
    value: Value,
    /// Text of the alert for people.
    message: String,
    /// Time at which its condition ended; null if that was not within the range.
    resolved_at: Option<DateTime>,
}

impl From<SimulatedAlert> for DryRunAlert {
    fn from(SimulatedAlert { at, value, message, resolved_at }: SimulatedAlert) -> Self {
        Self { at: DateTime(at), value, message, resolved_at: resolved_at.map(DateTime) }
    }
}

#[Object(name = "RuleDryRunQueries")]
impl RuleDryRunQueries {
    /// The alerts that a rule would have raised over the past. Nothing is stored.
    #[graphql(complexity = "1000 + child_complexity")]
    async fn alert_rule_dry_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Fields of the row.")] input: CreateAlertRuleInput,
        #[graphql(desc = "Start of the range, included.")] from: DateTime,
        #[graphql(
            desc = "End of the range, excluded: at most 31 days after `from`; what lies in the future is left out."
        )]
        to: DateTime,
    ) -> Result<AlertRuleDryRun> {
        let range = (from.0, to.0);
        let run = app(ctx).alerts.dry_run_rule_from_fields(caller(ctx), input.to_fields(), range).await;
        let (run, errors) = into_payload(run)?;
        let run = run.unwrap_or_default();
        Ok(AlertRuleDryRun {
            alerts: run.alerts.into_iter().map(DryRunAlert::from).collect(),
            raised: run.raised,
            suppressed: run.suppressed,
            readings: run.readings,
            errors,
        })
    }
}
