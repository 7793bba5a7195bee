//! `/api/data/:id/value/` and `/api/value/`: readings of one stream, and of all.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::body::Unread;
use super::fields::Mode;
use super::gate::Right;
use super::query::Query;
use super::reading::{self, Form};
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, possible, required, shown};
use crate::app::App;
use crate::app::range::Range;
use crate::app::value::Rows;
use crate::domain::Resource;
use crate::domain::reading::Reading;
use crate::domain::stream::StreamKind;
use crate::domain::{Error, Result, StreamId};

pub fn section() -> Section {
    let (bare, with_id) = (shape::named("Value"), shape::named("ValueWithId"));
    let list_of_one = Doc::new("data_value_list", "Values of a data stream, newest first").range();
    let post = Doc::new("data_value_create", "Writes a value")
        .about("One that is there for the same time is replaced. Without a time it is now.")
        .body(shape::named("NewValue"))
        .answers(201, "It is new", bare.clone())
        .answers(200, "It replaced another", bare.clone());
    let list = Doc::new("value_list", "Values of all data streams, newest first")
        .query("data", shape::row(), "Of this data stream.")
        .range()
        .answers(200, "Those the caller sees", shape::list(with_id.clone()));
    let fields =
        [shown("data", shape::row()), shown("timestamp", shape::time()), shown("value", shape::anything())];
    let id = [shown("id", shape::reading_id())];
    let sent = [possible("timestamp", shape::time_given()), required("value", shape::anything())];
    Section {
        name: "Values",
        about: "Numbers for numeric kinds, integers to the last digit; true and false for bits; text, JSON or a location for theirs.",
        routes: vec![
            Route::gated("/api/data/{id}/value", Right::Scope(Resource::Data))
                .get(list_of, list_of_one.answers(200, "The values", shape::list(bare)))
                .post(self::post, post),
            Route::gated("/api/value", Right::Scope(Resource::Value)).get(self::list, list),
            Route::gated("/api/value/{id}", Right::Scope(Resource::Value))
                .variable("id", shape::reading_id())
                .get(retrieve, Doc::new("value_get", "One value").answers(200, "It", with_id)),
        ],
        schemas: vec![
            ("Value", shape::view(&fields)),
            ("ValueWithId", shape::view(&[&id[..], &fields[..]].concat())),
            ("NewValue", shape::body(&sent)),
        ],
    }
}

pub async fn list_of(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    app.stream(&caller, id)?;
    let mut query = Query::parse(raw.as_deref());
    let range = query.range();
    query.finish()?;
    let rows = app.stream_values(&caller, id, range).await?;
    Ok(array_of(app, rows, Form::Bare).await?)
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let (of, range) = parse_list(raw.as_deref())?;
    let rows = app.values(&caller, of, range).await?;
    Ok(array_of(app, rows, Form::WithId).await?)
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Response, RestError> {
    let Path(text) = path.map_err(|_| Error::not_found())?;
    let (id, ts) = reading::parse_id(&text).ok_or_else(Error::not_found)?;
    let found = app.value(&caller, id, ts).await?;
    let kind = app.kind_of(id).ok_or_else(Error::not_found)?;
    Ok(object(StatusCode::OK, &found, Form::WithId, kind))
}

pub async fn post(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    body: Unread,
) -> Result<Response, RestError> {
    let stream = app.stream_to_change(&caller, id)?;
    let mut fields = body.fields(Mode::Whole).await?;
    let (ts, value) = (fields.timestamp("timestamp"), fields.any("value"));
    if let Some(problem) = value.as_ref().and_then(|given| app.value_problem(&stream, given)) {
        fields.refuse("value", problem);
    }
    fields.finish(Vec::new())?;
    let (stored, is_new) = app.post_value(&caller, id, ts, &value.unwrap_or_default()).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(object(status, &stored, Form::Bare, stream.spec.kind))
}

fn parse_list(raw: Option<&str>) -> Result<(Option<StreamId>, Range)> {
    let mut query = Query::parse(raw);
    let (of, range) = (query.row("data").map(StreamId), query.range());
    query.finish()?;
    Ok((of, range))
}

async fn array_of(app: Arc<App>, rows: Rows, form: Form) -> Result<Response> {
    let written = move |batch: Result<_>| Ok(reading::write_rows(&batch?, form, |id| app.kind_of(id)));
    array::respond(rows.map(written).boxed()).await
}

fn object(status: StatusCode, reading: &Reading, form: Form, kind: StreamKind) -> Response {
    let body = reading::write_one(reading, form, kind);
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
