//! `/api/data/`: streams, which DataStone calls data.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use super::query::Query;
use super::{Id, array, reading};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, required, shown};
use crate::app::App;
use crate::domain::Resource;
use crate::domain::stream::{Stream, StreamFilter, StreamKind, StreamSpec};
use crate::domain::{DeviceId, FieldError, GroupId, Principal, Result, StreamId};

pub fn section() -> Section {
    let (one, body, patch) = (shape::named("Data"), shape::named("NewData"), shape::named("DataChange"));
    let list = Doc::new("data_list", "Data streams, by id")
        .query("device", shape::row(), "Of this device.")
        .query("group", shape::row(), "In this group.")
        .page()
        .answers(200, "Those the caller sees", shape::list(one.clone()));
    let create = Doc::new("data_create", "A new data stream").body(body.clone());
    let replace = Doc::new("data_replace", "Replaces it; absent fields get their defaults").body(body);
    let update = Doc::new("data_update", "Changes the fields that are given").body(patch);
    let destroy = Doc::new("data_delete", "Deletes it").about("With its values, statistics and policies.");
    let right = Right::Scope(Resource::Data);
    Section {
        name: "Data",
        about: "Data streams: each a series of values of one device.",
        routes: vec![
            Route::gated("/api/data", right)
                .get(self::list, list)
                .post(self::create, create.answers(201, "As stored", one.clone())),
            Route::gated("/api/data/{id}", right)
                .get(retrieve, Doc::new("data_get", "One data stream").answers(200, "It", one.clone()))
                .put(self::replace, replace.answers(200, "As stored", one.clone()))
                .patch(self::update, update.answers(200, "As stored", one))
                .delete(self::destroy, destroy.answers_nothing("It is gone")),
        ],
        schemas: vec![
            ("Data", shape::view(&described())),
            ("NewData", shape::body(&described())),
            ("DataChange", shape::patch(&described())),
        ],
    }
}

fn described() -> Vec<Field> {
    vec![
        shown("id", shape::row()),
        required("name", shape::text(1, 200)),
        required("device", shape::row()),
        optional("path", shape::text(0, 500), ""),
        optional("type", shape::choice(StreamKind::ALL.map(StreamKind::name)), "fp64"),
        optional("group", shape::or_null(shape::row()), Value::Null),
        optional("access_mode", shape::choice(["r", "rw"]), "r"),
        optional("poll_interval", shape::or_null(shape::number_within(0.1, 86_400.0)), Value::Null),
        optional("unit", shape::text(0, 32), ""),
        optional("scale", shape::number(), 1.0),
        optional("offset", shape::number(), 0.0),
        optional("byteorder", shape::or_null(shape::choice(["little", "big"])), Value::Null),
        optional("enabled", shape::boolean(), true),
        optional("deadband", shape::or_null(shape::number_within(0.0, f64::MAX)), Value::Null),
        optional("statistics_interval", shape::or_null(shape::integer(1, 86_400)), Value::Null),
        optional("metadata", shape::map(), Map::new()),
        shown("last_value", shape::anything()),
        shown("last_timestamp", shape::or_null(shape::time())),
    ]
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let filter = parse_filter(raw.as_deref())?;
    let streams = app.streams(&caller, &filter)?;
    let view = move |stream: &Arc<Stream>| DataView::new(&app, &caller, stream);
    Ok(array::respond(array::of_rows(streams, view)).await?)
}

pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<(StatusCode, Json<DataView>), RestError> {
    let stream = make(&app, &caller, body.fields(Mode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(DataView::new(&app, &caller, &stream))))
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
) -> Result<Json<DataView>, RestError> {
    let stream = app.stream(&caller, id)?;
    Ok(Json(DataView::new(&app, &caller, &stream)))
}

pub async fn replace(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    body: Unread,
) -> Result<Json<DataView>, RestError> {
    let current = app.stream_to_change(&caller, id)?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut spec = blank();
    read_onto(&mut fields, &mut spec);
    refuse_other_device(&mut fields, current.spec.device, &mut spec);
    finish(fields, &app, &caller, &spec)?;
    let stream = app.update_stream(&caller, id, move |stored| *stored = spec.clone()).await?;
    Ok(Json(DataView::new(&app, &caller, &stream)))
}

pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    body: Unread,
) -> Result<Json<DataView>, RestError> {
    app.stream_to_change(&caller, id)?;
    let stream = change(&app, &caller, id, body.fields(Mode::Partial).await?).await?;
    Ok(Json(DataView::new(&app, &caller, &stream)))
}

pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
) -> Result<StatusCode, RestError> {
    app.delete_stream(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse_filter(raw: Option<&str>) -> Result<StreamFilter> {
    let mut query = Query::parse(raw);
    let page = query.page();
    let (device, group) = (query.row("device").map(DeviceId), query.row("group").map(GroupId));
    query.finish()?;
    Ok(StreamFilter { device, group, name: None, page })
}

/// A new stream of the fields of a body.
pub(in crate::api) async fn make(app: &App, who: &Principal, mut fields: Fields) -> Result<Arc<Stream>> {
    let mut spec = blank();
    read_onto(&mut fields, &mut spec);
    finish(fields, app, who, &spec)?;
    app.create_stream(who, spec).await
}

/// Changes the fields of a stream that are given.
pub(in crate::api) async fn change(
    app: &App,
    who: &Principal,
    id: StreamId,
    patch: Fields,
) -> Result<Arc<Stream>> {
    let current = app.stream_to_change(who, id)?;
    let (mut fields, mut tried) = (patch.clone(), current.spec.clone());
    read_onto(&mut fields, &mut tried);
    refuse_other_device(&mut fields, current.spec.device, &mut tried);
    finish(fields, app, who, &tried)?;
    // Merged again onto what is stored by then: two updates of different fields must both last.
    app.update_stream(who, id, move |stored| read_onto(&mut patch.clone(), stored)).await
}

/// Every default; the required fields hold what fails or is replaced.
fn blank() -> StreamSpec {
    StreamSpec::new("", DeviceId(0))
}

fn read_onto(fields: &mut Fields, spec: &mut StreamSpec) {
    fields.text("name", Need::Required, &mut spec.name);
    fields.row("device", DeviceId, &mut spec.device);
    fields.text("path", Need::Optional, &mut spec.path);
    fields.choice("type", Need::Optional, &mut spec.kind);
    fields.row_or_null("group", GroupId, &mut spec.group);
    fields.choice("access_mode", Need::Optional, &mut spec.access_mode);
    fields.number_or_null("poll_interval", &mut spec.poll_interval_s);
    fields.text("unit", Need::Optional, &mut spec.unit);
    fields.number("scale", &mut spec.scale);
    fields.number("offset", &mut spec.offset);
    fields.choice_or_null("byteorder", &mut spec.byteorder);
    fields.boolean("enabled", &mut spec.enabled);
    fields.number_or_null("deadband", &mut spec.deadband);
    fields.integer_or_null("statistics_interval", 1..=86_400, &mut spec.statistics_interval_s);
    fields.object("metadata", &mut spec.metadata);
}

/// A stream stays with its device; the rest is then judged as if it had been left alone.
fn refuse_other_device(fields: &mut Fields, current: DeviceId, spec: &mut StreamSpec) {
    if fields.is_sound("device") && spec.device != current {
        fields.refuse("device", "This field may not be changed.");
    }
    spec.device = current;
}

fn finish(fields: Fields, app: &App, principal: &Principal, spec: &StreamSpec) -> Result<()> {
    let problems = app.stream_problems(principal, spec);
    // Without a device nothing can be said of a path.
    let has_device = fields.is_sound("device");
    let is_known = |problem: &FieldError| has_device || problem.field != "path";
    fields.finish(problems.into_iter().filter(is_known).collect())
}

/// A stream as shown, with its newest value.
#[derive(Debug, Serialize)]
pub struct DataView {
    id: StreamId,
    name: String,
    device: DeviceId,
    path: String,
    r#type: &'static str,
    group: Option<GroupId>,
    access_mode: &'static str,
    poll_interval: Option<f64>,
    unit: String,
    scale: f64,
    offset: f64,
    byteorder: Option<&'static str>,
    enabled: bool,
    deadband: Option<f64>,
    statistics_interval: Option<u32>,
    metadata: Map<String, Value>,
    last_value: Option<Box<RawValue>>,
    last_timestamp: Option<String>,
}

impl DataView {
    pub(super) fn new(app: &App, principal: &Principal, stream: &Stream) -> Self {
        let spec = stream.spec.clone();
        let last = app.last_of(principal, stream.id);
        Self {
            id: stream.id,
            name: spec.name,
            device: spec.device,
            path: spec.path,
            r#type: spec.kind.name(),
            group: spec.group,
            access_mode: spec.access_mode.name(),
            poll_interval: spec.poll_interval_s,
            unit: spec.unit,
            scale: spec.scale,
            offset: spec.offset,
            byteorder: spec.byteorder.map(|order| order.name()),
            enabled: spec.enabled,
            deadband: spec.deadband,
            statistics_interval: spec.statistics_interval_s,
            metadata: spec.metadata,
            last_value: last.as_ref().map(|last| reading::raw_value(last, spec.kind)),
            last_timestamp: last.map(|last| last.ts.to_iso()),
        }
    }
}
