//! The board of the demo: the plant at a glance, on the overview. Widgets have the configuration that the web application reads.

use serde_json::{Map, Value, json};

use super::catalog::{DemoStreams, FURNACE, MOTOR, TANK};
use crate::app::App;
use crate::domain::document::{DashboardSpec, DocumentKind, DocumentSpec, Widget, WidgetType};
use crate::domain::{Principal, Result};

/// Streams of the table, by device and name.
const SUMMARIZED: [(&str, &str); 7] = [
    (FURNACE, "furnace.power"),
    (FURNACE, "furnace.temperature"),
    (MOTOR, "motor.current"),
    (MOTOR, "motor.speed"),
    (MOTOR, "motor.vibration"),
    (TANK, "tank.inlet"),
    (TANK, "tank.level"),
];

/// Text on the board: the plant is simulated, and so is its past.
const NOTE: &str = "Everything here is simulated. Readings and alarms from before the first start of the demo were calculated then, so \
                    that trends, statistics and comparisons have a week to show: look at the last 7 days in Trend, and at the named \
                    queries plant-… in SQL. Later ones were read from the simulated devices.";

/// Column, row, columns and rows of a widget.
type GridCell = [i64; 4];

/// Creates the board, unless the organization has any. An owner who renamed or deleted streams of it does not want it.
pub(super) async fn create(app: &App, owner: &Principal) -> Result<()> {
    if !app.documents.documents(owner, DocumentKind::Dashboard)?.is_empty() {
        return Ok(());
    }
    let Some(layout) = layout(&DemoStreams::load(app, owner)?) else { return Ok(()) };
    let spec = DashboardSpec {
        description: Some("The simulated motor, tank and furnace.".to_owned()),
        layout,
        is_default: true,
        created_by: Some(owner.caller.to_string()),
        ..DashboardSpec::new("Plant")
    };
    app.documents.create_document(owner, DocumentSpec::Dashboard(spec)).await?;
    Ok(())
}

/// Returns the widgets; `None` when one of their streams is not there.
fn layout(streams: &DemoStreams) -> Option<Vec<Widget>> {
    let mut widgets = current_values(streams)?;
    widgets.extend(trends(streams)?);
    widgets.push(widget(
        WidgetType::Table,
        [0, 15, 14, 6],
        "The last five minutes",
        [("view", json!("sql")), ("query", json!(summary_query(streams)?))],
    ));
    widgets.push(widget(WidgetType::Table, [14, 15, 10, 6], "Events", [("view", json!("events"))]));
    widgets.push(widget(WidgetType::Text, [0, 21, 24, 3], "Simulated", [("text", json!(NOTE))]));
    for (index, widget) in widgets.iter_mut().enumerate() {
        widget.id = format!("w{}", index + 1);
    }
    Some(widgets)
}

/// Returns gauges, values, and the button that writes.
fn current_values(streams: &DemoStreams) -> Option<Vec<Widget>> {
    let (stat, gauge) = (WidgetType::Stat, WidgetType::Gauge);
    let shown = |device, name| Some(("sensorIds", json!([streams.find(device, name)?.uuid])));
    let range = |least: i64, most: i64| [("least", json!(least)), ("most", json!(most))];
    let [coldest, hottest] = range(0, 1000);
    let [empty, full] = range(0, 100);
    let slow_down = [shown(MOTOR, "motor.setpoint")?, ("view", json!("write")), ("value", json!(1200))];
    Some(vec![
        widget(
            gauge,
            [0, 0, 5, 6],
            "Furnace temperature",
            [shown(FURNACE, "furnace.temperature")?, coldest, hottest],
        ),
        widget(gauge, [5, 0, 5, 6], "Tank level", [shown(TANK, "tank.level")?, empty, full]),
        widget(stat, [10, 0, 7, 3], "Motor speed", [shown(MOTOR, "motor.speed")?]),
        widget(stat, [17, 0, 7, 3], "Motor current", [shown(MOTOR, "motor.current")?]),
        widget(stat, [10, 3, 7, 3], "Furnace power", [shown(FURNACE, "furnace.power")?]),
        widget(stat, [17, 3, 7, 3], "Motor setpoint", slow_down),
    ])
}

/// Returns the lines, and how long the motor was running.
fn trends(streams: &DemoStreams) -> Option<Vec<Widget>> {
    let line = WidgetType::Line;
    let shown = |device, names: [&str; 2]| {
        let [first, second] = names.map(|name| streams.find(device, name).map(|stream| stream.uuid));
        Some(("sensorIds", json!([first?, second?])))
    };
    let running = json!([streams.find(MOTOR, "motor.running")?.uuid]);
    let (furnace, tank) = (["furnace.temperature", "furnace.setpoint"], ["tank.inlet", "tank.outlet"]);
    let states = [("sensorIds", running), ("view", json!("states"))];
    Some(vec![
        widget(line, [0, 6, 24, 3], "Motor running", states),
        widget(line, [0, 9, 12, 6], "Furnace temperature and setpoint", [shown(FURNACE, furnace)?]),
        widget(line, [12, 9, 12, 6], "Tank inlet and outlet", [shown(TANK, tank)?]),
    ])
}

/// Returns a widget that has no id yet.
fn widget<const N: usize>(
    widget_type: WidgetType,
    [x, y, w, h]: GridCell,
    title: &str,
    members: [(&str, Value); N],
) -> Widget {
    let title = std::iter::once(("title", json!(title)));
    let config: Map<_, _> = title.chain(members).map(|(name, value)| (name.to_owned(), value)).collect();
    Widget { id: String::new(), widget_type, x, y, w, h, config }
}

/// Returns the statement of the table. It names streams by their ids, so that it reads no others.
fn summary_query(streams: &DemoStreams) -> Option<String> {
    let id = |(device, name)| streams.find(device, name).map(|stream| stream.id.to_string());
    let ids = SUMMARIZED.into_iter().map(id).collect::<Option<Vec<_>>>()?.join(", ");
    Some(format!(
        "SELECT s.name AS stream, min(r.value) AS lowest, avg(r.value) AS mean, max(r.value) AS highest, s.unit
FROM readings r JOIN streams s ON s.id = r.stream_id
WHERE r.stream_id IN ({ids}) AND r.ts > now() - INTERVAL '5 minutes'
GROUP BY s.name, s.unit ORDER BY s.name"
    ))
}
