//! Dashboards: widgets in a grid of 24 columns. What draws them is not here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::rules::{MAX_NAME, MAX_TEXT, check_optional, check_required};
use super::{DocumentContent, RowVisibility};
use crate::domain::FieldError;
use crate::domain::named_enum::named_enum;
use crate::domain::validation::json_bytes;

/// Columns of the grid.
pub const COLUMNS: i64 = 24;
/// Most widgets of a dashboard.
pub const MAX_WIDGETS: usize = 100;
/// Most rows of the grid.
pub const MAX_ROWS: i64 = 10_000;
/// Most sensors of a widget.
pub const MAX_WIDGET_SENSORS: usize = 100;
/// Most characters of the id of a widget.
pub const MAX_WIDGET_ID: usize = 64;
/// Most bytes of the JSON of a widget's configuration.
pub const MAX_CONFIG_BYTES: usize = 16 << 10;
/// Names of aggregations, in any case.
pub const AGGREGATIONS: [&str; 6] = ["avg", "min", "max", "sum", "count", "last"];
/// Most characters of a duration.
const MAX_DURATION: usize = 32;

named_enum! {
    /// How a widget shows its sensors.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum WidgetType {
        /// Values over time.
        Line = "LINE",
        /// The newest value between its bounds.
        Gauge = "GAUGE",
        /// One number.
        Stat = "STAT",
        /// Rows of values.
        Table = "TABLE",
        /// Places of devices.
        Map = "MAP",
        /// A text of the configuration.
        Text = "TEXT",
    }
}

/// A widget and its place in the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Widget {
    /// 1..=64 characters, unique in the dashboard.
    pub id: String,
    /// How it shows its sensors.
    pub widget_type: WidgetType,
    /// First column, 0..=23.
    pub x: i64,
    /// First row, 0..=9999.
    pub y: i64,
    /// Columns; the last one is within the grid.
    pub w: i64,
    /// Rows, 1..=10000.
    pub h: i64,
    /// Settings of its content, at most 16 KiB of JSON. `sensorIds`, `interval` and `aggregation` have a meaning here, other members
    /// only for what draws the widget. A sensor that does not exist is drawn empty.
    pub config: Map<String, Value>,
}

/// Settable fields of a dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DashboardSpec {
    /// Tells the dashboard from all others; fixed. Dashboards have no name that is unique.
    pub handle: Uuid,
    /// 1..=255 characters.
    pub name: String,
    /// At most 4000 characters.
    pub description: Option<String>,
    /// At most 100 widgets.
    pub layout: Vec<Widget>,
    /// Whether it is shown first; of several the one changed last.
    pub is_default: bool,
    /// Creator, as APIs show it; `None` for a pack.
    pub created_by: Option<String>,
    /// Pack that installed it.
    pub pack: Option<Uuid>,
}

impl DashboardSpec {
    /// An empty dashboard of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            handle: Uuid::new_v4(),
            name: name.into(),
            description: None,
            layout: Vec::new(),
            is_default: false,
            created_by: None,
            pack: None,
        }
    }

    /// Content to store when this dashboard is replaced by another one.
    pub fn replaced_by(&self, new: DashboardSpec) -> DashboardSpec {
        let DashboardSpec { handle, created_by, pack, .. } = self.clone();
        DashboardSpec { handle, created_by, pack, ..new }
    }

    /// The part that another pack of the same content has, too.
    pub fn content(&self) -> DashboardSpec {
        DashboardSpec { handle: Uuid::nil(), created_by: None, pack: None, ..self.clone() }
    }
}

impl DocumentContent for DashboardSpec {
    fn unique_name(&self) -> String {
        self.handle.to_string()
    }

    fn unique_title(&self) -> String {
        "This dashboard exists".to_owned()
    }

    fn pack(&self) -> Option<Uuid> {
        self.pack
    }

    fn pack_mut(&mut self) -> Option<&mut Option<Uuid>> {
        Some(&mut self.pack)
    }

