//! Commands for devices: `POST /device/v1/control/{id}/set` and `/status`, and the answers to the latter.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::mistakes::{Location, Mistakes, malformed_json};
use super::{Answer, Cloud, ProjectCaller, body};
use crate::api::error::InstathingsError;
use crate::domain::command::{Command, CommandSpec, CommandState, STATUS_KIND};
use crate::domain::command_params::CommandParams;
use crate::domain::device::{Device, Protocol};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Kind, Micros, Result};

const SET_KIND: &str = "set";
/// How long an answer can be fetched, from the request on.
const ANSWER_TTL_S: i64 = 3600;
/// Time after which a device that has not answered is said to be silent.
const ANSWER_TIMEOUT_S: i64 = 30;
/// Members of a product's metadata: `false` forbids to control its devices.
const CONTROL: &str = "control";

const PATH_HEADER: &str = "instathings-path";
const METHOD_HEADER: &str = "instathings-method";
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The answer of a device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerView {
    project_id: String,
    response: Value,
    /// Seconds since 1970.
    ttl: i64,
    device_id: String,
    id: String,
}

/// How far a request for a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Answered,
    Pending,
    Silent,
    /// Nobody can fetch it any more.
    Over,
}

/// `POST …/set`: passes a body on to a device.
///
/// # Errors
/// 400 for a malformed body or missing headers; 403 when the product forbids it; 404 when there is no such device; 503
/// when too many commands wait.
pub async fn set(cloud: &Cloud, caller: &ProjectCaller, id: &str, request: Request) -> Answer {
    queue(cloud, caller, id, request, SET_KIND).await?;
    Ok(Json(json!({})).into_response())
}

/// `POST …/status`: asks a device for its state. The header `Location` says where the answer will be.
///
/// # Errors
/// The errors of [`set`].
pub async fn status(cloud: &Cloud, caller: &ProjectCaller, id: &str, request: Request) -> Answer {
    let command = queue(cloud, caller, id, request, STATUS_KIND).await?;
    let location = HeaderValue::try_from(format!("/device/v1/control/{}/fetch", command.key));
    let location = location.map_err(|e| Error::internal("a command's key is no ASCII").with_source(e))?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(json!({}))).into_response())
}

/// `GET /device/v1/control/{request}/fetch`: the answer of a device.
///
/// # Errors
/// 404 when there is no such request or its time is over; 504 when the device does not answer.
pub fn fetch(cloud: &Cloud, caller: &ProjectCaller, request: &str) -> Answer {
    let command = cloud.app.commands.command_by_key(&caller.principal, request)?;
    match progress(&command, cloud.app.now()) {
        Progress::Over => Err(Error::not_found().into()),
        Progress::Silent => Err(Error::new(Kind::Timeout, "the device does not answer").into()),
        Progress::Pending => {
            let soon = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
            Ok((StatusCode::ACCEPTED, soon, Json(json!({}))).into_response())
        }
        Progress::Answered => {
            let device = cloud.app.devices.device(&caller.principal, command.spec.device)?;
            Ok(Json(AnswerView::new(&command, &caller.project, &device)).into_response())
        }
    }
}

impl AnswerView {
    /// The answer of a device to a command for its state. What failed without a result has its reason.
    pub fn new(command: &Command, project: &str, device: &Device) -> Self {
        let is_reason = command.state == CommandState::Failed && command.result.is_null();
        let response = if is_reason { json!({"error": command.error}) } else { command.result.clone() };
        AnswerView {
            project_id: project.to_owned(),
            response,
            ttl: command.created_at.0.div_euclid(MICROS_PER_SECOND).saturating_add(ANSWER_TTL_S),
            device_id: device.aliases.key.clone(),
            id: command.key.clone(),
        }
    }
}

/// Whether a command is a request for a state that was answered.
pub fn is_answer(command: &Command) -> bool {
    let is_answered = matches!(command.state, CommandState::Done | CommandState::Failed);
    command.spec.kind == STATUS_KIND && is_answered
}

fn progress(command: &Command, now: Micros) -> Progress {
    let age_s = now.0.saturating_sub(command.created_at.0).div_euclid(MICROS_PER_SECOND);
    if command.spec.kind != STATUS_KIND || age_s >= ANSWER_TTL_S {
        Progress::Over
    } else if is_answer(command) {
        Progress::Answered
    } else if command.state == CommandState::Expired || age_s >= ANSWER_TIMEOUT_S {
        Progress::Silent
    } else {
        Progress::Pending
    }
}

