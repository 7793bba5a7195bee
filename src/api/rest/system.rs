//! `/api/system/`: the server itself, and `/api/query/`: the queries that run in it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, ValueSchema, read_only};
use crate::app::App;
use crate::domain::running_query::RunningQuery;
use crate::domain::server_status::{ServerStatus, SystemStatus};
use crate::domain::{Error, Resource, Result, Scope};

/// Whoever may read anything has queries, and sees and cancels them.
const ASKERS: RequiredAccess = RequiredAccess::AnyScope(|_| &READERS);
const READERS: [Scope; 8] = [
    Scope::read(Resource::Device),
    Scope::read(Resource::Data),
    Scope::read(Resource::Group),
    Scope::read(Resource::Value),
    Scope::read(Resource::Statistic),
    Scope::read(Resource::EventLog),
    Scope::read(Resource::System),
    Scope::write(Resource::WebrtcTerminal),
];

/// Routes, documentation and schemas of the server itself.
pub fn section() -> Section {
    let status = Doc::new("system_get", "Get version, uptime and resources of the server")
        .about("Facts of the whole server are null unless the caller is unrestricted and of the default organization.")
        .answers(200, "The state of the server", schema::reference("System"));
    let list = Doc::new("query_list", "List the queries that wait or run, oldest first")
        .about("Callers see their own queries. Those of others of the organization need `system:read` and an unrestricted key.")
        .answers(200, "The running queries that the caller sees", schema::list(schema::reference("RunningQuery")));
    let cancel = Doc::new("query_cancel", "Cancel a running query")
        .about("A query of another caller needs `system:write`. The client of the query gets an error or a shorter body.")
        .answers_nothing("The query was cancelled");
    Section {
        name: "System",
        about: "The server itself: version, uptime, disk, memory, lake and connections, and the queries that run in it.",
        routes: vec![
            Route::gated("/api/system", RequiredAccess::Scope(Resource::System)).get(self::status, status),
            Route::gated("/api/query", ASKERS).get(self::list, list),
            Route::gated("/api/query/{id}", ASKERS)
                .variable("id", schema::string())
                .delete(self::cancel, cancel),
        ],
        schemas: vec![
            ("System", schema::view(&described_system())),
            ("RunningQuery", schema::view(&described_query())),
        ],
    }
}

fn part(fields: &[FieldSchema]) -> ValueSchema {
    schema::view(fields).into()
}

fn described_system() -> Vec<FieldSchema> {
    let organization = [
        read_only("devices", schema::count()),
        read_only("streams", schema::count()),
        read_only("running_queries", schema::count()),
        read_only("lake_bytes", schema::nullable(schema::count())),
    ];
    vec![
        read_only("version", schema::string()),
        read_only("started_at", schema::time()),
        read_only("uptime_seconds", schema::number()),
        read_only("organization", part(&organization)),
        read_only("server", schema::nullable(part(&described_server()))),
    ]
}

fn described_server() -> Vec<FieldSchema> {
    let counts = |names: &[&'static str]| -> Vec<FieldSchema> {
        names.iter().map(|name| read_only(name, schema::count())).collect()
    };
    let memtable = [
        counts(&["readings", "used_bytes", "limit_bytes"]),
        vec![read_only("flush_lag_seconds", schema::number())],
    ];
    let named = |name: &'static str, numbers: &[&'static str]| {
        let fields = [vec![read_only(name, schema::string())], counts(numbers)].concat();
        schema::list(part(&fields))
    };
    let memory = [
        read_only("resident_bytes", schema::nullable(schema::count())),
        read_only("large_body_limit_bytes", schema::count()),
        read_only("address_space_limit_bytes", schema::nullable(schema::count())),
        read_only("budgets", named("budget", &["used_bytes", "limit_bytes"])),
    ];
    let disk = part(&counts(&["total_bytes", "used_bytes", "free_bytes"]));
    let lake = named("table", &["files", "bytes", "rows", "days", "merge_lag_files"]);
    vec![
        read_only("disk", schema::nullable(disk)),
        read_only("log", part(&counts(&["bytes", "segments"]))),
        read_only("memtable", part(&memtable.concat())),
        read_only("lake", lake),
        read_only("memory", part(&memory)),
        read_only("connections", named("listener", &["open", "limit"])),
        read_only("running_queries", schema::count()),
        read_only("clock_ahead_seconds", schema::number()),
    ]
}

