//! `/api/data/:id/statistic/` and `/api/statistic/`: statistics of time windows, and of steps of any length.

use std::io::Write;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::Value;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::reading_json::{self, RowForm};
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, required};
use crate::app::App;
use crate::app::fields::drf_scalar;
use crate::app::fields::reader::ReadMode;
use crate::app::statistic::StatisticsStream;
use crate::domain::Resource;
use crate::domain::statistic::Statistic;
use crate::domain::{Error, Micros, Result, StreamId};

/// Reads one number of a row.
type NumberColumn = fn(&Statistic) -> Option<f64>;

/// The numbers of a row, in output order.
const NUMBER_COLUMNS: [(&str, NumberColumn); 7] = [
    ("mean", |row| row.mean),
    ("rms", |row| row.rms),
    ("median", |row| row.median),
    ("min", |row| row.min),
    ("max", |row| row.max),
    ("q1", |row| row.q1),
    ("q3", |row| row.q3),
];

/// Which of `NUMBER_COLUMNS` a response contains.
type NumberMask = [bool; NUMBER_COLUMNS.len()];

const ALL_NUMBERS: NumberMask = [true; NUMBER_COLUMNS.len()];
const MEAN_ONLY: NumberMask = [true, false, false, false, false, false, false];

/// Routes, documentation and schemas of statistics.
pub fn section() -> Section {
    let (bare, with_id) = (schema::reference("Statistic"), schema::reference("StatisticWithId"));
    let ranged = |doc: Doc| with_fields_param(doc.range()).query("step", schema::string(), STEP_DESCRIPTION);
    let list_of_one =
        ranged(Doc::new("data_statistic_list", "List the statistics of a data stream, newest first"));
    let post = Doc::new("data_statistic_create", "Write a statistic")
        .about(
            "It overrides the computed statistic of its window. One written for the same timestamp is replaced.",
        )
        .body(schema::reference("NewStatistic"))
        .answers(201, "The statistic was added", schema::reference("WrittenStatistic"))
        .answers(200, "The statistic replaced another", schema::reference("WrittenStatistic"));
    let list = Doc::new("statistic_list", "List the statistics of all data streams, newest first").query(
        "data",
        schema::row_id(),
        "Only statistics of this data stream; required with `step`.",
    );
    let list =
        ranged(list).answers(200, "The statistics visible to the caller", schema::list(with_id.clone()));
    let get = with_fields_param(Doc::new("statistic_get", "Get a statistic")).answers(
        200,
        "The requested statistic",
        with_id,
    );
    Section {
        name: "Statistics",
        about: "Statistics of the values in time windows, and in steps of any length.",
        routes: vec![
            Route::gated("/api/data/{id}/statistic", RequiredAccess::Scope(Resource::Data))
                .get(list_for_stream, list_of_one.answers(200, "The statistics", schema::list(bare)))
                .post(self::post, post),
            Route::gated("/api/statistic", RequiredAccess::Scope(Resource::Statistic)).get(self::list, list),
            Route::gated("/api/statistic/{id}", RequiredAccess::Scope(Resource::Statistic))
                .variable("id", schema::reading_id())
                .get(retrieve, get),
        ],
        schemas: vec![
            ("Statistic", schema::object(&described())),
            // Steps have no ids: they are not stored rows.
            (
                "StatisticWithId",
                schema::object(&[vec![omittable("id", schema::reading_id())], described()].concat()),
            ),
            ("NewStatistic", schema::body(&described_body())),
            (
                "WrittenStatistic",
                schema::object(
                    &[described(), vec![required("count", schema::integer(1, i64::MAX))]].concat(),
                ),
            ),
        ],
    }
}

const STEP_DESCRIPTION: &str = "An ISO-8601 duration such as `PT1H`: returns buckets of this length with mean, \
                                min and max instead of rows; requires `from` and `to`.";

fn with_fields_param(doc: Doc) -> Doc {
    let names = NUMBER_COLUMNS.map(|(name, _)| name).join("|");
    let list = schema::pattern(&format!("^({names}|all)(,({names}|all))*$"));
    doc.query("fields", list, "The numbers to return, comma-separated, or `all`.")
}

fn described() -> Vec<FieldSchema> {
    let of = [required("data", schema::row_id()), required("timestamp", schema::time())];
    let numbers = NUMBER_COLUMNS.map(|(name, _)| omittable(name, schema::nullable(schema::number())));
    of.into_iter().chain(numbers).collect()
}

fn described_body() -> Vec<FieldSchema> {
    let others = NUMBER_COLUMNS.iter().filter(|(name, _)| *name != "mean");
    let others = others.map(|(name, _)| optional(name, schema::nullable(schema::number()), Value::Null));
    let first = [omittable("timestamp", schema::time_input()), required("mean", schema::number())];
    let count = optional("count", schema::integer(1, i64::MAX), 1);
    first.into_iter().chain(others).chain([count]).collect()
}

