//! `/api/data/:id/value/` and `/api/value/`: readings of one stream and of all streams.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::reading_json::{self, RowForm};
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, omittable, read_only, required};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::app::list_range::ListRange;
use crate::app::value::ReadingsStream;
use crate::domain::Resource;
use crate::domain::reading::Reading;
use crate::domain::stream::StreamKind;
use crate::domain::{Error, Result, StreamId};

/// Routes, documentation and schemas of values.
pub fn section() -> Section {
    let (bare, with_id) = (schema::reference("Value"), schema::reference("ValueWithId"));
    let list_of_one = Doc::new("data_value_list", "List the values of a data stream, newest first").range();
    let post = Doc::new("data_value_create", "Write a value")
        .about("A value with the same timestamp is replaced. Without a timestamp the current time is used.")
        .body(schema::reference("NewValue"))
        .answers(201, "The value was added", bare.clone())
        .answers(200, "The value replaced another", bare.clone());
    let list = Doc::new("value_list", "List the values of all data streams, newest first")
        .query("data", schema::row_id(), "Only values of this data stream.")
        .range()
        .answers(200, "The values visible to the caller", schema::list(with_id.clone()));
    let fields = [
        read_only("data", schema::row_id()),
        read_only("timestamp", schema::time()),
        read_only("value", schema::anything()),
    ];
    let id = [read_only("id", schema::reading_id())];
    let sent = [omittable("timestamp", schema::time_input()), required("value", schema::anything())];
    Section {
        name: "Values",
        about: "Values are numbers for numeric types (64-bit integers are exact), booleans for bits, and otherwise \
                text, JSON or a location.",
        routes: vec![
            Route::gated("/api/data/{id}/value", RequiredAccess::Scope(Resource::Data))
                .get(list_for_stream, list_of_one.answers(200, "The values", schema::list(bare)))
                .post(self::post, post),
            Route::gated("/api/value", RequiredAccess::Scope(Resource::Value)).get(self::list, list),
            Route::gated("/api/value/{id}", RequiredAccess::Scope(Resource::Value))
                .variable("id", schema::reading_id())
                .get(
                    retrieve,
                    Doc::new("value_get", "Get a value").answers(200, "The requested value", with_id),
                ),
        ],
        schemas: vec![
            ("Value", schema::view(&fields)),
            ("ValueWithId", schema::view(&[&id[..], &fields[..]].concat())),
            ("NewValue", schema::body(&sent)),
        ],
    }
}

/// `GET /api/data/{id}/value`: values of one stream, newest first; of a time range oldest first.
pub async fn list_for_stream(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    app.streams.stream(&caller, id)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let range = query.range();
    query.finish()?;
    let rows = app.values.stream_values(&caller, id, range).await?;
    Ok(respond_rows(app, rows, RowForm::Bare).await?)
}

/// `GET /api/value`: values of all visible streams, or of the one that `data` names.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let (of, range) = parse_list(raw.as_deref())?;
    let rows = app.values.values(&caller, of, range).await?;
    Ok(respond_rows(app, rows, RowForm::WithId).await?)
}

/// `GET /api/value/{id}`: the value of one stream and time.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Response, RestError> {
    let Path(text) = path.map_err(|_| Error::not_found())?;
    let (id, ts) = reading_json::parse_id(&text).ok_or_else(Error::not_found)?;
    let found = app.values.value(&caller, id, ts).await?;
    let kind = app.streams.kind_of(id).ok_or_else(Error::not_found)?;
    Ok(respond_reading(StatusCode::OK, &found, RowForm::WithId, kind))
}

/// `POST /api/data/{id}/value`: stores a value, at the current time unless given; 201, or 200 if it replaced one.
pub async fn post(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    body: DeferredJson,
) -> Result<Response, RestError> {
    let stream = app.streams.stream_to_change(&caller, id)?;
    let fields = body.fields(ReadMode::Whole).await?;
    let (stored, is_new) = app.values.post_value_from_fields(&caller, id, fields).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(respond_reading(status, &stored, RowForm::Bare, stream.spec.kind))
}

fn parse_list(raw: Option<&str>) -> Result<(Option<StreamId>, ListRange)> {
    let mut query = QueryParams::parse(raw);
    let (of, range) = (query.row_id("data").map(StreamId), query.range());
    query.finish()?;
    Ok((of, range))
}

async fn respond_rows(app: Arc<App>, rows: ReadingsStream, form: RowForm) -> Result<Response> {
    let written =
        move |batch: Result<_>| Ok(reading_json::write_rows(&batch?, form, |id| app.streams.kind_of(id)));
    array::respond(rows.map(written).boxed()).await
}

fn respond_reading(status: StatusCode, reading: &Reading, form: RowForm, kind: StreamKind) -> Response {
    let body = reading_json::write_reading(reading, form, kind);
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