fn described_query() -> Vec<FieldSchema> {
    vec![
        read_only("id", schema::string()),
        read_only("caller", schema::string()),
        read_only("surface", schema::string()),
        read_only("started_at", schema::time()),
        read_only("elapsed_ms", schema::number()),
        read_only("rows", schema::count()),
        read_only("memory_bytes", schema::nullable(schema::count())),
        read_only("text", schema::nullable(schema::string())),
        read_only("own", schema::boolean()),
    ]
}

/// `GET /api/system`: version, uptime and resources of the server.
pub async fn status(caller: Caller, State(app): State<Arc<App>>) -> Result<Json<Value>, RestError> {
    Ok(Json(system_view(&app.server.system_status(&caller).await?)))
}

/// `GET /api/query`: the queries that wait or run and that the caller sees, oldest first.
pub async fn list(caller: Caller, State(app): State<Arc<App>>) -> Result<Json<Vec<QueryView>>, RestError> {
    Ok(Json(app.statements.running(&caller)?.into_iter().map(QueryView::from).collect()))
}

/// `DELETE /api/query/{id}`: cancels a running query.
pub async fn cancel(
    caller: Caller,
    State(app): State<Arc<App>>,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<StatusCode, RestError> {
    // Whatever is no UUID is the id of no query.
    let Path(id) = id.map_err(|_| Error::not_found())?;
    app.statements.cancel_query(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn system_view(status: &SystemStatus) -> Value {
    let organization = &status.organization;
    json!({
        "version": status.version,
        "started_at": status.started_at.to_iso(),
        "uptime_seconds": status.uptime.as_secs_f64(),
        "organization": {
            "devices": organization.devices,
            "streams": organization.streams,
            "running_queries": organization.running_queries,
            "lake_bytes": organization.lake_bytes,
        },
        "server": status.server.as_ref().map(server_view),
    })
}

fn server_view(server: &ServerStatus) -> Value {
    let (store, memory) = (&server.store, &server.memory);
    let lake = store.lake.iter().map(|table| {
        json!({"table": table.table, "files": table.files, "bytes": table.bytes, "rows": table.rows,
               "days": table.days, "merge_lag_files": table.merge_lag_files})
    });
    let budgets = memory.budgets.iter().map(|usage| {
        json!({"budget": usage.budget, "used_bytes": usage.used_bytes, "limit_bytes": usage.limit_bytes})
    });
    let connections = server.connections.iter();
    let connections =
        connections.map(|one| json!({"listener": one.listener, "open": one.open, "limit": one.limit}));
    let disk = server
        .disk
        .map(|disk| json!({"total_bytes": disk.total, "used_bytes": disk.used, "free_bytes": disk.free}));
    json!({
        "disk": disk,
        "log": {"bytes": store.log_bytes, "segments": store.log_segments},
        "memtable": {
            "readings": store.memtable.readings,
            "used_bytes": store.memtable.used_bytes,
            "limit_bytes": store.memtable.limit_bytes,
            "flush_lag_seconds": store.memtable.flush_lag_s,
        },
        "lake": lake.collect::<Vec<_>>(),
        "memory": {
            "resident_bytes": memory.resident_bytes,
            "large_body_limit_bytes": memory.large_body_limit_bytes,
            "address_space_limit_bytes": memory.address_space_limit_bytes,
            "budgets": budgets.collect::<Vec<_>>(),
        },
        "connections": connections.collect::<Vec<_>>(),
        "running_queries": server.running_queries,
        "clock_ahead_seconds": store.clock_ahead_s,
    })
}

/// A query that waits or runs.
#[derive(Debug, Serialize)]
pub struct QueryView {
    id: Uuid,
    caller: String,
    surface: &'static str,
    started_at: String,
    /// Time since it arrived, milliseconds.
    elapsed_ms: f64,
    rows: usize,
    memory_bytes: Option<usize>,
    text: Option<Box<str>>,
    own: bool,
}

impl From<RunningQuery> for QueryView {
    fn from(query: RunningQuery) -> Self {
        Self {
            id: query.id,
            caller: query.caller.to_string(),
            surface: query.surface,
            started_at: query.started_at.to_iso(),
            elapsed_ms: query.elapsed.as_secs_f64() * 1e3,
            rows: query.rows,
            memory_bytes: query.memory_bytes,
            text: query.text,
            own: query.is_own,
        }
    }
}
