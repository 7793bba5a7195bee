//! `/api/v1/devices/{deviceId}/commands`: commands for a device.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::base_url::BaseUrl;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::problem::MkError;
use super::query::Query;
use super::{Answer, wire};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema};
use crate::app::App;
use crate::app::mk::new_command::{DEFAULT_TIMEOUT_S, NewCommand, TIMEOUTS_S};
use crate::domain::Micros;
use crate::domain::command::{Command, CommandState};
use crate::domain::command_params::CommandParams;

const PATH: &str = "/api/v1/devices/{deviceId}/commands";
const SORTABLE: [&str; 9] =
    ["createdAt", "type", "status", "error", "createdBy", "sentAt", "acknowledgedAt", "completedAt", "id"];

/// The operations.
pub fn section() -> Section {
    let create = Doc::new("createCommand", "Send a command to a device")
        .about(
            "The command waits until the device is connected, at most for its timeout. BIND_CONFIG_ARTEFACT and \
             UNBIND_CONFIG_ARTEFACT (`configArtefactId`, `componentId`) change the binding at once. UPDATE_FIRMWARE \
             (`firmwareId`) gets `sha256` and `downloadUrl`; the address has its token only where it is sent to the device.",
        )
        .body(schema::reference("NewCommand"))
        .answers(201, "The command with its progress.", schema::reference("Command"));
    let list = paged(Doc::new("listCommands", "List the commands of a device"))
        .about("A command is kept for an hour after its time.")
        .query("status", schema::choice(CommandState::ALL.map(status)), "Only commands in this state.")
        .answers(200, "A page of commands.", page_of("Command"));
    let read = Doc::new("getCommand", "Get a command").answers(
        200,
        "The command with its progress.",
        schema::reference("Command"),
    );
    Section {
        name: "Commands",
        about: "Requests to a device: PENDING, SENT, ACKNOWLEDGED, then SUCCESS, FAILED or TIMEOUT.",
        endpoints: vec![
            Endpoint::post(PATH, self::create, create),
            Endpoint::get(PATH, self::list, list),
            Endpoint::get("/api/v1/devices/{deviceId}/commands/{id}", self::read, read),
        ],
        schemas: vec![
            ("Command", schema::object(&described())),
            ("NewCommand", schema::body(&described_new())),
        ],
    }
}

fn described_new() -> Vec<FieldSchema> {
    vec![
        schema::required("type", schema::pattern("^[A-Z][A-Z0-9_]{0,63}$")),
        schema::optional("params", schema::map(), Map::new()),
        schema::optional(
            "timeoutSeconds",
            schema::integer(*TIMEOUTS_S.start(), *TIMEOUTS_S.end()),
            DEFAULT_TIMEOUT_S,
        ),
    ]
}

fn described() -> Vec<FieldSchema> {
    let moment = || schema::nullable(schema::time());
    vec![
        schema::required("id", id()),
        schema::required("deviceId", id()),
        schema::required("type", schema::string()),
        schema::required("params", schema::map()),
        schema::required("status", schema::choice(CommandState::ALL.map(status))),
        schema::required("result", schema::anything()),
        schema::required("error", schema::nullable(schema::string())),
        schema::required("createdBy", schema::nullable(schema::string())),
        schema::required("createdAt", schema::time()),
        schema::required("sentAt", moment()),
        schema::required("acknowledgedAt", moment()),
        schema::required("completedAt", moment()),
    ]
}

