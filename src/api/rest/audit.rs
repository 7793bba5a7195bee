//! `/api/audit/`: who changed what, and who was refused.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use futures::StreamExt;
use serde::Serialize;

use super::array;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, read_only};
use crate::app::App;
use crate::domain::OrgId;
use crate::domain::Resource;
use crate::domain::audit::AuditRecord;

/// Routes, documentation and schemas of the audit log.
pub fn section() -> Section {
    let list = Doc::new("audit_list", "List changes and refused accesses, newest first").range().answers(
        200,
        "The audit records",
        schema::list(schema::reference("AuditRow")),
    );
    Section {
        name: "Audit log",
        about: "Changes with their authors, and refused accesses. For superusers, and for keys not restricted to certain rows.",
        routes: vec![
            Route::gated("/api/audit", RequiredAccess::Scope(Resource::System)).get(self::list, list),
        ],
        schemas: vec![("AuditRow", schema::view(&described()))],
    }
}

fn described() -> Vec<FieldSchema> {
    let words_or_null = |name| read_only(name, schema::nullable(schema::string()));
    vec![
        read_only("id", schema::row_id()),
        read_only("timestamp", schema::time()),
        read_only("until", schema::time()),
        read_only("organization", schema::nullable(schema::row_id())),
        words_or_null("actor"),
        words_or_null("actor_name"),
        read_only("action", schema::string()),
        words_or_null("kind"),
        read_only("row", schema::nullable(schema::row_id())),
        read_only("fields", schema::list(schema::string())),
        read_only("request", schema::string()),
        read_only("outcome", schema::string()),
        words_or_null("address"),
        read_only("request_id", schema::string()),
        read_only("count", schema::count()),
    ]
}

/// `GET /api/audit`: audit records, newest first; of a time range oldest first.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let range = query.range();
    query.finish()?;
    let rows = app.audit.audit_log(&caller, range)?;
    Ok(array::respond(rows.map(|rows| Ok(rows_to_json(rows?))).boxed()).await?)
}

/// Writes rows as comma-separated JSON objects.
fn rows_to_json(rows: Vec<AuditRecord>) -> Vec<u8> {
    let mut text = serde_json::to_vec(&rows.into_iter().map(AuditView::from).collect::<Vec<_>>())
        .expect("numbers and texts always serialise");
    text.pop();
    text.remove(0);
    text
}

/// An audit record.
#[derive(Debug, Serialize)]
pub struct AuditView {
    id: i32,
    timestamp: String,
    /// Time of the last of `count` occurrences.
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

impl From<AuditRecord> for AuditView {
    fn from(record: AuditRecord) -> Self {
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
