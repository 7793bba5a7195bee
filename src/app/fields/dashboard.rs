//! The fields of a dashboard.
//!
//! A trend that is saved is a dashboard of one `LINE` widget whose configuration holds the address of the trend: whatever
//! shows, shares, backs up or exports dashboards does so with trends.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::reader::FieldReader;
use super::version::read_version;
use super::visitor::Presence::{Optional, Required};
use crate::app::document::Documents;
use crate::domain::document::rules::MAX_NAME;
use crate::domain::document::{
    DashboardSpec, Document, DocumentContent, DocumentKind, DocumentSpec, Widget, WidgetType,
};
use crate::domain::{Principal, Result};

/// Kind of the documents that are dashboards.
const KIND: DocumentKind = DocumentKind::Dashboard;

/// A widget as requests and responses have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WidgetFields {
    id: String,
    #[serde(rename = "type")]
    widget_type: WidgetType,
    x: i64,
    y: i64,
    w: i64,
    h: i64,
    #[serde(default)]
    config: Map<String, Value>,
}

impl From<Widget> for WidgetFields {
    fn from(Widget { id, widget_type, x, y, w, h, config }: Widget) -> Self {
        WidgetFields { id, widget_type, x, y, w, h, config }
    }
}

impl From<WidgetFields> for Widget {
    fn from(WidgetFields { id, widget_type, x, y, w, h, config }: WidgetFields) -> Self {
        Widget { id, widget_type, x, y, w, h, config }
    }
}

/// Reads every field of a dashboard except those that the server sets.
fn read_dashboard(fields: &mut FieldReader, spec: &mut DashboardSpec) {
    // All fields by name: one that is missing here does not compile.
    let DashboardSpec { handle: _, name, description, layout, is_default, created_by: _, pack: _ } = spec;
    fields.read("name", Required, 1..=MAX_NAME, name);
    fields.text_or_null("description", description);
    let mut widgets: Vec<WidgetFields> = std::mem::take(layout).into_iter().map(WidgetFields::from).collect();
    fields.objects("layout", &mut widgets);
    *layout = widgets.into_iter().map(Widget::from).collect();
    fields.read("is_default", Optional, (), is_default);
}

/// Reads the fields of a change onto a stored dashboard, or of a whole one in place of it.
fn change_dashboard(fields: &mut FieldReader, stored: &mut DashboardSpec) {
    if fields.is_whole() {
        *stored = stored.replaced_by(DashboardSpec::new(""));
    }
    read_dashboard(fields, stored);
}

impl Documents {
    /// Creates a dashboard in the name of the principal; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Documents::create_document`].
    pub async fn create_dashboard_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Arc<Document>> {
        self.check_may_change_documents(principal, KIND)?;
        let mut spec = DashboardSpec::new("");
        read_dashboard(&mut fields, &mut spec);
        fields.finish(spec.problems())?;
        spec.created_by = Some(self.store.catalog().users.caller_name(principal));
        self.create_document(principal, DocumentSpec::Dashboard(spec)).await
    }

    /// Changes the given fields of a dashboard. A whole row replaces it: absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `NotFound`; `Conflict` for another version than that of the fields, and for a dashboard
    /// of a pack.
    pub async fn update_dashboard_from_fields(
        &self,
        principal: &Principal,
        uuid: Uuid,
        mut given: FieldReader,
    ) -> Result<Arc<Document>> {
        let current = self.document_to_change(principal, KIND, uuid)?;
        let version = read_version(&mut given);
        let mut changed = current.dashboard().cloned().unwrap_or_else(|| DashboardSpec::new(""));
        let mut fields = given.clone();
        change_dashboard(&mut fields, &mut changed);
        fields.finish(changed.problems())?;
        // Read again onto the row stored by then: concurrent updates of different fields must both last.
        let change = move |stored: &mut DocumentSpec| {
            if let DocumentSpec::Dashboard(stored) = stored {
                change_dashboard(&mut given.clone(), stored);
            }
        };
        self.update_document(principal, (KIND, uuid), version, change).await
    }
}
