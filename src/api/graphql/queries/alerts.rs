//! Fields of `Query` for alert rules and exports.

use async_graphql::{Context, Object, Result};
use uuid::Uuid;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::objects::alert::AlertRule;
use crate::api::graphql::objects::export::Export;
use crate::api::graphql::paging::{self, ConnectionArgs, ListCursor, NodeConnection};
use crate::api::graphql::queries::inventory::is_found;
use crate::app::alert::AlertRuleFilter;
use crate::domain::Error;
use crate::domain::export::ExportStatus;

/// Queries of alert rules and of exports.
#[derive(Default)]
pub struct AlertQueries;

#[Object(name = "AlertQueries")]
impl AlertQueries {
    /// Alert rules on the streams and devices that the caller may read.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn alert_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
        #[graphql(desc = "Only rules whose name contains this text, case-insensitive.")] search: Option<
            String,
        >,
        #[graphql(desc = "Only rules that are enabled, or only those that are not.")] enabled: Option<bool>,
        #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
    ) -> Result<NodeConnection<AlertRule>> {
        let filter = AlertRuleFilter { enabled, ..AlertRuleFilter::default() };
        let mut rules = app(ctx).alerts.alert_rules(caller(ctx), filter)?;
        rules.retain(|shown| is_found(&shown.rule.spec.name, search.as_deref()));
        let page = ConnectionArgs { first, after, last, before };
        let place = |shown: &_| place_of(shown, order_by);
        Ok(paging::paginate(rules, page, place, AlertRule)?)
    }

    /// One alert rule, by its UUID.
    async fn alert_rule(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the alert rule, as text.")] uuid: String,
    ) -> Result<Option<AlertRule>> {
        let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
        Ok(none_if_not_found(app(ctx).alerts.alert_rule(caller(ctx), uuid))?.map(AlertRule))
    }

    /// Exports of readings and annotations to files, the oldest first. A restricted caller sees those that contain
    /// nothing but what it may read.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn exports(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
        #[graphql(desc = "Only with this status: PENDING, RUNNING, READY, FAILED or EXPIRED.")]
        status: Option<String>,
    ) -> Result<NodeConnection<Export>> {
        let status = status.map(|name| parse_status(&name)).transpose()?;
        let mut exports = app(ctx).exports(caller(ctx)).await?;
        exports.retain(|export| status.is_none_or(|status| export.status == status));
        let page = ConnectionArgs { first, after, last, before };
        let place =
            |export: &crate::domain::export::Export| ListCursor { sort_key: String::new(), row: export.id.0 };
        Ok(paging::paginate(exports, page, place, Export)?)
    }

    /// One export, by its UUID.
    async fn export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the export, as text.")] uuid: String,
    ) -> Result<Option<Export>> {
        let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
        Ok(none_if_not_found(app(ctx).export(caller(ctx), uuid).await)?.map(Export))
    }
}

fn place_of(shown: &crate::app::alert::ShownAlertRule, order: ListOrder) -> ListCursor {
    ListCursor::for_row(shown.rule.id.0, &shown.rule.spec.name, order)
}

fn parse_status(name: &str) -> Result<ExportStatus, Error> {
    name.parse().map_err(|error: Error| Error::field("status", error.message.to_string()))
}
