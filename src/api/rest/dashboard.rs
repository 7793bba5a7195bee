//! `/api/dashboard/`: boards of widgets that an organization shares.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::document::{self, DocumentView, PathUuid};
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, read_only, required};
use crate::app::App;
use crate::app::fields::dashboard::WidgetFields;
use crate::app::fields::reader::ReadMode;
use crate::domain::document::dashboard::{COLUMNS, MAX_ROWS, MAX_WIDGET_ID, MAX_WIDGETS};
use crate::domain::document::{DashboardSpec, Document, DocumentKind, WidgetType};
use crate::domain::{DocumentId, Resource, Result};

const KIND: DocumentKind = DocumentKind::Dashboard;

/// Routes, documentation and schemas of dashboards.
pub fn section() -> Section {
    let one = || schema::reference("Dashboard");
    let list = Doc::new("dashboard_list", "List dashboards, the oldest first").page().answers(
        200,
        "The dashboards of the organization",
        schema::list(one()),
    );
    let create = Doc::new("dashboard_create", "Create a dashboard for the organization")
        .about("A trend that is saved is a dashboard of one `LINE` widget.")
        .body(schema::reference("NewDashboard"))
        .answers(201, "The new dashboard", one())
        .with_header("Location", schema::string(), "Path of the dashboard.");
    let get = Doc::new("dashboard_get", "Get a dashboard with its widgets").answers(
        200,
        "The requested dashboard",
        one(),
    );
    let replace = Doc::new("dashboard_replace", "Replace a dashboard; absent fields get their defaults")
        .about("A dashboard of a pack is fixed.")
        .body(schema::reference("DashboardReplacement"))
        .refuses(409)
        .answers(200, "The replaced dashboard", one());
    let update = Doc::new("dashboard_update", "Change the given fields of a dashboard")
        .body(schema::reference("DashboardChange"))
        .refuses(409)
        .answers(200, "The changed dashboard", one());
    let destroy = Doc::new("dashboard_delete", "Delete a dashboard for everybody")
        .answers_nothing("The dashboard was deleted");
    let right = RequiredAccess::Scope(Resource::Device);
    Section {
        name: "Dashboards",
        about: "Widgets in a grid of 24 columns, shared in the organization.",
        routes: vec![
            Route::gated("/api/dashboard", right)
                .get(document::list::<DashboardView>, list)
                .post(self::create, create),
            Route::gated("/api/dashboard/{uuid}", right)
                .variable("uuid", schema::string())
                .get(document::retrieve::<DashboardView>, get)
                .put(self::update, replace)
                .patch(self::update, update)
                .delete(document::destroy::<DashboardView>, destroy),
        ],
        schemas: vec![
            ("Dashboard", schema::view(&described())),
            ("NewDashboard", schema::body(&settable())),
            ("DashboardReplacement", schema::body(&document::with_version(settable()))),
            ("DashboardChange", schema::patch(&document::with_version(settable()))),
            ("Widget", schema::body(&described_widget())),
        ],
    }
}

fn settable() -> Vec<FieldSchema> {
    let layout = schema::list_of(schema::reference("Widget"), 0, MAX_WIDGETS);
    vec![
        required("name", schema::text(1, 255)),
        optional("description", schema::nullable(schema::text(0, 4000)), Value::Null),
        optional("layout", layout, Vec::<Value>::new()),
        optional("is_default", schema::boolean(), false),
    ]
}

fn described() -> Vec<FieldSchema> {
    let mut shown = document::with_head(settable());
    shown.push(read_only("created_by", schema::nullable(schema::string())));
    shown.push(read_only("pack", schema::nullable(schema::string())));
    shown
}

fn described_widget() -> Vec<FieldSchema> {
    let id = schema::described(schema::text(1, MAX_WIDGET_ID), "Id of the widget, unique in the dashboard.");
    let config = "Contents of the widget, at most 16 KiB: `sensorIds`, UUIDs of at most 100 streams; `interval`, an ISO-8601 \
                  duration such as `PT5M`; `aggregation`, one of avg, min, max, sum, count, last. Other members are kept.";
    vec![
        required("id", id),
        required("type", schema::choice_of::<WidgetType>()),
        required("x", schema::integer(0, COLUMNS - 1)),
        required("y", schema::integer(0, MAX_ROWS - 1)),
        required("w", schema::integer(1, COLUMNS)),
        required("h", schema::integer(1, MAX_ROWS)),
        omittable("config", schema::described(schema::map(), config)),
    ]
}

/// `POST /api/dashboard`: creates a dashboard; 201 with its path in `Location`.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<impl IntoResponse, RestError> {
    app.documents.check_may_change_documents(&caller, KIND)?;
    let fields = body.fields(ReadMode::Whole).await?;
    let row = app.documents.create_dashboard_from_fields(&caller, fields).await?;
    let location = format!("/api/dashboard/{}/", row.uuid);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(DashboardView::new(&row)?)))
}

/// `PUT /api/dashboard/{uuid}` replaces all fields; absent ones get their defaults. `PATCH` changes the given fields.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
    body: DeferredJson,
) -> Result<Json<DashboardView>, RestError> {
    app.documents.document_to_change(&caller, KIND, uuid)?;
    let fields = body.change().await?;
    let row = app.documents.update_dashboard_from_fields(&caller, uuid, fields).await?;
    Ok(Json(DashboardView::new(&row)?))
}

/// A dashboard in a response.
#[derive(Debug, Serialize)]
pub struct DashboardView {
    /// Row number, unique among the documents of all kinds.
    id: DocumentId,
    uuid: Uuid,
    /// Counts the changes, from 1.
    version: i32,
    name: String,
    description: Option<String>,
    layout: Vec<WidgetFields>,
    is_default: bool,
    created_by: Option<String>,
    /// UUID of the pack that installed it.
    pack: Option<Uuid>,
    created_at: String,
    updated_at: String,
}

impl DocumentView for DashboardView {
    const KIND: DocumentKind = KIND;

    fn new(row: &Document) -> Result<Self> {
        let spec = row.dashboard().cloned().ok_or_else(document::other_kind_error)?;
        let DashboardSpec { handle: _, name, description, layout, is_default, created_by, pack } = spec;
        Ok(Self {
            id: row.id,
            uuid: row.uuid,
            version: row.version,
            name,
            description,
            layout: layout.into_iter().map(WidgetFields::from).collect(),
            is_default,
            created_by,
            pack,
            created_at: row.created_at.to_iso(),
            updated_at: row.updated_at.to_iso(),
        })
    }
}
