//! `/devices/{id}/health`: what devices report of themselves.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Answer;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{iso, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::readings::list::{PageQuery, ReadingSpan};
use crate::domain::device_health::HealthReport;
use crate::domain::{Error, Kind};

const TITLE: &str = "Device";

/// The operations.
pub fn section() -> Section {
    let number = || nullable(schema::number());
    let text = || nullable(schema::string());
    let fields = [
        schema::required("deviceId", id()),
        schema::required("timestamp", schema::time()),
        schema::required("uptimeSeconds", number()),
        schema::required("freeHeapBytes", number()),
        schema::required("signalStrengthDbm", number()),
        schema::required("connectionType", text()),
        schema::required("readingsSent", number()),
        schema::required("readingsDropped", number()),
        schema::required("firmwareVersion", text()),
    ];
    let latest_doc = Doc::new("getDeviceHealth", "Get the newest health report of a device").answers(
        200,
        "Newest report of the device about itself.",
        schema::reference("DeviceHealth"),
    );
    let history_doc = Doc::new("listDeviceHealth", "List the health reports of a device, the newest first")
        .about("Reports are kept for 30 days. `sort` takes `timestamp`.")
        .query("from", schema::time_input(), "First time; a day before the end by default.")
        .query("to", schema::time_input(), "End, which is not included; now by default.");
    let history_doc = paged(history_doc).answers(200, "A page of reports.", page_of("DeviceHealth"));
    Section {
        name: "Health",
        about: "Reports of devices about themselves.",
        endpoints: vec![
            Endpoint::get("/api/v1/devices/{id}/health", latest, latest_doc),
            Endpoint::get("/api/v1/devices/{id}/health/history", history, history_doc),
        ],
        schemas: vec![("DeviceHealth", schema::object(&fields))],
    }
}

async fn latest(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = |error| MkError::named(error, TITLE, *id);
    let device = app.devices.device_by_uuid(&caller.principal, *id).map_err(named)?;
    let report = app.readings.device_health(&caller.principal, device.id).map_err(named)?;
    let none = || Error::new(Kind::NotFound, "No health for device");
    Ok(ok(view(*id, report.ok_or_else(none)?)))
}

async fn history(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, query: Query) -> Answer {
    let named = |error| MkError::named(error, TITLE, *id);
    let device = app.devices.device_by_uuid(&caller.principal, *id).map_err(named)?;
    let (from, to) = query.range(app.now())?;
    let page = query.page(&["timestamp"])?;
    let newest_first = page.sort.first().is_none_or(|order| order.is_descending);
    let span = ReadingSpan { from, to };
    let wanted = PageQuery { span, newest_first, offset: page.offset(), limit: page.size };
    let (reports, total) =
        app.readings.device_health_history(&caller.principal, device.id, wanted).await.map_err(named)?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    Ok(ok(page.page(reports, total).map(|report| view(*id, report))))
}

fn view(device: Uuid, report: HealthReport) -> Value {
    let mut view = Map::from_iter([
        ("deviceId".to_owned(), Value::from(device.to_string())),
        ("timestamp".to_owned(), Value::from(iso(report.ts))),
    ]);
    view.extend(report.members);
    Value::Object(view)
}
