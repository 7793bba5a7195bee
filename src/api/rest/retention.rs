//! `/api/retention/` and `/api/data/:id/policy/retention/`: how long rows are kept, and dry runs of a change.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::Id;
use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use super::query::Query;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, Shape, optional, possible, required, shown};
use crate::app::App;
use crate::domain::Resource;
use crate::domain::policy::{Policy, PolicyChange, PolicyTable};
use crate::domain::time::{END_TIME, MICROS_PER_SECOND};
use crate::domain::{FieldError, Result, StreamId};

/// The fields that say how long, with their seconds.
const UNITS: [(&str, f64); 3] =
    [("drop_after_seconds", 1.0), ("drop_after_hours", 3600.0), ("drop_after_days", 86_400.0)];
const ONE_UNIT: &str = "Set one of drop_after_seconds, drop_after_hours, drop_after_days.";
/// As long as all time that can be written.
const LONGEST_S: f64 = (END_TIME.0 / MICROS_PER_SECOND) as f64;

pub fn section() -> Section {
    let tables = shape::named("TablePolicy");
    let change =
        changing(Doc::new("retention_change", "Changes how long one of the tables is kept"), "NewPolicy")
            .answers(201, "It had no limit before", tables.clone())
            .answers(200, "Changed; or removed; or, of a dry run, what would go", either(tables.clone()));
    let of = || shape::named("ChangedStreamPolicy");
    let changed = |id, summary| {
        changing(Doc::new(id, summary), "NewStreamPolicy")
            .answers(201, "It had no limit of its own before", of())
            .answers(200, "Changed; or removed; or, of a dry run, what would go", either(of()))
    };
    let list = Doc::new("retention_list", "How long each of the two tables is kept");
    let list_of_one =
        Doc::new("data_retention_list", "What is kept of a data stream otherwise than of the rest");
    let post = changed("data_retention_change", "Changes how long rows of a data stream are kept");
    let put = changed("data_retention_put", "The same");
    let right = Right::Scope(Resource::System);
    Section {
        name: "Retention",
        about: "How long rows are kept.",
        routes: vec![
            Route::gated("/api/retention", right)
                .get(self::list, list.answers(200, "Both", shape::list(tables)))
                .post(self::change, change),
            Route::gated("/api/data/{id}/policy/retention", right)
                .get(list_of, list_of_one.answers(200, "Its own policies", shape::named("StreamPolicies")))
                .post(change_of, post)
                .put(change_of, put),
        ],
        schemas: vec![
            ("TablePolicy", shape::view(&described())),
            ("NewPolicy", shape::body(&described_body(required("hypertable", table())))),
            (
                "NewStreamPolicy",
                shape::body(&described_body(optional("hypertable", shape::or_null(table()), Value::Null))),
            ),
            ("StreamPolicies", shape::view(&described_policies())),
            (
                "ChangedStreamPolicy",
                shape::view(
                    &[
                        vec![
                            shown("hypertable", shape::or_null(table())),
                            shown("drop_after_seconds", shape::or_null(shape::count())),
                            shown("enabled", shape::boolean()),
                        ],
                        described_policies(),
                    ]
                    .concat(),
                ),
            ),
            ("Forecast", shape::view(&described_forecast())),
        ],
    }
}

fn changing(doc: Doc, body: &str) -> Doc {
    doc.about(
        "Set one of the three times. One that is not positive removes the policy: rows are kept for ever.",
    )
    .query("dry_run", shape::boolean(), "Tells what the change would remove, and changes nothing.")
    .body(shape::named(body))
}

fn either(changed: Shape) -> Shape {
    shape::any_of([changed, shape::named("Forecast")])
}

fn table() -> Shape {
    shape::choice(PolicyTable::ALL.map(PolicyTable::name))
}

fn described() -> Vec<Field> {
    vec![
        shown("hypertable", table()),
        shown("drop_after_seconds", shape::or_null(shape::count())),
        shown("enabled", shape::boolean()),
    ]
}

fn described_body(table: Field) -> Vec<Field> {
    let times = UNITS
        .map(|(name, unit_s)| possible(name, shape::number_within(-LONGEST_S, (LONGEST_S / unit_s).floor())));
    [table].into_iter().chain(times).collect()
}

fn described_policies() -> Vec<Field> {
    let policy = [shown("hypertable", table()), shown("drop_after_seconds", shape::count())];
    vec![shown("data", shape::row()), shown("policies", shape::list(shape::view(&policy).into()))]
}

