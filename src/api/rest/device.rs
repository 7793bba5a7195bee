//! `/api/device/`: devices and what their collectors say of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::Schema;

use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use super::query::Query;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, kept, optional, required, shown};
use crate::app::App;
use crate::app::device::problems;
use crate::domain::Resource;
use crate::domain::device::{Device, DeviceFilter, DeviceSpec, DeviceState, DeviceStatus, Protocol};
use crate::domain::timing::Timing;
use crate::domain::{DeviceId, Principal, Result};

pub fn section() -> Section {
    let (one, body, patch) =
        (shape::named("Device"), shape::named("NewDevice"), shape::named("DeviceChange"));
    let list = Doc::new("device_list", "Devices, by id")
        .query("name", shape::words(), "Exactly this name.")
        .query("protocol", shape::choice(Protocol::ALL.map(Protocol::name)), "Spoken to in this way.")
        .page()
        .answers(200, "Those the caller sees", shape::list(one.clone()));
    let create = Doc::new("device_create", "A new device").body(body.clone());
    let replace = Doc::new("device_replace", "Replaces it; absent fields get their defaults").body(body);
    let update = Doc::new("device_update", "Changes the fields that are given").body(patch);
    let destroy = Doc::new("device_delete", "Deletes it")
        .about("With its data, their values, statistics and policies.");
    let right = Right::Scope(Resource::Device);
    Section {
        name: "Devices",
        about: "Where values come from.",
        routes: vec![
            Route::gated("/api/device", right)
                .get(self::list, list)
                .post(self::create, create.answers(201, "As stored", one.clone())),
            Route::gated("/api/device/{id}", right)
                .get(retrieve, Doc::new("device_get", "One device").answers(200, "It", one.clone()))
                .put(self::replace, replace.answers(200, "As stored", one.clone()))
                .patch(self::update, update.answers(200, "As stored", one))
                .delete(self::destroy, destroy.answers_nothing("It is gone")),
            Route::gated("/api/device/{id}/status", right).get(
                status,
                Doc::new("device_status", "Its collector in numbers, since the start of the server").answers(
                    200,
                    "The numbers",
                    shape::named("DeviceStatus"),
                ),
            ),
        ],
        schemas: vec![
            ("Device", shape::view(&described())),
            ("NewDevice", shape::body(&described())),
            ("DeviceChange", shape::patch(&described())),
            ("DeviceStatus", described_status()),
        ],
    }
}

fn described() -> Vec<Field> {
    vec![
        shown("id", shape::row()),
        required("name", shape::text(1, 100)),
        required("protocol", shape::choice(Protocol::ALL.map(Protocol::name))),
        optional("host", shape::text(0, 255), ""),
        optional("port", shape::or_null(shape::integer(1, 65_535)), Value::Null),
        optional("unit", shape::integer(0, 255), 1),
        optional("username", shape::text(0, 1000), ""),
        kept("password", shape::secret()),
        optional("timeout", shape::number_within(0.1, 60.0), 3.0),
        optional("poll_interval", shape::or_null(shape::number_within(0.1, 86_400.0)), 1.0),
        optional("byteorder", shape::choice(["little", "big"]), "little"),
        optional("enabled", shape::boolean(), true),
        optional("metadata", shape::map(), Map::new()),
        shown("status", shape::choice(DeviceState::ALL.map(DeviceState::name))),
        shown("last_error", shape::or_null(shape::words())),
        shown("last_seen", shape::or_null(shape::time())),
        shown("created_at", shape::time()),
        shown("updated_at", shape::time()),
    ]
}

fn described_status() -> Schema {
    let milliseconds = || shape::or_null(shape::number());
    let quantiles = || shape::view(&[shown("p50", milliseconds()), shown("p99", milliseconds())]).into();
    let errors = ["timeout", "refused", "protocol", "other"].map(|name| shown(name, shape::count()));
    shape::view(&[
        shown("state", shape::choice(DeviceState::ALL.map(DeviceState::name))),
        shown("last_error", shape::or_null(shape::words())),
        shown("last_seen", shape::or_null(shape::time())),
        shown("reads", shape::count()),
        shown("errors", shape::view(&errors).into()),
        shown("readings", shape::count()),
        shown("reconnects", shape::count()),
        shown("skipped", shape::count()),
        shown("latency_ms", quantiles()),
        shown("lateness_ms", quantiles()),
    ])
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let filter = parse_filter(raw.as_deref())?;
    let devices = app.devices(&caller, &filter)?;
    let view = move |device: &Arc<Device>| DeviceView::new(device, app.status_of(device));
    Ok(array::respond(array::of_rows(devices, view)).await?)
}

pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<(StatusCode, Json<DeviceView>), RestError> {
    app.check_may_create_device(&caller)?;
    let device = make(&app, &caller, body.fields(Mode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(DeviceView::new(&device, app.status_of(&device)))))
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
) -> Result<Json<DeviceView>, RestError> {
    let device = app.device(&caller, id)?;
    Ok(Json(DeviceView::new(&device, app.status_of(&device))))
}

pub async fn replace(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
    body: Unread,
) -> Result<Json<DeviceView>, RestError> {
    app.device_to_change(&caller, id)?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut spec = blank();
    read_onto(&mut fields, &mut spec);
    fields.finish(problems(&spec))?;
    let device = app.update_device(&caller, id, move |stored| *stored = spec.clone()).await?;
    Ok(Json(DeviceView::new(&device, app.status_of(&device))))
}

pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
    body: Unread,
) -> Result<Json<DeviceView>, RestError> {
    app.device_to_change(&caller, id)?;
    let device = change(&app, &caller, id, body.fields(Mode::Partial).await?).await?;
    Ok(Json(DeviceView::new(&device, app.status_of(&device))))
}

pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
) -> Result<StatusCode, RestError> {
    app.delete_device(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn status(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<DeviceId>,
) -> Result<Json<StatusView>, RestError> {
    let device = app.device(&caller, id)?;
    Ok(Json(app.status_of(&device).into()))
}

fn parse_filter(raw: Option<&str>) -> Result<DeviceFilter> {
    let mut query = Query::parse(raw);
    let page = query.page();
    let filter = DeviceFilter {
        name: query.text("name").map(str::to_owned),
        protocol: query.choice("protocol"),
        page,
    };
    query.finish()?;
    Ok(filter)
}

/// A new device of the fields of a body.
pub(in crate::api) async fn make(app: &App, who: &Principal, mut fields: Fields) -> Result<Arc<Device>> {
    app.check_may_create_device(who)?;
    let mut spec = blank();
    read_onto(&mut fields, &mut spec);
    fields.finish(problems(&spec))?;
    app.create_device(who, spec).await
}

/// Changes the fields of a device that are given.
pub(in crate::api) async fn change(
    app: &App,
    who: &Principal,
    id: DeviceId,
    patch: Fields,
) -> Result<Arc<Device>> {
    let current = app.device_to_change(who, id)?;
    let (mut fields, mut tried) = (patch.clone(), current.spec.clone());
    read_onto(&mut fields, &mut tried);
    fields.finish(problems(&tried))?;
    // Merged again onto what is stored by then: two updates of different fields must both last.
    app.update_device(who, id, move |stored| read_onto(&mut patch.clone(), stored)).await
}

/// Every default; the required fields hold what fails or is replaced.
fn blank() -> DeviceSpec {
    DeviceSpec::new("", Protocol::Virtual)
}

fn read_onto(fields: &mut Fields, spec: &mut DeviceSpec) {
    fields.text("name", Need::Required, &mut spec.name);
    fields.choice("protocol", Need::Required, &mut spec.protocol);
    fields.text("host", Need::Optional, &mut spec.host);
    fields.integer_or_null("port", 1..=65_535, &mut spec.port);
    fields.integer("unit", 0..=255, &mut spec.unit);
    fields.text("username", Need::Optional, &mut spec.username);
    fields.secret("password", &mut spec.password);
    fields.number("timeout", &mut spec.timeout_s);
    fields.number_or_null("poll_interval", &mut spec.poll_interval_s);
    fields.choice("byteorder", Need::Optional, &mut spec.byteorder);
    fields.boolean("enabled", &mut spec.enabled);
    fields.object("metadata", &mut spec.metadata);
}

/// A device as shown. The password never is.
#[derive(Debug, Serialize)]
pub struct DeviceView {
    id: DeviceId,
    name: String,
    protocol: &'static str,
    host: String,
    port: Option<u16>,
    unit: u8,
    username: String,
    timeout: f64,
    poll_interval: Option<f64>,
    byteorder: &'static str,
    enabled: bool,
    metadata: Map<String, Value>,
    status: &'static str,
    last_error: Option<String>,
    last_seen: Option<String>,
    created_at: String,
    updated_at: String,
}

impl DeviceView {
    pub(super) fn new(device: &Device, status: DeviceStatus) -> Self {
        let spec = device.spec.clone();
        Self {
            id: device.id,
            name: spec.name,
            protocol: spec.protocol.name(),
            host: spec.host,
            port: spec.port,
            unit: spec.unit,
            username: spec.username,
            timeout: spec.timeout_s,
            poll_interval: spec.poll_interval_s,
            byteorder: spec.byteorder.name(),
            enabled: spec.enabled,
            metadata: spec.metadata,
            status: status.state.name(),
            last_error: status.last_error,
            last_seen: status.last_seen.map(|ts| ts.to_iso()),
            created_at: device.created_at.to_iso(),
            updated_at: device.updated_at.to_iso(),
        }
    }
}

/// A device's collector in numbers, since the start of the server.
#[derive(Debug, Serialize)]
pub struct StatusView {
    state: &'static str,
    last_error: Option<String>,
    last_seen: Option<String>,
    reads: u64,
    errors: ErrorsView,
    readings: u64,
    reconnects: u64,
    skipped: u64,
    latency_ms: QuantilesView,
    lateness_ms: QuantilesView,
}

#[derive(Debug, Serialize)]
struct ErrorsView {
    timeout: u64,
    refused: u64,
    protocol: u64,
    other: u64,
}

#[derive(Debug, Serialize)]
struct QuantilesView {
    p50: Option<f64>,
    p99: Option<f64>,
}

impl From<DeviceStatus> for StatusView {
    fn from(status: DeviceStatus) -> Self {
        let errors = status.errors;
        Self {
            state: status.state.name(),
            last_error: status.last_error,
            last_seen: status.last_seen.map(|ts| ts.to_iso()),
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

impl From<Timing> for QuantilesView {
    fn from(timing: Timing) -> Self {
        Self { p50: timing.p50_ms, p99: timing.p99_ms }
    }
}
