//! `/api/data/`: data streams, which DataStone calls data.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::{BodyMode, Fields, Presence};
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{Id, array, reading_json};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, optional, read_only, required};
use crate::app::App;
use crate::domain::Resource;
use crate::domain::stream::{Stream, StreamFilter, StreamKind, StreamSpec};
use crate::domain::{DeviceId, FieldError, GroupId, Principal, Result, StreamId};

pub fn section() -> Section {
    let (one, body, patch) =
        (schema::reference("Data"), schema::reference("NewData"), schema::reference("DataChange"));
    let list = Doc::new("data_list", "List data streams, ordered by id")
        .query("device", schema::row_id(), "Only data streams of this device.")
        .query("group", schema::row_id(), "Only data streams in this group.")
        .page()
        .answers(200, "The data streams visible to the caller", schema::list(one.clone()));
    let create = Doc::new("data_create", "Create a data stream").body(body.clone());
    let replace =
        Doc::new("data_replace", "Replace a data stream; absent fields get their defaults").body(body);
    let update = Doc::new("data_update", "Change the given fields of a data stream").body(patch);
    let destroy = Doc::new("data_delete", "Delete a data stream")
        .about("Its values, statistics and policies are deleted too.");
    let right = RequiredAccess::Scope(Resource::Data);
    Section {
        name: "Data",
        about: "Data streams: each is a series of values of one device.",
        routes: vec![
            Route::gated("/api/data", right)
                .get(self::list, list)
                .post(self::create, create.answers(201, "The new data stream", one.clone())),
            Route::gated("/api/data/{id}", right)
                .get(
                    retrieve,
                    Doc::new("data_get", "Get a data stream").answers(
                        200,
                        "The requested data stream",
                        one.clone(),
                    ),
                )
                .put(self::replace, replace.answers(200, "The replaced data stream", one.clone()))
                .patch(self::update, update.answers(200, "The changed data stream", one))
                .delete(self::destroy, destroy.answers_nothing("The data stream was deleted")),
        ],
        schemas: vec![
            ("Data", schema::view(&described())),
            ("NewData", schema::body(&described())),
            ("DataChange", schema::patch(&described())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    vec![
        read_only("id", schema::row_id()),
        required("name", schema::text(1, 200)),
        required("device", schema::row_id()),
        optional("path", schema::text(0, 500), ""),
        optional("type", schema::choice(StreamKind::ALL.map(StreamKind::name)), "fp64"),
        optional("group", schema::nullable(schema::row_id()), Value::Null),
        optional("access_mode", schema::choice(["r", "rw"]), "r"),
        optional("poll_interval", schema::nullable(schema::number_within(0.1, 86_400.0)), Value::Null),
        optional("unit", schema::text(0, 32), ""),
        optional("scale", schema::number(), 1.0),
        optional("offset", schema::number(), 0.0),
        optional("byteorder", schema::nullable(schema::choice(["little", "big"])), Value::Null),
        optional("enabled", schema::boolean(), true),
        optional("deadband", schema::nullable(schema::number_within(0.0, f64::MAX)), Value::Null),
        optional("statistics_interval", schema::nullable(schema::integer(1, 86_400)), Value::Null),
        optional("metadata", schema::map(), Map::new()),
        read_only("last_value", schema::anything()),
        read_only("last_timestamp", schema::nullable(schema::time())),
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
    Ok(array::respond(array::pieces_from_rows(streams, view)).await?)
}

pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<DataView>), RestError> {
    let stream = create_from_fields(&app, &caller, body.fields(BodyMode::Whole).await?).await?;
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
    body: DeferredJson,
) -> Result<Json<DataView>, RestError> {
    let current = app.stream_to_change(&caller, id)?;
    let mut fields = body.fields(BodyMode::Whole).await?;
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
    body: DeferredJson,
) -> Result<Json<DataView>, RestError> {
    app.stream_to_change(&caller, id)?;
    let stream = update_from_fields(&app, &caller, id, body.fields(BodyMode::Partial).await?).await?;
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
    let mut query = QueryParams::parse(raw);
    let page = query.page();
    let (device, group) = (query.row_id("device").map(DeviceId), query.row_id("group").map(GroupId));
    query.finish()?;
    Ok(StreamFilter { device, group, name: None, page })
}

/// Creates a stream from the fields of a body.
pub(in crate::api) async fn create_from_fields(
    app: &App,
    who: &Principal,
    mut fields: Fields,
) -> Result<Arc<Stream>> {
    let mut spec = blank();
    read_onto(&mut fields, &mut spec);
    finish(fields, app, who, &spec)?;
    app.create_stream(who, spec).await
}

/// Changes the given fields of a stream.
pub(in crate::api) async fn update_from_fields(
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
    // Merged again onto the row stored by then: concurrent updates of different fields must both last.
    app.update_stream(who, id, move |stored| read_onto(&mut patch.clone(), stored)).await
}

/// All defaults; the required fields hold placeholders that fail validation or are overwritten.
fn blank() -> StreamSpec {
    StreamSpec::new("", DeviceId(0))
}

fn read_onto(fields: &mut Fields, spec: &mut StreamSpec) {
    fields.text("name", Presence::Required, &mut spec.name);
    fields.row("device", DeviceId, &mut spec.device);
    fields.text("path", Presence::Optional, &mut spec.path);
    fields.choice("type", Presence::Optional, &mut spec.kind);
    fields.row_or_null("group", GroupId, &mut spec.group);
    fields.choice("access_mode", Presence::Optional, &mut spec.access_mode);
    fields.number_or_null("poll_interval", &mut spec.poll_interval_s);
    fields.text("unit", Presence::Optional, &mut spec.unit);
    fields.number("scale", &mut spec.scale);
    fields.number("offset", &mut spec.offset);
    fields.choice_or_null("byteorder", &mut spec.byteorder);
    fields.boolean("enabled", &mut spec.enabled);
    fields.number_or_null("deadband", &mut spec.deadband);
    fields.integer_or_null("statistics_interval", 1..=86_400, &mut spec.statistics_interval_s);
    fields.object("metadata", &mut spec.metadata);
}

/// Refuses another device: a stream stays with its own. The other fields are checked as if it had not changed.
fn refuse_other_device(fields: &mut Fields, current: DeviceId, spec: &mut StreamSpec) {
    if fields.is_sound("device") && spec.device != current {
        fields.add_error("device", "This field may not be changed.");
    }
    spec.device = current;
}

fn finish(fields: Fields, app: &App, principal: &Principal, spec: &StreamSpec) -> Result<()> {
    let problems = app.stream_problems(principal, spec);
    // A path can be checked only against a device.
    let has_device = fields.is_sound("device");
    let is_known = |problem: &FieldError| has_device || problem.field != "path";
    fields.finish(problems.into_iter().filter(is_known).collect())
}

/// A stream in a response, with its newest value.
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
        let last = app.latest_valued_reading(principal, stream.id);
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
            last_value: last.as_ref().map(|last| reading_json::raw_value(last, spec.kind)),
            last_timestamp: last.map(|last| last.ts.to_iso()),
        }
    }
}