async fn queue(
    cloud: &Cloud,
    caller: &ProjectCaller,
    id: &str,
    request: Request,
    kind: &str,
) -> Result<Arc<Command>, InstathingsError> {
    let headers = request.headers().clone();
    let query = body::form_members(request.uri().query().unwrap_or_default().as_bytes());
    let body = body::read_raw(request, cloud.app.settings().body_bytes).await?;
    let device = cloud.device(caller, id)?;
    if cloud.app.products.product_of(&device)?.spec.metadata.get(CONTROL) == Some(&Value::Bool(false)) {
        return Err(Error::forbidden("devices of this product are not controlled").into());
    }
    let mut params = Map::new();
    if device.spec.protocol == Protocol::Http {
        let (path, method) = http_target(&headers)?;
        params.insert("path".to_owned(), path.into());
        params.insert("method".to_owned(), method.into());
    }
    params.insert("query".to_owned(), Value::Object(query));
    let params = CommandParams::with_raw(&params, "body", &body).map_err(too_deep)?;
    let spec = CommandSpec { device: device.id, kind: kind.to_owned(), params };
    let made = cloud.app.commands.create_commands(&caller.principal, vec![spec]).await.map_err(too_large)?;
    Ok(made.into_iter().next().ok_or_else(|| Error::internal("a command was not made"))?)
}

/// A body that can be read, but not within the arguments of a command.
fn too_deep(error: Error) -> InstathingsError {
    if error.kind == Kind::Invalid { malformed_json() } else { error.into() }
}

/// The only rule that a command from here can break is the size of its parameters.
fn too_large(error: Error) -> Error {
    let is_size = error.kind == Kind::Invalid && error.fields.iter().any(|field| field.field == "params");
    if is_size { Error::too_large(error.message) } else { error }
}

/// The path and method that devices with HTTP need.
fn http_target(headers: &HeaderMap) -> Result<(String, String), InstathingsError> {
    let mut mistakes = Mistakes::default();
    let mut header = |name: &str, is_valid: fn(&str) -> bool| {
        let header_text =
            headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let found = header_text.clone().filter(|text| is_valid(text));
        if found.is_none() {
            mistakes.add(Location::Headers, name, header_text.map(Value::from));
        }
        found.unwrap_or_default()
    };
    let path = header(PATH_HEADER, |text| !text.is_empty());
    let method = header(METHOD_HEADER, |text| METHODS.iter().any(|known| known.eq_ignore_ascii_case(text)));
    mistakes.check()?;
    Ok((path, method.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CommandId, DeviceId, OrgId};

    fn command(kind: &str, state: CommandState) -> Command {
        Command {
            id: CommandId(1),
            org: OrgId(1),
            uuid: uuid::Uuid::nil(),
            key: "IVdtfGYi0".to_owned(),
            spec: CommandSpec {
                device: DeviceId(1),
                kind: kind.to_owned(),
                params: CommandParams::default(),
            },
            created_by: String::new(),
            state,
            created_at: Micros(0),
            expires_at: Micros(60 * MICROS_PER_SECOND),
            sent_at: None,
            acked_at: None,
            done_at: None,
            result: Value::Null,
            error: "no device".to_owned(),
        }
    }

    #[test]
    fn an_answer_can_be_fetched_for_an_hour() {
        let rows = [
            ("get", CommandState::Pending, 0, Progress::Pending),
            ("get", CommandState::Acknowledged, 29, Progress::Pending),
            ("get", CommandState::Sent, 30, Progress::Silent),
            ("get", CommandState::Expired, 5, Progress::Silent),
            ("get", CommandState::Done, 45, Progress::Answered),
            ("get", CommandState::Failed, 3599, Progress::Answered),
            ("get", CommandState::Done, 3600, Progress::Over),
            ("set", CommandState::Done, 1, Progress::Over),
        ];
        for (kind, state, second, expected) in rows {
            let found = progress(&command(kind, state), Micros(second * MICROS_PER_SECOND));
            assert_eq!(found, expected, "{kind} {state} {second}");
        }
    }

    #[test]
    fn queries_and_headers_are_passed_on() {
        let members = body::form_members(b"turn=on&a=1&a=2&a=3&b=");
        assert_eq!(Value::Object(members), json!({"turn": "on", "a": ["1", "2", "3"], "b": ""}));
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let found = http_target(&headers(&[(PATH_HEADER, "/relay/0"), (METHOD_HEADER, "get")])).unwrap();
        assert_eq!(found, ("/relay/0".to_owned(), "GET".to_owned()));
        let error = http_target(&headers(&[(METHOD_HEADER, "FETCH")])).unwrap_err();
        let expected = json!({"errors": [
            {"msg": "Invalid value", "param": PATH_HEADER, "location": "headers"},
            {"value": "FETCH", "msg": "Invalid value", "param": METHOD_HEADER, "location": "headers"},
        ]});
        assert_eq!(*error.body.unwrap(), expected);
    }
}
