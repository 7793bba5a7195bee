//! Mutations of dashboards.

use async_graphql::{Context, MaybeUndefined, Object, Result, SimpleObject};
use serde_json::Value;
use std::sync::Arc;

use super::document::{DeletedDocument, parse_uuid, to_change};
use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::objects::document::DocumentNode;
use crate::api::graphql::objects::document::dashboard::Dashboard;
use crate::app::fields::reader::ReadMode;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::{self, Error};

/// Mutations that create, change and delete dashboards.
#[derive(Default)]
pub struct DashboardMutations;

input_objects! {
    /// A widget and its place in the grid of 24 columns.
    pub struct WidgetInput {
        /// Id of the widget, unique in the dashboard: 1 to 64 characters.
        id: String,
        /// How it shows its sensors: `LINE`, `GAUGE`, `STAT`, `TABLE`, `MAP` or `TEXT`.
        #[graphql(name = "type")]
        #[serde(rename = "type")]
        widget_type: String,
        /// First column, 0 to 23.
        x: i32,
        /// First row, from 0.
        y: i32,
        /// Width in columns; the last one is within the grid.
        w: i32,
        /// Height in rows of the grid.
        h: i32,
        /// Configuration, as a JSON object of at most 16 KiB; default `{}`.
        config: Option<Value>,
    }

    /// Input for a new dashboard. Omitted fields get their defaults.
    pub struct CreateDashboardInput {
        /// Name of the dashboard, 1 to 255 characters; others may have the same.
        name: String,
        /// Free-text description, at most 4,000 characters; null for none.
        description: MaybeUndefined<String>,
        /// Widgets in the order of the dashboard, at most 100.
        layout: Vec<WidgetInput>,
        /// Whether it is shown first; default false.
        is_default: Option<bool>,
    }

    /// Changes to a dashboard. Omitted fields stay unchanged.
    pub struct UpdateDashboardInput {
        /// Name of the dashboard, 1 to 255 characters; others may have the same.
        name: Option<String>,
        /// Free-text description, at most 4,000 characters; null for none.
        description: MaybeUndefined<String>,
        /// Widgets in the order of the dashboard, at most 100.
        layout: Option<Vec<WidgetInput>>,
        /// Whether it is shown first; default false.
        is_default: Option<bool>,
    }
}

/// Result of creating or updating a dashboard.
#[derive(SimpleObject)]
pub struct DashboardPayload {
    /// The dashboard as stored after the change; null if nothing was changed.
    dashboard: Option<Dashboard>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl DashboardPayload {
    fn from_result(ctx: &Context<'_>, result: domain::Result<Arc<Document>>) -> Result<Self> {
        let (row, errors) = into_payload(result)?;
        let dashboard = row.and_then(|row| Dashboard::of(app(ctx), caller(ctx), row));
        Ok(Self { dashboard, errors })
    }
}

#[Object(name = "DashboardMutations")]
impl DashboardMutations {
    /// Creates a dashboard that everybody of the organization sees.
    async fn create_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Fields of the row.")] input: CreateDashboardInput,
    ) -> Result<DashboardPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        DashboardPayload::from_result(
            ctx,
            app(ctx).documents.create_dashboard_from_fields(caller(ctx), fields).await,
        )
    }

    /// Updates the given fields of a dashboard.
    async fn update_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the dashboard, as text.")] uuid: String,
        #[graphql(
            desc = "Version that the change is meant for; `CONFLICT` if the row has another one by now."
        )]
        version: Option<i32>,
        #[graphql(desc = "Fields of the row.")] input: UpdateDashboardInput,
    ) -> Result<DashboardPayload> {
        let fields = to_change(&input, version, &[]);
        let made = match parse_uuid(&uuid) {
            Ok(uuid) => app(ctx).documents.update_dashboard_from_fields(caller(ctx), uuid, fields).await,
            Err(error) => Err(error),
        };
        DashboardPayload::from_result(ctx, made)
    }

    /// Deletes a dashboard for everybody.
    async fn delete_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the dashboard, as text.")] uuid: String,
    ) -> Result<DeletedDocument> {
        let gone: Result<_, Error> = match parse_uuid(&uuid) {
            Ok(uuid) => app(ctx).documents.delete_document(caller(ctx), DocumentKind::Dashboard, uuid).await,
            Err(error) => Err(error),
        };
        DeletedDocument::from_result(&uuid, gone)
    }
}