/// `GET /api/data/{id}/statistic`: stored windows of a stream, or buckets of `step`.
pub async fn list_for_stream(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    app.streams.stream(&caller, id)?;
    let mut query = QueryParams::parse(raw.as_deref());
    let (range, step) = (query.range(), query.text("step").map(str::to_owned));
    if let Some(step) = step {
        query.finish()?;
        let buckets = app.values.stream_steps(&caller, id, &step, range).await?;
        return Ok(json(StatusCode::OK, write_buckets(id, &buckets)));
    }
    let shown = parse_number_mask(&mut query, MEAN_ONLY);
    query.finish()?;
    let rows = app.values.stream_statistics(&caller, id, range).await?;
    Ok(respond_rows(rows, RowForm::Bare, shown).await?)
}

/// `GET /api/statistic`: as `list_for_stream`, of all visible streams or of the one that `data` names.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let (of, range) = (query.row_id("data").map(StreamId), query.range());
    if let Some(step) = query.text("step").map(str::to_owned) {
        query.finish()?;
        let buckets = app.values.steps(&caller, of, &step, range).await?;
        return Ok(json(StatusCode::OK, write_buckets(of.unwrap_or(StreamId(0)), &buckets)));
    }
    let shown = parse_number_mask(&mut query, MEAN_ONLY);
    query.finish()?;
    let rows = app.values.statistics(&caller, of, range).await?;
    Ok(respond_rows(rows, RowForm::WithId, shown).await?)
}

/// `GET /api/statistic/{id}`: the statistic of one stream and time.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let Path(text) = path.map_err(|_| Error::not_found())?;
    let (id, ts) = reading_json::parse_id(&text).ok_or_else(Error::not_found)?;
    let found = app.values.statistic(&caller, id, ts).await?;
    let mut query = QueryParams::parse(raw.as_deref());
    let shown = parse_number_mask(&mut query, ALL_NUMBERS);
    query.finish()?;
    Ok(json(StatusCode::OK, write_rows(&[found], RowForm::WithId, shown)))
}

/// `POST /api/data/{id}/statistic`: stores a statistic; 201, or 200 if it replaced one.
pub async fn post(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    body: DeferredJson,
) -> Result<Response, RestError> {
    app.streams.stream_to_change(&caller, id)?;
    let fields = body.fields(ReadMode::Whole).await?;
    let (stored, is_new) = app.values.post_statistic_from_fields(&caller, id, fields).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, written_row(&stored)))
}

/// Parses `fields`: names of numbers, or `all`.
fn parse_number_mask(query: &mut QueryParams<'_>, default: NumberMask) -> NumberMask {
    let read = |text: &str| {
        let mut shown = [false; NUMBER_COLUMNS.len()];
        for name in text.split(',').map(str::trim) {
            match NUMBER_COLUMNS.iter().position(|(known, _)| *known == name) {
                Some(at) => shown[at] = true,
                None if name == "all" => shown = ALL_NUMBERS,
                None => return Err(drf_scalar::not_a_choice(name)),
            }
        }
        Ok(shown)
    };
    query.read("fields", read).unwrap_or(default)
}

async fn respond_rows(rows: StatisticsStream, form: RowForm, shown: NumberMask) -> Result<Response> {
    array::respond(rows.map(move |rows| Ok(write_rows(&rows?, form, shown))).boxed()).await
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Writes rows as comma-separated JSON objects.
fn write_rows(rows: &[Statistic], form: RowForm, shown: NumberMask) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 96);
    for row in rows {
        if !out.is_empty() {
            out.push(b',');
        }
        begin(&mut out, (form == RowForm::WithId).then_some(row.ts), row.stream, row.ts);
        for ((name, number), _) in NUMBER_COLUMNS.iter().zip(shown).filter(|(_, shown)| *shown) {
            put_number(&mut out, name, number(row));
        }
        out.push(b'}');
    }
    out
}

/// Writes a row that a client has posted, with all its numbers; only here is `count` included.
fn written_row(row: &Statistic) -> Vec<u8> {
    let mut out = write_rows(std::slice::from_ref(row), RowForm::Bare, ALL_NUMBERS);
    out.pop();
    write!(out, ",\"count\":{}}}", row.count).expect("writing to memory does not fail");
    out
}

/// Writes the buckets of one stream as a JSON array.
fn write_buckets(id: StreamId, buckets: &[crate::domain::statistic::Bucket]) -> Vec<u8> {
    let mut out = vec![b'['];
    for bucket in buckets {
        if out.len() > 1 {
            out.push(b',');
        }
        begin(&mut out, None, id, bucket.start);
        for (name, number) in [("mean", bucket.mean), ("min", bucket.min), ("max", bucket.max)] {
            put_number(&mut out, name, number);
        }
        out.push(b'}');
    }
    out.push(b']');
    out
}

fn begin(out: &mut Vec<u8>, id: Option<Micros>, stream: StreamId, ts: Micros) {
    let (stream, iso) = (stream.0, ts.to_iso());
    let written = match id {
        Some(id) => write!(out, r#"{{"id":"{stream}-{}","data":{stream},"timestamp":"{iso}""#, id.0),
        None => write!(out, r#"{{"data":{stream},"timestamp":"{iso}""#),
    };
    written.expect("writing to memory does not fail");
}

fn put_number(out: &mut Vec<u8>, name: &str, number: Option<f64>) {
    write!(out, ",\"{name}\":").expect("writing to memory does not fail");
    serde_json::to_writer(out, &number).expect("finite numbers are JSON");
}
