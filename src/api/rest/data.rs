//! `/api/data/`: data streams, which DataStone calls data.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{Id, array, reading_json};
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
use crate::domain::stream::{Stream, StreamFilter, StreamSpec};
use crate::domain::{DeviceId, GroupId, Principal, Result, StreamId};

/// Routes, documentation and schemas of data streams.
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
                .put(self::update, replace.answers(200, "The replaced data stream", one.clone()))
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
    let newest = vec![
        read_only("uuid", schema::string()),
        read_only("channel", schema::integer(1, i64::from(i32::MAX))),
        read_only("last_value", schema::anything()),
        read_only("last_timestamp", schema::nullable(schema::time())),
    ];
    noun_fields::<StreamSpec>(newest)
}

/// `GET /api/data`: the visible streams, ordered by id.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let filter = parse_filter(raw.as_deref())?;
    let streams = app.streams.streams(&caller, &filter)?;
    let view = move |stream: &Arc<Stream>| DataView::new(&app, &caller, stream);
    Ok(array::respond(array::pieces_from_rows(streams, view)).await?)
}

/// `POST /api/data`: creates a stream; absent fields get their defaults.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<DataView>), RestError> {
    let stream = app.streams.create_stream_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(DataView::new(&app, &caller, &stream))))
}

/// `GET /api/data/{id}`: one stream with its latest value.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
) -> Result<Json<DataView>, RestError> {
    let stream = app.streams.stream(&caller, id)?;
    Ok(Json(DataView::new(&app, &caller, &stream)))
}

/// `PUT /api/data/{id}` replaces the settings; absent fields get their defaults. `PATCH` changes the given settings.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    body: DeferredJson,
) -> Result<Json<DataView>, RestError> {
    app.streams.stream_to_change(&caller, id)?;
    let fields = body.change().await?;
    let stream = app.streams.update_stream_from_fields(&caller, id, fields).await?;
    Ok(Json(DataView::new(&app, &caller, &stream)))
}

/// `DELETE /api/data/{id}`: deletes the stream with its values, statistics and policies.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
) -> Result<StatusCode, RestError> {
    app.streams.delete_stream(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse_filter(raw: Option<&str>) -> Result<StreamFilter> {
    let mut query = QueryParams::parse(raw);
    let page = query.page();
    let (device, group) = (query.row_id("device").map(DeviceId), query.row_id("group").map(GroupId));
    query.finish()?;
    Ok(StreamFilter { device, group, name: None, page })
}

/// A stream in a response, with its newest value.
#[derive(Debug, Serialize)]
pub struct DataView {
    id: StreamId,
    #[serde(flatten)]
    fields: ShownRow,
    uuid: String,
    channel: i32,
    last_value: Option<Box<RawValue>>,
    last_timestamp: Option<String>,
}

impl DataView {
    pub(super) fn new(app: &App, principal: &Principal, stream: &Stream) -> Self {
        let last = app.streams.latest_valued_reading(principal, stream.id);
        Self {
            id: stream.id,
            fields: stream.spec.values(),
            uuid: stream.uuid.to_string(),
            channel: stream.channel,
            last_value: last.as_ref().map(|last| reading_json::raw_value(last, stream.spec.kind)),
            last_timestamp: last.map(|last| last.ts.to_iso()),
        }
    }
}
