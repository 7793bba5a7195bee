//! The fields of what gateways report: results of commands, sessions and logs. Reports pass on members that are not
//! known here, so they are read from whole objects.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::drf_scalar;
use crate::app::gateway::Gateway;
use crate::app::gateway::log::{LogLine, LogLines};
use crate::app::gateway::session::SessionEvent;
use crate::domain::command::{Command, CommandReport, CommandSpec, CommandState};
use crate::domain::{DeviceId, Error, FieldError, Micros, Principal, Resource, Result, Scope};

const REQUIRED: &str = "This field is required.";
const MICROS_PER_MILLISECOND: i64 = 1000;

impl Gateway {
    /// Queues a command: `device`, `type`, and `params` where given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise as `Commands::create_commands`.
    pub async fn create_command_from_json(
        &self,
        principal: &Principal,
        mut members: Map<String, Value>,
    ) -> Result<Command> {
        principal.require(Scope::write(Resource::Device))?;
        let mut wrong = Vec::new();
        let device = take(&mut wrong, &mut members, "device", |value| {
            let id = drf_scalar::row_id(&value)?;
            let device = self.store.catalog().devices.device(principal, DeviceId(id));
            device.map(|device| device.id).map_err(|_| drf_scalar::no_such_row(id))
        });
        let kind = take(&mut wrong, &mut members, "type", drf_scalar::text);
        let params = members.remove("params").map(drf_scalar::object).transpose();
        let params = params.unwrap_or_else(|message| {
            wrong.push(FieldError::new("params", message));
            None
        });
        Error::check(wrong)?;
        let (Some(device), Some(kind)) = (device, kind) else {
            return Err(Error::internal("a command without a device or a type passed its checks"));
        };
        let spec = CommandSpec { device, kind, params: params.unwrap_or_default().into() };
        let made = self.commands.create_commands(principal, vec![spec]).await?;
        let made = made.first().ok_or_else(|| Error::internal("a command was not made"))?;
        Ok(Command::clone(made))
    }

    /// Stores a report about a command: `state`, and `result` and `error` where given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise as `Commands::report_command`.
    pub async fn report_command_from_json(
        &self,
        principal: &Principal,
        uuid: Uuid,
        mut members: Map<String, Value>,
    ) -> Result<Command> {
        let mut wrong = Vec::new();
        let state = take(&mut wrong, &mut members, "state", reported_state);
        let error = members.remove("error").filter(|error| !error.is_null());
        let error = error.map(drf_scalar::text).transpose();
        let error = error.unwrap_or_else(|message| {
            wrong.push(FieldError::new("error", message));
            None
        });
        Error::check(wrong)?;
        let report = CommandReport {
            state: state.unwrap_or(CommandState::Failed),
            result: members.remove("result").unwrap_or_default(),
            error: error.unwrap_or_default(),
        };
        self.commands.report_command(principal, uuid, report).await
    }

    /// Stores a report about a device: `event`, and any other members.
    ///
    /// # Errors
    /// `Invalid` naming the field; otherwise the errors of [`Gateway::report_session`].
    pub async fn report_session_from_json(
        &self,
        principal: &Principal,
        id: DeviceId,
        mut members: Map<String, Value>,
    ) -> Result<()> {
        let mut wrong = Vec::new();
        let event =
            take(&mut wrong, &mut members, "event", |value| drf_scalar::choice::<SessionEvent>(&value));
        let Some(event) = event else { return Error::check(wrong) };
        self.report_session(principal, id, event, members).await
    }

    /// Stores lines of a container's log: `container` and `lines`, each with `timestamp`, `type` and `message`.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Gateway::report_log`].
    pub fn report_log_from_json(
        &self,
        principal: &Principal,
        device: DeviceId,
        mut members: Map<String, Value>,
    ) -> Result<()> {
        let mut wrong = Vec::new();
        let container = take(&mut wrong, &mut members, "container", drf_scalar::text);
        let lines = take(&mut wrong, &mut members, "lines", drf_scalar::list);
        let ingested_at = self.clock.now();
        let lines = lines.unwrap_or_default().into_iter().map(|line| log_line(line, ingested_at));
        let lines = lines.collect::<Result<Vec<_>, String>>().unwrap_or_else(|message| {
            wrong.push(FieldError::new("lines", message));
            Vec::new()
        });
        Error::check(wrong)?;
        self.report_log(principal, LogLines { device, container: container.unwrap_or_default(), lines })
    }
}

/// Takes a required member out of an object; `None`, with a message, when it is absent or wrong.
fn take<T>(
    wrong: &mut Vec<FieldError>,
    members: &mut Map<String, Value>,
    name: &'static str,
    read: impl FnOnce(Value) -> Result<T, String>,
) -> Option<T> {
    let value = members.remove(name).ok_or_else(|| REQUIRED.to_owned());
    value.and_then(read).map_err(|message| wrong.push(FieldError::new(name, message))).ok()
}

fn reported_state(value: Value) -> Result<CommandState, String> {
    let state = drf_scalar::choice::<CommandState>(&value)?;
    let is_reported = matches!(state, CommandState::Acknowledged | CommandState::Done | CommandState::Failed);
    if is_reported { Ok(state) } else { Err(drf_scalar::not_a_choice(state.name())) }
}

fn log_line(value: Value, ingested_at: Micros) -> Result<LogLine, String> {
    let mut members = drf_scalar::object(value)?;
    let mut member = |name: &str| members.remove(name).ok_or_else(|| format!("{name}: {REQUIRED}"));
    let millis = drf_scalar::whole(&member("timestamp")?)?;
    let micros = i64::try_from(millis).ok().and_then(|millis| millis.checked_mul(MICROS_PER_MILLISECOND));
    let ts = micros.map(Micros).filter(|ts| ts.is_storable());
    Ok(LogLine {
        ts: ts.ok_or("A timestamp is outside of the years 1970 to 2261.")?,
        ingested_at,
        kind: drf_scalar::choice(&member("type")?)?,
        message: drf_scalar::text(member("message")?)?,
    })
}