    fn retain_visible(&mut self, rows: &dyn RowVisibility) {
        let is_seen = |id: &Value| {
            let uuid = id.as_str().and_then(|id| Uuid::try_parse(id).ok());
            uuid.is_some_and(|uuid| rows.sees_sensor(uuid))
        };
        for widget in &mut self.layout {
            if let Some(Value::Array(sensors)) = widget.config.get_mut("sensorIds") {
                sensors.retain(is_seen);
            }
        }
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        check_optional(&mut found, "description", self.description.as_deref().unwrap_or_default(), MAX_TEXT);
        if self.layout.len() > MAX_WIDGETS {
            found.push(FieldError::new("layout", format!("size must be between 0 and {MAX_WIDGETS}")));
            return found;
        }
        for (index, widget) in self.layout.iter().enumerate() {
            let path = format!("layout[{index}]");
            widget.add_problems(&mut found, &path);
            if self.layout[..index].iter().any(|other| other.id == widget.id) {
                found.push(FieldError::new(format!("{path}.id"), "must be unique"));
            }
        }
        found
    }
}

impl Widget {
    fn add_problems(&self, found: &mut Vec<FieldError>, path: &str) {
        let Widget { id, x, y, w, h, config, .. } = self;
        check_required(found, &format!("{path}.id"), id, MAX_WIDGET_ID);
        let mut within = |name: &str, value: i64, least: i64, most: i64| {
            let is_within = (least..=most).contains(&value);
            if !is_within {
                let message = format!("must be between {least} and {most}");
                found.push(FieldError::new(format!("{path}.{name}"), message));
            }
            is_within
        };
        let is_placed = within("x", *x, 0, COLUMNS - 1);
        within("y", *y, 0, MAX_ROWS - 1);
        if is_placed {
            within("w", *w, 1, COLUMNS - x);
        }
        within("h", *h, 1, MAX_ROWS);
        add_config_problems(found, &format!("{path}.config"), config);
    }
}

fn add_config_problems(found: &mut Vec<FieldError>, path: &str, config: &Map<String, Value>) {
    if json_bytes(config) > MAX_CONFIG_BYTES {
        let message = format!("must have at most {MAX_CONFIG_BYTES} bytes of JSON");
        found.push(FieldError::new(path.to_owned(), message));
        return;
    }
    let member = |name: &str| config.get(name).filter(|value| !value.is_null());
    if let Some(sensors) = member("sensorIds") {
        let message = sensor_ids_message(sensors);
        found.extend(message.map(|message| FieldError::new(format!("{path}.sensorIds"), message)));
    }
    if member("interval").is_some_and(|interval| !interval.as_str().is_some_and(is_duration)) {
        let message = "must be an ISO-8601 duration such as PT5M";
        found.push(FieldError::new(format!("{path}.interval"), message));
    }
    let is_known = |name: &str| AGGREGATIONS.iter().any(|known| known.eq_ignore_ascii_case(name));
    if member("aggregation").is_some_and(|name| !name.as_str().is_some_and(is_known)) {
        let message = format!("must be one of {}", AGGREGATIONS.join(", "));
        found.push(FieldError::new(format!("{path}.aggregation"), message));
    }
}

fn sensor_ids_message(sensors: &Value) -> Option<String> {
    let is_id = |id: &Value| id.as_str().is_some_and(|id| Uuid::try_parse(id).is_ok());
    match sensors.as_array() {
        Some(ids) if ids.len() > MAX_WIDGET_SENSORS => {
            Some(format!("size must be between 0 and {MAX_WIDGET_SENSORS}"))
        }
        Some(ids) if ids.iter().all(is_id) => None,
        _ => Some("must be a list of UUIDs".to_owned()),
    }
}

/// Whether a text is a duration in ISO-8601 that is not zero, such as `PT5M` or `P1DT12H`.
fn is_duration(text: &str) -> bool {
    let Some(parts) = text.strip_prefix('P').filter(|_| text.len() <= MAX_DURATION) else { return false };
    let (date, time) = parts.split_once('T').map_or((parts, None), |(date, time)| (date, Some(time)));
    let has_units =
        has_parts(date, "YMWD") && time.is_none_or(|time| !time.is_empty() && has_parts(time, "HMS"));
    has_units && text.chars().any(|digit| matches!(digit, '1'..='9'))
}

/// Whether a text is made of numbers, each with one of the units behind it, which come in their order.
fn has_parts(mut text: &str, mut units: &str) -> bool {
    while !text.is_empty() {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at(digits);
        let Some(unit) = rest.chars().next().filter(|_| !number.is_empty()) else { return false };
        let Some((_, later)) = units.split_once(unit) else { return false };
        (text, units) = (rest.get(unit.len_utf8()..).unwrap_or_default(), later);
    }
    true
}

#[cfg(test)]
#[path = "dashboard_tests.rs"]
mod tests;
