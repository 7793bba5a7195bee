//! `/dashboards`: layouts of widgets.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::Schema;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::domain::document::dashboard::{COLUMNS, MAX_ROWS, MAX_WIDGET_ID, MAX_WIDGETS};
use crate::domain::document::{
    DashboardSpec, Document, DocumentContent, DocumentKind, DocumentSpec, Widget, WidgetType,
};

const COLLECTION: &str = "/api/v1/dashboards";
const ONE: &str = "/api/v1/dashboards/{id}";
const KIND: DocumentKind = DocumentKind::Dashboard;
const SORTABLE: &[&str] =
    &["createdAt", "updatedAt", "name", "description", "isDefault", "createdBy", "packId", "id"];

/// The operations.
pub fn section() -> Section {
    let row = || schema::reference("Dashboard");
    let body = || schema::reference("DashboardBody");
    let list_doc = paged(Doc::new("listDashboards", "List dashboards")).answers(
        200,
        "A page of dashboards.",
        page_of("Dashboard"),
    );
    let create_doc = Doc::new("createDashboard", "Create a dashboard")
        .body(body())
        .answers(201, "The new dashboard.", row())
        .with_header("Location", schema::string(), "Path of the dashboard.");
    let get_doc = Doc::new("getDashboard", "Get a dashboard").answers(200, "The dashboard.", row());
    let put_doc = Doc::new("replaceDashboard", "Replace a dashboard")
        .about("A dashboard of a pack is fixed.")
        .body(body())
        .answers(200, "The dashboard.", row());
    let delete_doc =
        Doc::new("deleteDashboard", "Delete a dashboard").answers_nothing("The dashboard is deleted.");
    Section {
        name: "Dashboards",
        about: "Widgets in a grid of 24 columns. A sensor of a widget that does not exist is drawn empty.",
        endpoints: vec![
            Endpoint::get(COLLECTION, list, list_doc),
            Endpoint::post(COLLECTION, create, create_doc),
            Endpoint::get(ONE, one, get_doc),
            Endpoint::put(ONE, replace, put_doc),
            Endpoint::delete(ONE, documents::delete(KIND), delete_doc),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let config = "What the widget shows: `sensorIds`, at most 100; `interval`, an ISO-8601 duration such as `PT5M`; \
                  `aggregation`, one of avg, min, max, sum, count, last. Other members are kept as they are.";
    let widget_id =
        schema::described(schema::text(1, MAX_WIDGET_ID), "Id of the widget, unique in the dashboard.");
    let widget = [
        schema::required("id", widget_id),
        schema::required("type", schema::choice(WidgetType::ALL.map(WidgetType::name))),
        schema::required("x", schema::integer(0, COLUMNS - 1)),
        schema::required("y", schema::integer(0, MAX_ROWS - 1)),
        schema::required("w", schema::integer(1, COLUMNS)),
        schema::required("h", schema::integer(1, MAX_ROWS)),
        schema::omittable("config", schema::described(schema::map(), config)),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(described());
    shown.push(schema::read_only("createdBy", nullable(schema::string())));
    shown.push(schema::read_only("packId", nullable(id())));
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    vec![
        ("Dashboard", schema::view(&shown)),
        ("DashboardBody", schema::body(&described())),
        ("Widget", schema::body(&widget)),
    ]
}

fn described() -> Vec<FieldSchema> {
    vec![
        schema::required("name", schema::text(1, 255)),
        schema::omittable("description", nullable(schema::text(0, 4000))),
        schema::required("layout", schema::list_of(schema::reference("Widget"), 0, MAX_WIDGETS)),
        schema::optional("isDefault", schema::boolean(), false),
    ]
}

/// A dashboard as shown, also in a pack.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DashboardView {
    id: Uuid,
    name: String,
    description: Option<String>,
    layout: Vec<WidgetView>,
    is_default: bool,
    created_by: Option<String>,
    pack_id: Option<Uuid>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct WidgetView {
    id: String,
    #[serde(rename = "type")]
    widget_type: &'static str,
    x: i64,
    y: i64,
    w: i64,
    h: i64,
    config: Map<String, Value>,
}

impl From<Widget> for WidgetView {
    fn from(Widget { id, widget_type, x, y, w, h, config }: Widget) -> Self {
        WidgetView { id, widget_type: widget_type.name(), x, y, w, h, config }
    }
}

/// Shows a dashboard; `None` for a document of another kind.
pub fn view(row: &Document) -> Option<DashboardView> {
    let DashboardSpec { name, description, layout, is_default, created_by, pack, .. } =
        row.dashboard()?.clone();
    Some(DashboardView {
        id: row.uuid,
        name,
        description,
        layout: layout.into_iter().map(WidgetView::from).collect(),
        is_default,
        created_by,
        pack_id: pack,
        created_at: iso(row.created_at),
        updated_at: iso(row.updated_at),
    })
}

/// `GET /dashboards`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let rows = app.documents(&caller.principal, KIND)?;
    let key = |row: &Arc<Document>, property: &str| match property {
        "name" => row.dashboard().map(|dashboard| dashboard.name.as_str()).into(),
        _ => documents::sort_key(row, property, || view(row)),
    };
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row))))
}

/// `POST /dashboards`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.check_may_change_documents(&caller.principal, KIND)?;
    let dashboard = read_whole(body.fields(&app).await?)?;
    let dashboard = DashboardSpec { created_by: Some(caller.actor.clone()), ..dashboard };
    let row = app.create_document(&caller.principal, DocumentSpec::Dashboard(dashboard)).await?;
    Ok(created(COLLECTION, row.uuid, view(&row)))
}

/// `GET /dashboards/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&row)))
}

/// `PUT /dashboards/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    documents::find_to_change(&app, &caller.principal, KIND, *id)?;
    let dashboard = read_whole(body.fields(&app).await?)?;
    let change = |spec: &mut DocumentSpec| {
        if let DocumentSpec::Dashboard(stored) = spec {
            *stored = stored.replaced_by(dashboard);
        }
    };
    let row = documents::update(&app, &caller.principal, (KIND, *id), change).await?;
    Ok(ok(view(&row)))
}

fn read_whole(mut fields: Fields) -> Result<DashboardSpec, MkError> {
    let dashboard = read(&mut fields);
    fields.finish(dashboard.problems())?;
    Ok(dashboard)
}

/// Reads a dashboard, alone or in a pack; its own rules are not checked.
pub fn read(fields: &mut Fields) -> DashboardSpec {
    fields.required("layout");
    DashboardSpec {
        description: fields.text("description"),
        layout: fields.list_of("layout", MAX_WIDGETS, read_widget),
        is_default: fields.boolean("isDefault").unwrap_or(false),
        ..DashboardSpec::new(fields.text_or_empty("name"))
    }
}

fn read_widget(fields: &mut Fields) -> Widget {
    let widget_type = fields.required_choice("type", &WidgetType::ALL, WidgetType::name);
    let mut number = |name: &str| {
        fields.required(name);
        // Without a number there is a problem, and the reading ends with it.
        fields.integer(name).unwrap_or(0)
    };
    let (x, y, w, h) = (number("x"), number("y"), number("w"), number("h"));
    Widget {
        id: fields.text_or_empty("id"),
        widget_type: widget_type.unwrap_or(WidgetType::Line),
        x,
        y,
        w,
        h,
        config: fields.object("config").unwrap_or_default(),
    }
}
