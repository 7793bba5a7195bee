//! `GET /device/v1/devices/{id}/{container}/logs`: lines that the software on a gateway has written.

use axum::Json;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;

use super::data_query::DataParameters;
use super::device_view::millis;
use super::mistakes::Location;
use super::{Answer, Cloud, ProjectCaller};
use crate::app::gateway::log::{LogLine, LogQuery};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Micros};

/// Software that a gateway can run.
pub const CONTAINERS: [&str; 7] = [
    "gate",
    "eclipse-mosquitto",
    "koenkk-zigbee2mqtt",
    "instathings-knx2mqtt",
    "instathings-modbus2mqtt",
    "instathings-http2mqtt",
    "nodered-node-red",
];
/// Maximum number of lines: the newest of the range.
const MAX_LINES: usize = 1000;
/// The range unless the caller says otherwise.
const DEFAULT_RANGE_US: i64 = 3600 * MICROS_PER_SECOND;

/// A line of a log. Times are in milliseconds since 1970.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LineView<'a> {
    timestamp: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
    ingestion_time: i64,
}

/// Returns lines by time ascending.
///
/// # Errors
/// 400 for an unknown container, a time that is no number, or one of the two times alone; 404 when there is no such
/// gateway.
pub fn list(cloud: &Cloud, caller: &ProjectCaller, id: &str, container: &str, query: &str) -> Answer {
    let mut members = DataParameters::parse(query);
    let range = members.range();
    for (name, other) in [("start", "end"), ("end", "start")] {
        if members.text(name).is_none() && members.text(other).is_some() {
            members.mistakes.add(Location::Query, name, None);
        }
    }
    if !CONTAINERS.contains(&container) {
        members.mistakes.add(Location::Params, "containerId", Some(Value::from(container)));
    }
    members.mistakes.check()?;
    let device = cloud.device(caller, id)?;
    if !cloud.viewer(caller).is_gateway(&device)? {
        return Err(Error::not_found().into());
    }
    let (from, to) = match range {
        (Some(from), Some(to)) => (from, to),
        _ => (Micros(cloud.app.now().0.saturating_sub(DEFAULT_RANGE_US)), Micros(i64::MAX)),
    };
    let query = LogQuery { device: device.id, container: container.to_owned(), from, to, limit: MAX_LINES };
    let lines = cloud.app.gateway.container_log(&caller.principal, query)?;
    Ok(Json(lines.iter().map(LineView::from).collect::<Vec<_>>()).into_response())
}

impl<'a> From<&'a LogLine> for LineView<'a> {
    fn from(line: &'a LogLine) -> Self {
        LineView {
            timestamp: millis(line.ts),
            kind: line.kind.name(),
            message: &line.message,
            ingestion_time: millis(line.ingested_at),
        }
    }
}