fn described_forecast() -> Vec<Field> {
    let counts = ["rows", "bytes", "files"].map(|name| shown(name, shape::count()));
    counts.into_iter().chain([shown("before", shape::or_null(shape::time()))]).collect()
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<Vec<PolicyOfTable>>, RestError> {
    let tables = app.retention(&caller)?;
    Ok(Json(tables.into_iter().map(|(table, keep)| PolicyOfTable::new(table, keep)).collect()))
}

pub async fn change(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
    body: Unread,
) -> Result<Response, RestError> {
    app.retention_to_change(&caller, None)?;
    let is_dry_run = parse_dry_run(raw.as_deref())?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut table = PolicyTable::Readings;
    fields.choice("hypertable", Need::Required, &mut table);
    let change = PolicyChange { stream: None, tables: vec![table], drop_after_s: drop_after(fields)? };
    if is_dry_run {
        return forecast(&app, &caller, &change).await;
    }
    let status = status(app.change_retention(&caller, &change).await?);
    Ok((status, Json(PolicyOfTable::new(table, change.drop_after_s))).into_response())
}

pub async fn list_of(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
) -> Result<Json<PoliciesOfStream>, RestError> {
    Ok(Json(PoliciesOfStream::new(id, &app.retention_of(&caller, id)?)))
}

pub async fn change_of(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    RawQuery(raw): RawQuery,
    body: Unread,
) -> Result<Response, RestError> {
    app.retention_to_change(&caller, Some(id))?;
    let is_dry_run = parse_dry_run(raw.as_deref())?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut table = None;
    fields.choice_or_null("hypertable", &mut table);
    let tables = table.map_or(PolicyTable::ALL.to_vec(), |table| vec![table]);
    let change = PolicyChange { stream: Some(id), tables, drop_after_s: drop_after(fields)? };
    if is_dry_run {
        return forecast(&app, &caller, &change).await;
    }
    let status = status(app.change_retention(&caller, &change).await?);
    let now = PoliciesOfStream::new(id, &app.retention_of(&caller, id)?);
    Ok((status, Json(Changed::new(table, change.drop_after_s, now))).into_response())
}

async fn forecast(app: &App, caller: &Caller, change: &PolicyChange) -> Result<Response, RestError> {
    let found = app.forecast_retention(caller, change).await?;
    let before = found.before.map(|ts| ts.to_iso());
    let (rows, bytes, files) = (found.amount.rows, found.amount.bytes, found.amount.files);
    Ok(Json(ForecastView { rows, bytes, files, before }).into_response())
}

fn status(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::OK }
}

fn parse_dry_run(raw: Option<&str>) -> Result<bool> {
    let mut query = Query::parse(raw);
    let is_dry_run = query.boolean("dry_run").unwrap_or(false);
    query.finish()?;
    Ok(is_dry_run)
}

/// Whole seconds, or `None` for a policy to be removed. All mistakes of the fields are told first, then those of the
/// whole, as the framework does.
pub(in crate::api) fn drop_after(mut fields: Fields) -> Result<Option<i64>> {
    let mut given = Vec::new();
    for (name, unit_s) in UNITS {
        let mut number = f64::NAN;
        fields.number(name, &mut number);
        if !number.is_nan() {
            given.push((name, number, unit_s));
        }
    }
    let is_sound = UNITS.iter().all(|(name, _)| fields.is_sound(name)) && fields.is_sound("hypertable");
    let mut problems = Vec::new();
    let mut seconds = 0.0;
    match given.as_slice() {
        [(name, number, unit_s)] => {
            seconds = whole_seconds(number * unit_s);
            if seconds > LONGEST_S {
                let most = LONGEST_S / unit_s;
                let message = format!("Ensure this value is less than or equal to {}.", most.floor());
                problems.push(FieldError::new(*name, message));
            }
        }
        _ if is_sound => problems.push(FieldError::new("non_field_errors", ONE_UNIT)),
        _ => {}
    }
    fields.finish(problems)?;
    Ok((seconds >= 1.0).then_some(seconds as i64))
}

/// Rounded down, but for what the multiplication itself lost: 0.29 hours are 1044 seconds.
fn whole_seconds(seconds: f64) -> f64 {
    let near = seconds.round();
    if (seconds - near).abs() < 1e-6 { near } else { seconds.floor() }
}

/// How long one table keeps the rows of the organization.
#[derive(Debug, Serialize)]
pub struct PolicyOfTable {
    hypertable: &'static str,
    drop_after_seconds: Option<i64>,
    enabled: bool,
}

impl PolicyOfTable {
    fn new(table: PolicyTable, keep: Option<i64>) -> Self {
        Self { hypertable: table.name(), drop_after_seconds: keep, enabled: keep.is_some() }
    }
}

/// The policies of a stream's own.
#[derive(Debug, Serialize)]
pub struct PoliciesOfStream {
    data: StreamId,
    policies: Vec<PolicyOfStream>,
}

#[derive(Debug, Serialize)]
struct PolicyOfStream {
    hypertable: &'static str,
    drop_after_seconds: i64,
}

impl PoliciesOfStream {
    fn new(data: StreamId, policies: &[Arc<Policy>]) -> Self {
        let shown = |policy: &Arc<Policy>| PolicyOfStream {
            hypertable: policy.table.name(),
            drop_after_seconds: policy.drop_after_s,
        };
        Self { data, policies: policies.iter().map(shown).collect() }
    }
}

/// What was asked for, and what the stream has now. `hypertable` is null when both were meant.
#[derive(Debug, Serialize)]
struct Changed {
    hypertable: Option<&'static str>,
    drop_after_seconds: Option<i64>,
    enabled: bool,
    #[serde(flatten)]
    now: PoliciesOfStream,
}

impl Changed {
    fn new(table: Option<PolicyTable>, keep: Option<i64>, now: PoliciesOfStream) -> Self {
        let hypertable = table.map(PolicyTable::name);
        Self { hypertable, drop_after_seconds: keep, enabled: keep.is_some(), now }
    }
}

/// What a change would remove.
#[derive(Debug, Serialize)]
struct ForecastView {
    rows: u64,
    bytes: u64,
    files: u64,
    before: Option<String>,
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
