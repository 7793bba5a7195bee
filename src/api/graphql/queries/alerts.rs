//! Fields of `Query` for alert rules and exports.

use async_graphql::{Context, Object, Result};
use uuid::Uuid;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::alert::AlertRule;
use crate::api::graphql::objects::export::Export;
use crate::api::graphql::paging::{self, ListCursor};
use crate::api::graphql::queries::inventory::is_found;
use crate::app::alert::AlertRuleFilter;
use crate::domain::Error;
use crate::domain::export::ExportStatus;

/// Queries of alert rules and of exports.
#[derive(Default)]
pub struct AlertQueries;

object! {
    #[Object(name = "AlertQueries")]
    impl AlertQueries(self) {}
    pages(ctx, page, child_complexity) {
        /// Alert rules on the streams and devices that the caller may read.
        alert_rules(
            #[graphql(desc = "Only rules whose name contains this text, case-insensitive.")]
            search: Option<String>,
            #[graphql(desc = "Only rules that are enabled, or only those that are not.")]
            enabled: Option<bool>,
            #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
        ): AlertRule = {
            let filter = AlertRuleFilter { enabled, ..AlertRuleFilter::default() };
            let mut rules = app(ctx).alerts.alert_rules(caller(ctx), filter)?;
            rules.retain(|shown| is_found(&shown.rule.spec.name, search.as_deref()));
            let place = |shown: &_| place_of(shown, order_by);
            Ok(paging::paginate(rules, page, place, AlertRule)?)
        };
        /// Exports of readings and annotations to files, the oldest first. A restricted caller sees those that contain
        /// nothing but what it may read.
        exports(
            #[graphql(desc = "Only with this status: PENDING, RUNNING, READY, FAILED or EXPIRED.")]
            status: Option<String>,
        ): Export = {
            let status = status.map(|name| parse_status(&name)).transpose()?;
            let mut exports = app(ctx).exports.exports(caller(ctx)).await?;
            exports.retain(|export| status.is_none_or(|status| export.status == status));
            let place =
                |export: &crate::domain::export::Export| ListCursor { sort_key: String::new(), row: export.id.0 };
            Ok(paging::paginate(exports, page, place, Export)?)
        };
    }
    resolvers {
        /// One alert rule, by its UUID.
        async fn alert_rule(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "UUID of the alert rule, as text.")] uuid: String,
        ) -> Result<Option<AlertRule>> {
            let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
            Ok(none_if_not_found(app(ctx).alerts.alert_rule(caller(ctx), uuid))?.map(AlertRule))
        }

        /// One export, by its UUID.
        async fn export(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "UUID of the export, as text.")] uuid: String,
        ) -> Result<Option<Export>> {
            let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
            Ok(none_if_not_found(app(ctx).exports.export(caller(ctx), uuid).await)?.map(Export))
        }
    }
}

fn place_of(shown: &crate::app::alert::ShownAlertRule, order: ListOrder) -> ListCursor {
    ListCursor::for_row(shown.rule.id.0, &shown.rule.spec.name, order)
}

fn parse_status(name: &str) -> Result<ExportStatus, Error> {
    name.parse().map_err(|error: Error| Error::field("status", error.message.to_string()))
}
