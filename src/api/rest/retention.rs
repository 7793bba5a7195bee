//! `/api/retention/` and `/api/data/:id/policy/retention/`: retention policies, and dry runs of their changes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::Schema;

use super::Id;
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, ValueSchema, omittable, optional, read_only, required};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::app::fields::retention::{
    DURATION_UNITS, MAX_DROP_AFTER_S, read_stream_policy, read_table_policy,
};
use crate::domain::Resource;
use crate::domain::policy::{Policy, PolicyChange, PolicyTable};
use crate::domain::{Result, StreamId};

/// Routes, documentation and schemas of retention policies.
pub fn section() -> Section {
    let tables = schema::reference("TablePolicy");
    let change =
        with_change_params(Doc::new("retention_change", "Change the retention of a table"), "NewPolicy")
            .answers(201, "The policy was added: the table had none before", tables.clone())
            .answers(
                200,
                "The policy was changed or removed; for a dry run, what it would remove",
                or_dry_run(tables.clone()),
            );
    let of = || schema::reference("ChangedStreamPolicy");
    let changed = |id, summary| {
        with_change_params(Doc::new(id, summary), "NewStreamPolicy")
            .answers(201, "The policy was added: the data stream had none before", of())
            .answers(
                200,
                "The policy was changed or removed; for a dry run, what it would remove",
                or_dry_run(of()),
            )
    };
    let list = Doc::new("retention_list", "List the retention of both tables");
    let list_of_one = Doc::new("data_retention_list", "List the retention policies of a data stream");
    let post = changed("data_retention_change", "Change the retention of a data stream");
    let put = changed("data_retention_put", "Change the retention of a data stream (same as POST)");
    let right = RequiredAccess::Scope(Resource::System);
    Section {
        name: "Retention",
        about: "How long rows are stored.",
        routes: vec![
            Route::gated("/api/retention", right)
                .get(self::list, list.answers(200, "The retention of each table", schema::list(tables)))
                .post(self::change, change),
            Route::gated("/api/data/{id}/policy/retention", right)
                .get(
                    list_for_stream,
                    list_of_one.answers(
                        200,
                        "The policies of the data stream",
                        schema::reference("StreamPolicies"),
                    ),
                )
                .post(change_for_stream, post)
                .put(change_for_stream, put),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("TablePolicy", schema::view(&described())),
        ("NewPolicy", schema::body(&described_body(required("hypertable", table())))),
        (
            "NewStreamPolicy",
            schema::body(&described_body(optional("hypertable", schema::nullable(table()), Value::Null))),
        ),
        ("StreamPolicies", schema::view(&described_policies())),
        (
            "ChangedStreamPolicy",
            schema::view(
                &[
                    vec![
                        read_only("hypertable", schema::nullable(table())),
                        read_only("drop_after_seconds", schema::nullable(schema::count())),
                        read_only("enabled", schema::boolean()),
                    ],
                    described_policies(),
                ]
                .concat(),
            ),
        ),
        ("DryRun", schema::view(&described_dry_run())),
    ]
}

fn with_change_params(doc: Doc, body: &str) -> Doc {
    doc.about(
        "Set exactly one of the three durations. Zero or less removes the policy; without any, rows are kept forever.",
    )
    .query("dry_run", schema::boolean(), "Return what the change would remove, without changing anything.")
    .body(schema::reference(body))
}

fn or_dry_run(changed: ValueSchema) -> ValueSchema {
    schema::any_of([changed, schema::reference("DryRun")])
}

fn table() -> ValueSchema {
    schema::choice_of::<PolicyTable>()
}

fn described() -> Vec<FieldSchema> {
    vec![
        read_only("hypertable", table()),
        read_only("drop_after_seconds", schema::nullable(schema::count())),
        read_only("enabled", schema::boolean()),
    ]
}

fn described_body(table: FieldSchema) -> Vec<FieldSchema> {
    let times = DURATION_UNITS.map(|(name, unit_s)| {
        omittable(name, schema::number_within(-MAX_DROP_AFTER_S, (MAX_DROP_AFTER_S / unit_s).floor()))
    });
    [table].into_iter().chain(times).collect()
}

fn described_policies() -> Vec<FieldSchema> {
    let policy = [read_only("hypertable", table()), read_only("drop_after_seconds", schema::count())];
    vec![
        read_only("data", schema::row_id()),
        read_only("policies", schema::list(schema::view(&policy).into())),
    ]
}

fn described_dry_run() -> Vec<FieldSchema> {
    let counts = ["rows", "bytes", "files"].map(|name| read_only(name, schema::count()));
    counts.into_iter().chain([read_only("before", schema::nullable(schema::time()))]).collect()
}

/// `GET /api/retention`: how long each table keeps rows of the organization.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<Vec<TablePolicyView>>, RestError> {
    let tables = app.retention.retention(&caller)?;
    Ok(Json(tables.into_iter().map(|(table, keep)| TablePolicyView::new(table, keep)).collect()))
}

