//! `/dashboards`: layouts of widgets.

use std::sync::Arc;

use serde_json::Map;

use super::body::Fields;
use super::caller::MkCaller;
use super::document_noun::{DocumentNoun, endpoints};
use super::documents;
use super::endpoint::Section;
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::nested::NestedNoun;
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::problem::MkError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::domain::document::dashboard::{COLUMNS, MAX_ROWS, MAX_WIDGET_ID, MAX_WIDGETS};
use crate::domain::document::{
    DashboardSpec, Document, DocumentContent, DocumentKind, DocumentSpec, Widget, WidgetType,
};
use crate::domain::{Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listDashboards", "List dashboards")),
        Doc::new("createDashboard", "Create a dashboard"),
        Doc::new("getDashboard", "Get a dashboard"),
        Doc::new("replaceDashboard", "Replace a dashboard").about("A dashboard of a pack is fixed."),
        Doc::new("deleteDashboard", "Delete a dashboard"),
    ];
    Section {
        name: "Dashboards",
        about: "Widgets in a grid of 24 columns. A sensor of a widget that does not exist is drawn empty.",
        endpoints: endpoints::<DashboardRow>(docs),
        schemas: vec![
            schemas::view::<DashboardRow>("Dashboard"),
            schemas::body::<DashboardRow>("DashboardBody"),
            schemas::body::<Widget>("Widget"),
        ],
    }
}

impl MkNoun for Widget {
    fn blank() -> Self {
        let (id, widget_type, config) = (String::new(), WidgetType::Line, Map::new());
        Widget { id, widget_type, x: 0, y: 0, w: 0, h: 0, config }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let Widget { id, widget_type, x, y, w, h, config } = self;
        let (word, types) = (|| schema::text(1, MAX_WIDGET_ID), schema::choice_of::<WidgetType>);
        let (column, row) = (|| schema::integer(0, COLUMNS - 1), || schema::integer(0, MAX_ROWS - 1));
        let (width, height) = (|| schema::integer(1, COLUMNS), || schema::integer(1, MAX_ROWS));
        visitor.visit(required("id", "Id of the widget, unique in the dashboard.", word), id);
        visitor.visit(required("type", "How the widget shows its sensors.", types), widget_type);
        visitor.visit(required("x", "First column of the widget, from 0.", column), x);
        visitor.visit(required("y", "First row of the widget, from 0.", row), y);
        let about = "Width of the widget in columns; the last one is within the grid.";
        visitor.visit(required("w", about, width), w);
        visitor.visit(required("h", "Height of the widget in rows.", height), h);
        let about = "Contents of the widget: `sensorIds`, at most 100; `interval`, an ISO-8601 duration such as `PT5M`; \
                     `aggregation`, one of avg, min, max, sum, count, last. Other members are kept as they are.";
        visitor.visit(omittable("config", about, schema::map), config);
    }
}

impl NestedNoun for Widget {
    const MOST: usize = MAX_WIDGETS;
}

/// A dashboard as shown, also in a pack.
pub struct DashboardRow {
    stamp: Stamp,
    spec: DashboardSpec,
}

impl MkNoun for DashboardRow {
    fn blank() -> Self {
        DashboardRow { stamp: Stamp::default(), spec: DashboardSpec::new("") }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let DashboardSpec { name, description, layout, is_default, created_by, pack, handle: _ } =
            &mut self.spec;
        let (title, text) = (|| schema::text(1, 255), || nullable(schema::text(0, 4000)));
        let widgets = || schema::list_of(schema::reference("Widget"), 0, MAX_WIDGETS);
        self.stamp.visit_id(visitor);
        visitor.visit(required("name", "Name of the dashboard for people.", title), name);
        let about = "Description of the dashboard, free text.";
        visitor.visit(omittable("description", about, text), description);
        visitor.visit(required("layout", "Widgets of the dashboard, at most 100.", widgets), layout);
        let about = "Whether the dashboard is shown first; of several the one changed last.";
        visitor.visit(optional("isDefault", about, schema::boolean), is_default);
        let about = "Author of the dashboard: a user, or `key_` and a key.";
        visitor.visit(read_only("createdBy", about, || nullable(schema::string())), created_by);
        let about = "Pack that installed the dashboard; null for one that a user made.";
        visitor.visit(read_only("packId", about, || nullable(id())), pack);
        self.stamp.visit_times(visitor);
    }
}

impl DashboardRow {
    fn new(row: &Document) -> Result<Self> {
        Ok(DashboardRow { stamp: Stamp::of(row), spec: documents::content(row.dashboard())? })
    }
}

/// Shows a dashboard; `None` for a document of another kind.
pub fn view(row: &Document) -> Option<ShownRow> {
    DashboardRow::new(row).ok().map(ShownRow::new)
}

impl DocumentNoun for DashboardRow {
    type Content = DashboardSpec;
    const KIND: DocumentKind = DocumentKind::Dashboard;
    const COLLECTION: &'static str = "/api/v1/dashboards";
    const ONE: &'static str = "/api/v1/dashboards/{id}";
    const WORDS: NounWords = NounWords::new("Dashboard", "dashboard", "dashboards");

    fn converter(_: &App, _: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        Ok(DashboardRow::new)
    }

    fn read(_: &App, _: &Principal, mut fields: Fields) -> Result<DashboardSpec, MkError> {
        let dashboard = read(&mut fields);
        fields.finish(dashboard.problems())?;
        Ok(dashboard)
    }

    fn put(stored: &mut DocumentSpec, new: DashboardSpec) {
        if let DocumentSpec::Dashboard(stored) = stored {
            *stored = stored.replaced_by(new);
        }
    }

    async fn create(app: &App, caller: &MkCaller, new: DashboardSpec) -> Result<Arc<Document>> {
        let new = DashboardSpec { created_by: Some(caller.actor.clone()), ..new };
        app.documents.create_document(&caller.principal, new.into()).await
    }
}

/// Reads a dashboard, alone or in a pack; its own rules are not checked.
pub fn read(fields: &mut Fields) -> DashboardSpec {
    read_row::<DashboardRow>(fields).spec
}
