//! Type of dashboards of the schema.

use async_graphql::{Object, SimpleObject};
use serde_json::Value;

use super::pack::Pack;
use super::{TypedDocument, document_object, find, typed_document};
use crate::api::graphql::paging;
use crate::domain::document::{DashboardSpec, Widget};

/// Widgets that a dashboard is taken to have, for the complexity of a document; it may have 100.
const USUAL_WIDGETS: usize = 16;

/// Widgets in a grid.
pub struct Dashboard(TypedDocument<DashboardSpec>);

typed_document!(Dashboard, DashboardSpec, dashboard);

document_object! {
    #[Object]
    /// A dashboard: widgets in a grid of 24 columns.
    impl Dashboard(self) {
        /// Name of the dashboard, 1 to 255 characters; others may have the same.
        name: &str = &self.0.content()?.name;
        /// Free-text description of the dashboard; null for none.
        description: Option<&str> = self.0.content()?.description.as_deref();
        /// Widgets with their places, in the order of the dashboard.
        #[graphql(complexity = "paging::cost_of(USUAL_WIDGETS, child_complexity)")]
        layout: Vec<DashboardWidget> = self.0.content()?.layout.iter().map(DashboardWidget::from).collect();
        /// Whether it is shown first; of several the one changed last.
        is_default: bool = self.0.content()?.is_default;
        /// Creator of the dashboard: a user, or a key as `key:3`, of the MK platform as `key_3`; null for one of a pack.
        created_by: Option<&str> = self.0.content()?.created_by.as_deref();
    }
    with ctx {
        /// Pack by which the dashboard was installed; null for none.
        pack: Option<Pack> = find(ctx, self.0.content()?.pack);
    }
}

/// A widget of a dashboard and its place in the grid.
#[derive(SimpleObject)]
pub struct DashboardWidget {
    /// Id of the widget, unique in the dashboard.
    id: String,
    /// How it shows its sensors: `LINE`, `GAUGE`, `STAT`, `TABLE`, `MAP` or `TEXT`.
    #[graphql(name = "type")]
    widget_type: &'static str,
    /// First column, 0 to 23.
    x: i64,
    /// First row, from 0.
    y: i64,
    /// Width in columns of the grid.
    w: i64,
    /// Height in rows of the grid.
    h: i64,
    /// Configuration, as one JSON object; `sensorIds` has only streams that the caller may read.
    config: Value,
}

impl From<&Widget> for DashboardWidget {
    fn from(widget: &Widget) -> Self {
        let Widget { id, widget_type, x, y, w, h, config } = widget.clone();
        Self { id, widget_type: widget_type.name(), x, y, w, h, config: Value::Object(config) }
    }
}
