//! `/api/data/:id/value/` and `/api/value/`: readings of one stream, and of all.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::body::Unread;
use super::fields::Mode;
use super::query::Query;
use super::reading::{self, Form};
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::app::App;
use crate::app::range::Range;
use crate::app::value::Rows;
use crate::domain::reading::Reading;
use crate::domain::stream::StreamKind;
use crate::domain::{Error, Result, StreamId};

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
