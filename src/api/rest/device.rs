//! `/api/device/`: devices and the state of their collectors.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::openapi::Schema;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::noun_schema::noun_fields;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, read_only};
use crate::app::App;
use crate::app::fields::noun::Noun;
use crate::app::fields::reader::ReadMode;
use crate::app::fields::shown::ShownRow;
use crate::domain::Resource;
use crate::domain::device::{Device, DeviceFilter, DeviceSpec, DeviceState, DeviceStatus, Protocol};
use crate::domain::latency_stats::LatencyStats;
use crate::domain::{DeviceId, Result};

/// Routes, documentation and schemas of devices.
pub fn section() -> Section {
    let (one, body, patch) =
        (schema::reference("Device"), schema::reference("NewDevice"), schema::reference("DeviceChange"));
    let list = Doc::new("device_list", "List devices, ordered by id")
        .query("name", schema::string(), "Only devices with exactly this name.")
        .query("protocol", schema::choice_of::<Protocol>(), "Only devices of this protocol.")
        .page()
        .answers(200, "The devices visible to the caller", schema::list(one.clone()));
    let create = Doc::new("device_create", "Create a device").body(body.clone());
    let replace = Doc::new("device_replace", "Replace a device; absent fields get their defaults").body(body);
    let update = Doc::new("device_update", "Change the given fields of a device").body(patch);
    let destroy = Doc::new("device_delete", "Delete a device")
        .about("Its data streams are deleted too, with their values, statistics and policies.");
    let right = RequiredAccess::Scope(Resource::Device);
    Section {
        name: "Devices",
        about: "Devices from which values are collected.",
        routes: vec![
            Route::gated("/api/device", right)
                .get(self::list, list)
                .post(self::create, create.answers(201, "The new device", one.clone())),
            Route::gated("/api/device/{id}", right)
                .get(
                    retrieve,
                    Doc::new("device_get", "Get a device").answers(200, "The requested device", one.clone()),
                )
                .put(self::update, replace.answers(200, "The replaced device", one.clone()))
                .patch(self::update, update.answers(200, "The changed device", one))
                .delete(self::destroy, destroy.answers_nothing("The device was deleted")),
            Route::gated("/api/device/{id}/status", right).get(
                status,
                Doc::new("device_status", "Get the collector counters of a device, since the server started")
                    .answers(200, "The counters", schema::reference("DeviceStatus")),
            ),
        ],
        schemas: vec![
            ("Device", schema::view(&described())),
            ("NewDevice", schema::body(&described())),
            ("DeviceChange", schema::patch(&described())),
            ("DeviceStatus", described_status()),
        ],
    }
}

pub(super) fn described() -> Vec<FieldSchema> {
    let status = vec![
        read_only("status", schema::choice_of::<DeviceState>()),
        read_only("last_error", schema::nullable(schema::string())),
        read_only("last_seen", schema::nullable(schema::time())),
        read_only("created_at", schema::time()),
        read_only("updated_at", schema::time()),
    ];
    let aliases = ["uuid", "key", "external_id"].map(|name| read_only(name, schema::string())).to_vec();
    noun_fields::<DeviceSpec>([aliases, status].concat())
}

fn described_status() -> Schema {
    let milliseconds = || schema::nullable(schema::number());
    let quantiles =
        || schema::view(&[read_only("p50", milliseconds()), read_only("p99", milliseconds())]).into();
    let errors = ["timeout", "refused", "protocol", "other"].map(|name| read_only(name, schema::count()));
    schema::view(&[
        read_only("state", schema::choice_of::<DeviceState>()),
        read_only("last_error", schema::nullable(schema::string())),
        read_only("last_seen", schema::nullable(schema::time())),
        read_only("clock_offset", schema::nullable(schema::number())),
        read_only("reads", schema::count()),
        read_only("errors", schema::view(&errors).into()),
        read_only("readings", schema::count()),
        read_only("reconnects", schema::count()),
        read_only("skipped", schema::count()),
        read_only("latency_ms", quantiles()),
        read_only("lateness_ms", quantiles()),
    ])
}

/// `GET /api/device`: the visible devices, ordered by id.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let filter = parse_filter(raw.as_deref())?;
    let devices = app.devices.devices(&caller, &filter)?;
    let view = move |device: &Arc<Device>| DeviceView::new(device, app.devices.status_of(device));
    Ok(array::respond(array::pieces_from_rows(devices, view)).await?)
}

