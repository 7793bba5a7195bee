//! `/api/audit/`: who changed what, and who was refused.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use futures::StreamExt;
use serde::Serialize;

use super::array;
use super::gate::Right;
use super::query::Query;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, shown};
use crate::app::App;
use crate::domain::OrgId;
use crate::domain::Resource;
use crate::domain::audit::Record;

pub fn section() -> Section {
    let list = Doc::new("audit_list", "Changes and refused accesses, newest first").range().answers(
        200,
        "The rows",
        shape::list(shape::named("AuditRow")),
    );
    Section {
        name: "Audit log",
        about: "Who changed what, and who was refused. For superusers, and keys that are not limited to some rows.",
        routes: vec![Route::gated("/api/audit", Right::Scope(Resource::System)).get(self::list, list)],
        schemas: vec![("AuditRow", shape::view(&described()))],
    }
}

fn described() -> Vec<Field> {
    let words_or_null = |name| shown(name, shape::or_null(shape::words()));
    vec![
        shown("id", shape::row()),
        shown("timestamp", shape::time()),
        shown("until", shape::time()),
        shown("organization", shape::or_null(shape::row())),
        words_or_null("actor"),
        words_or_null("actor_name"),
        shown("action", shape::words()),
        words_or_null("kind"),
        shown("row", shape::or_null(shape::row())),
        shown("fields", shape::list(shape::words())),
        shown("request", shape::words()),
        shown("outcome", shape::words()),
        words_or_null("address"),
        shown("request_id", shape::words()),
        shown("count", shape::count()),
    ]
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = Query::parse(raw.as_deref());
    let range = query.range();
    query.finish()?;
    let rows = app.audit_log(&caller, range)?;
    Ok(array::respond(rows.map(|rows| Ok(written(rows?))).boxed()).await?)
}

/// Rows as JSON, with commas between them.
fn written(rows: Vec<Record>) -> Vec<u8> {
    let mut text = serde_json::to_vec(&rows.into_iter().map(AuditView::from).collect::<Vec<_>>())
        .expect("numbers and texts always serialise");
    text.pop();
    text.remove(0);
    text
}

#[derive(Debug, Serialize)]
pub struct AuditView {
    id: i32,
    timestamp: String,
    /// The last of `count`.
    until: String,
    organization: Option<OrgId>,
    actor: Option<String>,
    actor_name: Option<String>,
    action: String,
    kind: Option<String>,
    row: Option<i32>,
    fields: Vec<String>,
    request: String,
    outcome: String,
    address: Option<String>,
    request_id: String,
    count: i64,
}

impl From<Record> for AuditView {
    fn from(record: Record) -> Self {
        Self {
            id: record.id,
            timestamp: record.ts.to_iso(),
            until: record.until.to_iso(),
            organization: record.org,
            actor: record.actor,
            actor_name: record.actor_name,
            action: record.action,
            kind: record.kind,
            row: record.row,
            fields: record.fields,
            request: record.request,
            outcome: record.outcome,
            address: record.address,
            request_id: record.request_id,
            count: record.count,
        }
    }
}
