//! Dashboards and annotation classes as an inventory file has them. Those of packs come with their pack.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::FieldError;
use crate::domain::annotation::ScopeType;
use crate::domain::document::{
    AnnotationClassSpec, AnnotationField, DashboardSpec, DocumentContent, Widget, WidgetType,
};

/// Member of a widget's configuration that names its streams, by their ids in APIs.
const SENSOR_IDS: &str = "sensorIds";

/// How a file spells an annotation class; it does not say what the class belongs to.
#[derive(Serialize, Deserialize)]
#[serde(remote = "AnnotationClassSpec", deny_unknown_fields)]
pub struct FileAnnotationClass {
    pub key: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    pub scopes: Vec<ScopeType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<AnnotationField>,
    #[serde(skip)]
    pub pack: Option<Uuid>,
}

/// Text between the name of a device and that of its stream.
pub const STREAM_SEPARATOR: &str = " / ";

/// A dashboard. A file tells dashboards apart by their name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDashboard {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default)]
    pub is_default: bool,
    pub layout: Vec<FileWidget>,
}

/// A widget of a dashboard: place and size in columns and rows of the grid, and its streams by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileWidget {
    pub id: String,
    #[serde(rename = "type")]
    pub widget_type: WidgetType,
    pub x: i64,
    pub y: i64,
    pub w: i64,
    pub h: i64,
    /// Streams that it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensors: Vec<FileSensor>,
    /// Its other content, without `sensorIds`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
}

/// A stream by the names of its device and its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSensor {
    pub device: String,
    pub stream: String,
}

impl FileSensor {
    /// Name of the stream among those of all devices.
    pub fn row_name(&self) -> String {
        stream_row_name(&self.device, &self.stream)
    }
}

/// Name of a stream among those of all devices.
pub fn stream_row_name(device: &str, stream: &str) -> String {
    format!("{device}{STREAM_SEPARATOR}{stream}")
}

impl FileDashboard {
    /// A dashboard as a file has it. Streams that `sensor` does not find are left out.
    pub fn new(dashboard: &DashboardSpec, sensor: impl Fn(Uuid) -> Option<FileSensor>) -> Self {
        let DashboardSpec { name, description, layout, is_default, .. } = dashboard.clone();
        let layout = layout.into_iter().map(|widget| {
            let Widget { id, widget_type, x, y, w, h, mut config } = widget;
            let ids = config.remove(SENSOR_IDS).unwrap_or_default();
            let ids = ids.as_array().into_iter().flatten().filter_map(Value::as_str);
            let sensors = ids.filter_map(|id| sensor(Uuid::try_parse(id).ok()?)).collect();
            FileWidget { id, widget_type, x, y, w, h, sensors, config }
        });
        Self { layout: layout.collect(), name, description, is_default }
    }

    /// The streams of its widgets.
    pub fn sensors(&self) -> impl Iterator<Item = &FileSensor> {
        self.layout.iter().flat_map(|widget| &widget.sensors)
    }

    /// The dashboard with the ids of its streams.
    ///
    /// # Errors
    /// The error of `sensor`, unchanged.
    pub fn spec<E>(&self, sensor: impl Fn(&FileSensor) -> Result<Uuid, E>) -> Result<DashboardSpec, E> {
        let mut layout = Vec::with_capacity(self.layout.len());
        for widget in &self.layout {
            let FileWidget { id, widget_type, x, y, w, h, sensors, mut config } = widget.clone();
            if !sensors.is_empty() {
                let ids = sensors.iter().map(|one| sensor(one).map(|uuid| Value::from(uuid.to_string())));
                config.insert(SENSOR_IDS.to_owned(), Value::Array(ids.collect::<Result<_, E>>()?));
            }
            layout.push(Widget { id, widget_type, x, y, w, h, config });
        }
        let FileDashboard { name, description, is_default, .. } = self.clone();
        Ok(DashboardSpec { description, is_default, layout, ..DashboardSpec::new(name) })
    }

    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let nil = |_: &FileSensor| Ok::<_, std::convert::Infallible>(Uuid::nil());
        let mut found = match self.spec(nil) {
            Ok(spec) => spec.problems(),
            Err(never) => match never {},
        };
        for (index, widget) in self.layout.iter().enumerate() {
            if widget.config.contains_key(SENSOR_IDS) {
                let field = format!("layout[{index}].config.sensorIds");
                found.push(FieldError::new(field, "must be given as sensors, each with device and stream"));
            }
        }
        found
    }
}
