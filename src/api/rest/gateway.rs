//! `/api/device/{id}/session/` and `/log/`: what gateways report about devices.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::Id;
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, required};
use crate::app::App;
use crate::app::gateway::log::LogKind;
use crate::app::gateway::session::SessionEvent;
use crate::domain::{DeviceId, Resource, Result};

/// Routes, documentation and schemas of gateways' reports.
pub fn section() -> Section {
    let session = Doc::new("device_session", "Report a session, pairing or installation of a device")
        .about("The other members of the body are passed on to those who follow.")
        .body(schema::reference("SessionReport"))
        .answers(202, "The report was passed on", schema::map());
    let log = Doc::new("device_log", "Report lines of a container's log")
        .about("At most 1,000 lines; `timestamp` is in milliseconds since 1970.")
        .body(schema::reference("LogReport"))
        .answers(202, "The lines were kept", schema::map());
    let right = RequiredAccess::Scope(Resource::Device);
    Section {
        name: "Gateways",
        about: "Reports of gateways about their devices.",
        routes: vec![
            Route::gated("/api/device/{id}/session", right).post(self::report_session, session),
            Route::gated("/api/device/{id}/log", right).post(self::report_log, log),
        ],
        schemas: vec![
            ("SessionReport", schema::body(&described_session())),
            ("LogReport", schema::body(&described_log())),
            ("LogReportLine", schema::body(&described_line())),
        ],
    }
}

fn described_session() -> Vec<FieldSchema> {
    vec![required("event", schema::choice_of::<SessionEvent>())]
}

fn described_log() -> Vec<FieldSchema> {
    vec![
        required("container", schema::text(1, 100)),
        required("lines", schema::list(schema::reference("LogReportLine"))),
    ]
}

fn described_line() -> Vec<FieldSchema> {
    vec![
        required("timestamp", schema::integer(0, 9_214_646_399_999)),
        required("type", schema::choice_of::<LogKind>()),
        required("message", schema::text(0, 10_000)),
    ]
}

/// The body of a response that says nothing.
#[derive(Debug, Serialize)]
pub struct EmptyView {}

/// `POST /api/device/{id}/session`: stores and passes on a report about the device.
pub async fn report_session(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<EmptyView>), RestError> {
    app.devices.device_to_change(&caller, id)?;
    app.gateway.report_session_from_json(&caller, id, body.object().await?).await?;
    Ok((StatusCode::ACCEPTED, Json(EmptyView {})))
}

/// `POST /api/device/{id}/log`: keeps and passes on lines of a container's log.
pub async fn report_log(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<EmptyView>), RestError> {
    app.devices.device_to_change(&caller, id)?;
    app.gateway.report_log_from_json(&caller, id, body.object().await?)?;
    Ok((StatusCode::ACCEPTED, Json(EmptyView {})))
}