/// `POST /api/device`: creates a device; absent fields get their defaults.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<DeviceView>), RestError> {
    app.devices.check_may_create_device(&caller)?;
    let device = app.devices.create_device_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(DeviceView::new(&device, app.devices.status_of(&device)))))
}

/// `GET /api/device/{id}`: one device with its state.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
) -> Result<Json<DeviceView>, RestError> {
    let device = app.devices.device(&caller, id)?;
    Ok(Json(DeviceView::new(&device, app.devices.status_of(&device))))
}

/// `PUT /api/device/{id}` replaces the settings; absent fields get their defaults. `PATCH` changes the given
/// settings.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
    body: DeferredJson,
) -> Result<Json<DeviceView>, RestError> {
    app.devices.device_to_change(&caller, id)?;
    let fields = body.change().await?;
    let device = app.devices.update_device_from_fields(&caller, id, fields).await?;
    Ok(Json(DeviceView::new(&device, app.devices.status_of(&device))))
}

/// `DELETE /api/device/{id}`: deletes the device with its streams and their rows.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
) -> Result<StatusCode, RestError> {
    app.devices.delete_device(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/device/{id}/status`: state and counters of the collector since the server started.
pub async fn status(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
) -> Result<Json<DeviceStatusView>, RestError> {
    let device = app.devices.device(&caller, id)?;
    Ok(Json(app.devices.status_of(&device).into()))
}

fn parse_filter(raw: Option<&str>) -> Result<DeviceFilter> {
    let mut query = QueryParams::parse(raw);
    let page = query.page();
    let filter = DeviceFilter {
        name: query.text("name").map(str::to_owned),
        protocol: query.choice("protocol"),
        page,
    };
    query.finish()?;
    Ok(filter)
}

/// A device in a response. The password is never included.
#[derive(Debug, Serialize)]
pub struct DeviceView {
    id: DeviceId,
    #[serde(flatten)]
    fields: ShownRow,
    uuid: String,
    key: String,
    external_id: String,
    status: &'static str,
    last_error: Option<String>,
    last_seen: Option<String>,
    created_at: String,
    updated_at: String,
}

impl DeviceView {
    pub(super) fn new(device: &Device, status: DeviceStatus) -> Self {
        Self {
            id: device.id,
            fields: device.spec.values(),
            uuid: device.aliases.uuid.to_string(),
            key: device.aliases.key.clone(),
            external_id: device.aliases.external_id.clone(),
            status: status.state.name(),
            last_error: status.last_error,
            last_seen: status.last_seen.map(|ts| ts.to_iso()),
            created_at: device.created_at.to_iso(),
            updated_at: device.updated_at.to_iso(),
        }
    }
}

/// Counters of a device's collector since the server started.
#[derive(Debug, Serialize)]
pub struct DeviceStatusView {
    state: &'static str,
    last_error: Option<String>,
    last_seen: Option<String>,
    clock_offset: Option<f64>,
    reads: u64,
    errors: ErrorsView,
    readings: u64,
    reconnects: u64,
    skipped: u64,
    latency_ms: QuantilesView,
    lateness_ms: QuantilesView,
}

/// Failed requests by kind, since the server started.
#[derive(Debug, Serialize)]
struct ErrorsView {
    timeout: u64,
    refused: u64,
    protocol: u64,
    other: u64,
}

/// Median and 99th percentile of recent requests or polls, milliseconds; null before the first.
#[derive(Debug, Serialize)]
struct QuantilesView {
    p50: Option<f64>,
    p99: Option<f64>,
}

impl From<DeviceStatus> for DeviceStatusView {
    fn from(status: DeviceStatus) -> Self {
        let errors = status.errors;
        Self {
            state: status.state.name(),
            last_error: status.last_error,
            last_seen: status.last_seen.map(|ts| ts.to_iso()),
            clock_offset: status.clock_offset_s,
            reads: status.reads,
            errors: ErrorsView {
                timeout: errors.timeout,
                refused: errors.refused,
                protocol: errors.protocol,
                other: errors.other,
            },
            readings: status.readings,
            reconnects: status.reconnects,
            skipped: status.skipped,
            latency_ms: status.latency.into(),
            lateness_ms: status.lateness.into(),
        }
    }
}

impl From<LatencyStats> for QuantilesView {
    fn from(timing: LatencyStats) -> Self {
        Self { p50: timing.p50_ms, p99: timing.p99_ms }
    }
}