/// Name of a state on the platform.
fn status(state: CommandState) -> &'static str {
    match state {
        CommandState::Pending => "PENDING",
        CommandState::Sent => "SENT",
        CommandState::Acknowledged => "ACKNOWLEDGED",
        CommandState::Done => "SUCCESS",
        CommandState::Failed => "FAILED",
        CommandState::Expired => "TIMEOUT",
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CommandView {
    id: Uuid,
    device_id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    params: CommandParams,
    status: &'static str,
    result: Value,
    error: Option<String>,
    created_by: Option<String>,
    created_at: String,
    sent_at: Option<String>,
    acknowledged_at: Option<String>,
    completed_at: Option<String>,
}

impl CommandView {
    /// `command` has its state of this moment.
    fn new(command: Command, device_id: Uuid) -> CommandView {
        let completed_at = completed_at(&command);
        let moment = |at: Option<Micros>| at.map(wire::iso);
        let text = |text: String| (!text.is_empty()).then_some(text);
        CommandView {
            id: command.uuid,
            device_id,
            kind: command.spec.kind,
            params: command.spec.params,
            status: status(command.state),
            result: command.result,
            error: text(command.error),
            created_by: text(command.created_by),
            created_at: wire::iso(command.created_at),
            sent_at: moment(command.sent_at),
            acknowledged_at: moment(command.acked_at),
            completed_at: moment(completed_at),
        }
    }
}

/// Time at which a command was done, failed or ran out of time.
fn completed_at(command: &Command) -> Option<Micros> {
    if command.state == CommandState::Expired { Some(command.expires_at) } else { command.done_at }
}

/// The ids in a path: of the device, and of the command where there is one.
#[derive(Debug, Clone, Copy)]
struct CommandPath {
    device: Uuid,
    command: Option<Uuid>,
}

impl FromRequestParts<Arc<App>> for CommandPath {
    type Rejection = MkError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, MkError> {
        let read = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
        let Path(variables) = read.map_err(|_| MkError::invalid_parameter("deviceId"))?;
        let id = |name: &str| {
            let text = variables.iter().find(|(known, _)| known == name).map(|(_, text)| text);
            text.map(|text| Uuid::try_parse(text).map_err(|_| MkError::invalid_parameter(name))).transpose()
        };
        let device = id("deviceId")?.ok_or_else(|| MkError::invalid_parameter("deviceId"))?;
        Ok(CommandPath { device, command: id("id")? })
    }
}

/// `POST /api/v1/devices/{deviceId}/commands`
async fn create(
    caller: MkCaller,
    base: BaseUrl,
    State(app): State<Arc<App>>,
    path: CommandPath,
    body: JsonBody,
) -> Answer {
    let principal = &caller.principal;
    let no_device = |e| MkError::named(e, "Device", path.device);
    app.mk.devices.platform_device_to_change(principal, path.device).map_err(no_device)?;
    let new = read_new(body.fields(&app).await?, caller.actor.clone(), base)?;
    let created =
        app.mk.commands.create_device_command(principal, path.device, new).await.map_err(no_device)?;
    let collection = format!("/api/v1/devices/{}/commands", path.device);
    Ok(wire::created(&collection, created.uuid, CommandView::new(created, path.device)))
}

fn read_new(
    mut fields: Fields,
    created_by: String,
    BaseUrl(base_url): BaseUrl,
) -> Result<NewCommand, MkError> {
    let kind = fields.text_or_empty("type");
    let params = fields.object("params").unwrap_or_default();
    let timeout_s = fields.integer("timeoutSeconds").unwrap_or(DEFAULT_TIMEOUT_S);
    let new = NewCommand { kind, params, timeout_s, created_by, base_url };
    fields.finish(new.problems())?;
    Ok(new)
}

/// `GET /api/v1/devices/{deviceId}/commands`
async fn list(caller: MkCaller, State(app): State<Arc<App>>, path: CommandPath, query: Query) -> Answer {
    let page = query.page(&SORTABLE)?;
    let wanted = query.choice("status", &CommandState::ALL, status)?;
    let rows = app.mk.commands.device_commands(&caller.principal, path.device, wanted);
    let rows = rows.map_err(|e| MkError::named(e, "Device", path.device))?;
    let page = page.of(rows, sort_key, |row| row.uuid);
    Ok(wire::ok(page.map(|row| CommandView::new(row, path.device))))
}

fn sort_key(row: &Command, property: &str) -> SortKey {
    let text = |text: &str| if text.is_empty() { SortKey::Null } else { text.into() };
    match property {
        "id" => row.uuid.into(),
        "type" => row.spec.kind.as_str().into(),
        "status" => status(row.state).into(),
        "error" => text(&row.error),
        "createdBy" => text(&row.created_by),
        "sentAt" => row.sent_at.into(),
        "acknowledgedAt" => row.acked_at.into(),
        "completedAt" => completed_at(row).into(),
        _ => row.created_at.into(),
    }
}

/// `GET /api/v1/devices/{deviceId}/commands/{id}`
async fn read(caller: MkCaller, State(app): State<Arc<App>>, path: CommandPath) -> Answer {
    let principal = &caller.principal;
    app.mk
        .devices
        .device_overview(principal, path.device)
        .map_err(|e| MkError::named(e, "Device", path.device))?;
    let id = path.command.ok_or_else(|| MkError::invalid_parameter("id"))?;
    let command = app.mk.commands.device_command(principal, path.device, id);
    let command = command.map_err(|e| MkError::named(e, "Command", id))?;
    Ok(wire::ok(CommandView::new(command, path.device)))
}
