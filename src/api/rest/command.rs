//! `/api/command/`: commands that wait for devices, and the reports about them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, optional, read_only, required};
use crate::app::App;
use crate::domain::command::{Command, CommandFilter, CommandState};
use crate::domain::command_params::CommandParams;
use crate::domain::{CommandId, DeviceId, Error, Resource, Result};

/// States that a report may give.
const REPORTED: [CommandState; 3] = [CommandState::Acknowledged, CommandState::Done, CommandState::Failed];

/// Routes, documentation and schemas of commands.
pub fn section() -> Section {
    let one = schema::reference("Command");
    let list = Doc::new("command_list", "List commands, newest first")
        .query("device", schema::row_id(), "Only commands of this device.")
        .query("state", schema::choice_of::<CommandState>(), "Only commands in this state.")
        .page()
        .answers(200, "The commands of devices that the caller may change", schema::list(one.clone()));
    let create = Doc::new("command_create", "Queue a command for a device")
        .body(schema::reference("NewCommand"))
        .answers(201, "The new command", one.clone());
    let get = Doc::new("command_get", "Get a command").answers(200, "The requested command", one.clone());
    let report = Doc::new("command_report", "Report what became of a command")
        .about("Answers 409 after a final state, and 410 after the time of the command.")
        .body(schema::reference("CommandReport"))
        .refuses(409)
        .refuses(410)
        .answers(200, "The command after the report", one);
    let right = RequiredAccess::Scope(Resource::Device);
    let of_one = |path: &'static str| Route::gated(path, right).variable("uuid", schema::string());
    Section {
        name: "Commands",
        about: "Commands for devices, which a gateway fetches, carries out and answers.",
        routes: vec![
            Route::gated("/api/command", right).get(self::list, list).post(self::create, create),
            of_one("/api/command/{uuid}").get(self::retrieve, get),
            of_one("/api/command/{uuid}/result").post(self::report, report),
        ],
        schemas: vec![
            ("Command", schema::view(&described())),
            ("NewCommand", schema::body(&described_new())),
            ("CommandReport", schema::body(&described_report())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    let time_or_null = || schema::nullable(schema::time());
    vec![
        read_only("id", schema::row_id()),
        read_only("uuid", schema::string()),
        read_only("key", schema::string()),
        read_only("device", schema::row_id()),
        read_only("type", schema::string()),
        read_only("params", schema::map()),
        read_only("state", schema::choice_of::<CommandState>()),
        read_only("result", schema::anything()),
        read_only("error", schema::string()),
        read_only("created_at", schema::time()),
        read_only("expires_at", schema::time()),
        read_only("sent_at", time_or_null()),
        read_only("acked_at", time_or_null()),
        read_only("done_at", time_or_null()),
    ]
}

fn described_new() -> Vec<FieldSchema> {
    vec![
        required("device", schema::row_id()),
        required("type", schema::pattern("^[A-Za-z0-9_-]{1,64}$")),
        optional("params", schema::map(), Map::new()),
    ]
}

fn described_report() -> Vec<FieldSchema> {
    vec![
        required("state", schema::choice(REPORTED.map(CommandState::name))),
        optional("result", schema::anything(), Value::Null),
        optional("error", schema::text(0, 4000), ""),
    ]
}

/// `GET /api/command`: the commands of devices that the caller may change, newest first.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<CommandView>>, RestError> {
    let commands = app.commands.commands(&caller, &parse_filter(raw.as_deref())?)?;
    Ok(Json(commands.into_iter().map(CommandView::from).collect()))
}

/// `POST /api/command`: queues a command, which waits for its answer as long as `command.ttl` says.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<CommandView>), RestError> {
    let command = app.gateway.create_command_from_json(&caller, body.object().await?).await?;
    Ok((StatusCode::CREATED, Json(command.into())))
}

/// `GET /api/command/{uuid}`: one command.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    uuid: Path<String>,
) -> Result<Json<CommandView>, RestError> {
    Ok(Json(app.commands.command(&caller, parse_uuid(&uuid)?)?.into()))
}

/// `POST /api/command/{uuid}/result`: stores what became of a command.
pub async fn report(
    caller: Caller,
    State(app): State<Arc<App>>,
    uuid: Path<String>,
    body: DeferredJson,
) -> Result<Json<CommandView>, RestError> {
    let uuid = parse_uuid(&uuid)?;
    app.commands.command_to_report(&caller, uuid)?;
    let members = body.object().await?;
    Ok(Json(app.gateway.report_command_from_json(&caller, uuid, members).await?.into()))
}

fn parse_filter(raw: Option<&str>) -> Result<CommandFilter> {
    let mut query = QueryParams::parse(raw);
    let (device, state) = (query.row_id("device").map(DeviceId), query.choice("state"));
    let page = query.page();
    query.finish()?;
    Ok(CommandFilter { device, state, page })
}

/// Parses a UUID; other text is not found.
fn parse_uuid(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Error::not_found())
}

/// A command in a response.
#[derive(Debug, Serialize)]
pub struct CommandView {
    id: CommandId,
    uuid: Uuid,
    key: String,
    device: DeviceId,
    #[serde(rename = "type")]
    kind: String,
    params: CommandParams,
    state: &'static str,
    result: Value,
    error: String,
    created_at: String,
    expires_at: String,
    sent_at: Option<String>,
    acked_at: Option<String>,
    done_at: Option<String>,
}

impl From<Command> for CommandView {
    fn from(command: Command) -> Self {
        let spec = command.spec;
        Self {
            id: command.id,
            uuid: command.uuid,
            key: command.key,
            device: spec.device,
            kind: spec.kind,
            params: spec.params,
            state: command.state.name(),
            result: command.result,
            error: command.error,
            created_at: command.created_at.to_iso(),
            expires_at: command.expires_at.to_iso(),
            sent_at: command.sent_at.map(|ts| ts.to_iso()),
            acked_at: command.acked_at.map(|ts| ts.to_iso()),
            done_at: command.done_at.map(|ts| ts.to_iso()),
        }
    }
}
