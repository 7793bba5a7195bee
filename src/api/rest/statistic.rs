//! `/api/data/:id/statistic/` and `/api/statistic/`: what the values of windows amount to, and of steps in time.

use std::io::Write;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::Value;

use super::body::Unread;
use super::fields::{Fields, Mode};
use super::gate::Right;
use super::query::Query;
use super::reading::{self, Form};
use super::{Id, array, scalar};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, possible, required};
use crate::app::App;
use crate::app::statistic::{Rows, Written};
use crate::domain::Resource;
use crate::domain::statistic::Statistic;
use crate::domain::{Error, Micros, Principal, Result, StreamId};

/// A number of a row.
type Number = fn(&Statistic) -> Option<f64>;

/// The numbers of a row in the order in which they are shown.
const NUMBERS: [(&str, Number); 7] = [
    ("mean", |row| row.mean),
    ("rms", |row| row.rms),
    ("median", |row| row.median),
    ("min", |row| row.min),
    ("max", |row| row.max),
    ("q1", |row| row.q1),
    ("q3", |row| row.q3),
];

/// Which of them are wanted.
type Shown = [bool; NUMBERS.len()];

const ALL: Shown = [true; NUMBERS.len()];
const MEAN: Shown = [true, false, false, false, false, false, false];

pub fn section() -> Section {
    let (bare, with_id) = (shape::named("Statistic"), shape::named("StatisticWithId"));
    let ranged = |doc: Doc| fields_of(doc.range()).query("step", shape::words(), STEP);
    let list_of_one = ranged(Doc::new("data_statistic_list", "Statistics of a data stream, newest first"));
    let post = Doc::new("data_statistic_create", "Writes a statistic")
        .about(
            "It stands in place of what is computed of its window. One posted for the same time is replaced.",
        )
        .body(shape::named("NewStatistic"))
        .answers(201, "It is new", shape::named("WrittenStatistic"))
        .answers(200, "It replaced another", shape::named("WrittenStatistic"));
    let list = Doc::new("statistic_list", "Statistics of all data streams, newest first").query(
        "data",
        shape::row(),
        "Of this data stream; `step` needs it.",
    );
    let list = ranged(list).answers(200, "Those the caller sees", shape::list(with_id.clone()));
    let get = fields_of(Doc::new("statistic_get", "One statistic")).answers(200, "It", with_id);
    Section {
        name: "Statistics",
        about: "What the values of windows of time amount to, and of steps of any length.",
        routes: vec![
            Route::gated("/api/data/{id}/statistic", Right::Scope(Resource::Data))
                .get(list_of, list_of_one.answers(200, "The statistics", shape::list(bare)))
                .post(self::post, post),
            Route::gated("/api/statistic", Right::Scope(Resource::Statistic)).get(self::list, list),
            Route::gated("/api/statistic/{id}", Right::Scope(Resource::Statistic))
                .variable("id", shape::reading_id())
                .get(retrieve, get),
        ],
        schemas: vec![
            ("Statistic", shape::answer(&described())),
            // Steps have no ids: they are no rows.
            (
                "StatisticWithId",
                shape::answer(&[vec![possible("id", shape::reading_id())], described()].concat()),
            ),
            ("NewStatistic", shape::body(&described_body())),
            (
                "WrittenStatistic",
                shape::answer(&[described(), vec![required("count", shape::integer(1, i64::MAX))]].concat()),
            ),
        ],
    }
}

const STEP: &str = "An ISO-8601 duration such as `PT1H`: buckets of this length instead of rows, with mean, min and max; needs `from` and `to`.";

fn fields_of(doc: Doc) -> Doc {
    let names = NUMBERS.map(|(name, _)| name).join("|");
    let list = shape::pattern(&format!("^({names}|all)(,({names}|all))*$"));
    doc.query("fields", list, "Which numbers to show, with commas between them, or `all`.")
}

fn described() -> Vec<Field> {
    let of = [required("data", shape::row()), required("timestamp", shape::time())];
    let numbers = NUMBERS.map(|(name, _)| possible(name, shape::or_null(shape::number())));
    of.into_iter().chain(numbers).collect()
}

fn described_body() -> Vec<Field> {
    let others = NUMBERS.iter().filter(|(name, _)| *name != "mean");
    let others = others.map(|(name, _)| optional(name, shape::or_null(shape::number()), Value::Null));
    let first = [possible("timestamp", shape::time_given()), required("mean", shape::number())];
    let count = optional("count", shape::integer(1, i64::MAX), 1);
    first.into_iter().chain(others).chain([count]).collect()
}