/// `POST /api/retention`: sets or removes a table's policy; with `dry_run` only says what would be deleted.
pub async fn change(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
    body: DeferredJson,
) -> Result<Response, RestError> {
    app.retention.retention_to_change(&caller, None)?;
    let is_dry_run = parse_dry_run(raw.as_deref())?;
    let (table, drop_after_s) = read_table_policy(body.fields(ReadMode::Whole).await?)?;
    let change = PolicyChange { stream: None, tables: vec![table], drop_after_s };
    if is_dry_run {
        return dry_run(&app, &caller, &change).await;
    }
    let status = status(app.retention.change_retention(&caller, &change).await?);
    Ok((status, Json(TablePolicyView::new(table, change.drop_after_s))).into_response())
}

/// `GET /api/data/{id}/policy/retention`: the stream's own policies.
pub async fn list_for_stream(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
) -> Result<Json<StreamPoliciesView>, RestError> {
    Ok(Json(StreamPoliciesView::new(id, &app.retention.retention_of(&caller, id)?)))
}

/// `POST` and `PUT /api/data/{id}/policy/retention`: as `change`, for one stream and one or both tables.
pub async fn change_for_stream(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<StreamId>,
    RawQuery(raw): RawQuery,
    body: DeferredJson,
) -> Result<Response, RestError> {
    app.retention.retention_to_change(&caller, Some(id))?;
    let is_dry_run = parse_dry_run(raw.as_deref())?;
    let (table, drop_after_s) = read_stream_policy(body.fields(ReadMode::Whole).await?)?;
    let tables = table.map_or(PolicyTable::ALL.to_vec(), |table| vec![table]);
    let change = PolicyChange { stream: Some(id), tables, drop_after_s };
    if is_dry_run {
        return dry_run(&app, &caller, &change).await;
    }
    let status = status(app.retention.change_retention(&caller, &change).await?);
    let now = StreamPoliciesView::new(id, &app.retention.retention_of(&caller, id)?);
    Ok((status, Json(ChangedPolicyView::new(table, change.drop_after_s, now))).into_response())
}

async fn dry_run(app: &App, caller: &Caller, change: &PolicyChange) -> Result<Response, RestError> {
    let found = app.retention.dry_run_retention(caller, change).await?;
    let before = found.before.map(|ts| ts.to_iso());
    let (rows, bytes, files) = (found.amount.rows, found.amount.bytes, found.amount.files);
    Ok(Json(DryRunView { rows, bytes, files, before }).into_response())
}

fn status(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::OK }
}

fn parse_dry_run(raw: Option<&str>) -> Result<bool> {
    let mut query = QueryParams::parse(raw);
    let is_dry_run = query.boolean("dry_run").unwrap_or(false);
    query.finish()?;
    Ok(is_dry_run)
}

/// Retention of the organization's rows in one table.
#[derive(Debug, Serialize)]
pub struct TablePolicyView {
    hypertable: &'static str,
    drop_after_seconds: Option<i64>,
    enabled: bool,
}

impl TablePolicyView {
    fn new(table: PolicyTable, keep: Option<i64>) -> Self {
        Self { hypertable: table.name(), drop_after_seconds: keep, enabled: keep.is_some() }
    }
}

/// The retention policies of one stream.
#[derive(Debug, Serialize)]
pub struct StreamPoliciesView {
    data: StreamId,
    policies: Vec<StreamPolicyView>,
}

/// A policy of one stream and table.
#[derive(Debug, Serialize)]
struct StreamPolicyView {
    hypertable: &'static str,
    drop_after_seconds: i64,
}

impl StreamPoliciesView {
    fn new(data: StreamId, policies: &[Arc<Policy>]) -> Self {
        let shown = |policy: &Arc<Policy>| StreamPolicyView {
            hypertable: policy.table.name(),
            drop_after_seconds: policy.drop_after_s,
        };
        Self { data, policies: policies.iter().map(shown).collect() }
    }
}

/// The requested change and the stream's policies after it. `hypertable` is null when it applied to both tables.
#[derive(Debug, Serialize)]
struct ChangedPolicyView {
    hypertable: Option<&'static str>,
    drop_after_seconds: Option<i64>,
    enabled: bool,
    #[serde(flatten)]
    now: StreamPoliciesView,
}

impl ChangedPolicyView {
    fn new(table: Option<PolicyTable>, keep: Option<i64>, now: StreamPoliciesView) -> Self {
        let hypertable = table.map(PolicyTable::name);
        Self { hypertable, drop_after_seconds: keep, enabled: keep.is_some(), now }
    }
}

/// Rows, bytes and files that a change would remove.
#[derive(Debug, Serialize)]
struct DryRunView {
    rows: u64,
    bytes: u64,
    files: u64,
    before: Option<String>,
}