pub async fn list_of(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    app.stream(&caller, id)?;
    let mut query = Query::parse(raw.as_deref());
    let (range, step) = (query.range(), query.text("step").map(str::to_owned));
    if let Some(step) = step {
        query.finish()?;
        let buckets = app.stream_steps(&caller, id, &step, range).await?;
        return Ok(json(StatusCode::OK, buckets_of(id, &buckets)));
    }
    let shown = shown(&mut query, MEAN);
    query.finish()?;
    let rows = app.stream_statistics(&caller, id, range).await?;
    Ok(array_of(rows, Form::Bare, shown).await?)
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = Query::parse(raw.as_deref());
    let (of, range) = (query.row("data").map(StreamId), query.range());
    if let Some(step) = query.text("step").map(str::to_owned) {
        query.finish()?;
        let buckets = app.steps(&caller, of, &step, range).await?;
        return Ok(json(StatusCode::OK, buckets_of(of.unwrap_or(StreamId(0)), &buckets)));
    }
    let shown = shown(&mut query, MEAN);
    query.finish()?;
    let rows = app.statistics(&caller, of, range).await?;
    Ok(array_of(rows, Form::WithId, shown).await?)
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let Path(text) = path.map_err(|_| Error::not_found())?;
    let (id, ts) = reading::parse_id(&text).ok_or_else(Error::not_found)?;
    let found = app.statistic(&caller, id, ts).await?;
    let mut query = Query::parse(raw.as_deref());
    let shown = shown(&mut query, ALL);
    query.finish()?;
    Ok(json(StatusCode::OK, rows_of(&[found], Form::WithId, shown)))
}

pub async fn post(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    body: Unread,
) -> Result<Response, RestError> {
    app.stream_to_change(&caller, id)?;
    let (stored, is_new) = write(&app, &caller, id, body.fields(Mode::Whole).await?).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, written_row(&stored)))
}

/// Stores the statistic of the fields of a body; also tells whether there was none at its time.
pub(in crate::api) async fn write(
    app: &App,
    who: &Principal,
    id: StreamId,
    mut fields: Fields,
) -> Result<(Statistic, bool)> {
    app.stream_to_change(who, id)?;
    let mut written = Written {
        ts: fields.timestamp("timestamp"),
        count: 1,
        mean: None,
        rms: None,
        median: None,
        min: None,
        max: None,
        q1: None,
        q3: None,
    };
    fields.integer("count", 1..=i128::from(i64::MAX), &mut written.count);
    fields.required_number("mean", &mut written.mean);
    fields.number_or_null("rms", &mut written.rms);
    fields.number_or_null("median", &mut written.median);
    fields.number_or_null("min", &mut written.min);
    fields.number_or_null("max", &mut written.max);
    fields.number_or_null("q1", &mut written.q1);
    fields.number_or_null("q3", &mut written.q3);
    fields.finish(app.check_statistic(id, written))?;
    app.post_statistic(who, id, written).await
}

/// `fields`: some of the numbers, or `all`.
fn shown(query: &mut Query<'_>, default: Shown) -> Shown {
    let read = |text: &str| {
        let mut shown = [false; NUMBERS.len()];
        for name in text.split(',').map(str::trim) {
            match NUMBERS.iter().position(|(known, _)| *known == name) {
                Some(at) => shown[at] = true,
                None if name == "all" => shown = ALL,
                None => return Err(scalar::not_a_choice(name)),
            }
        }
        Ok(shown)
    };
    query.read("fields", read).unwrap_or(default)
}

async fn array_of(rows: Rows, form: Form, shown: Shown) -> Result<Response> {
    array::respond(rows.map(move |rows| Ok(rows_of(&rows?, form, shown))).boxed()).await
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Rows as JSON objects with commas between them.
fn rows_of(rows: &[Statistic], form: Form, shown: Shown) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 96);
    for row in rows {
        if !out.is_empty() {
            out.push(b',');
        }
        begin(&mut out, (form == Form::WithId).then_some(row.ts), row.stream, row.ts);
        for ((name, number), _) in NUMBERS.iter().zip(shown).filter(|(_, shown)| *shown) {
            put_number(&mut out, name, number(row));
        }
        out.push(b'}');
    }
    out
}

/// A row written by hand, with all that was written: `count` is shown here only.
fn written_row(row: &Statistic) -> Vec<u8> {
    let mut out = rows_of(std::slice::from_ref(row), Form::Bare, ALL);
    out.pop();
    write!(out, ",\"count\":{}}}", row.count).expect("writing to memory does not fail");
    out
}

/// The array of the buckets of one stream.
fn buckets_of(id: StreamId, buckets: &[crate::domain::statistic::Bucket]) -> Vec<u8> {
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
