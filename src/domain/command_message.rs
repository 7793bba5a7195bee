//! Forms in which commands and their answers pass between devices of the MK platform and the server.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::command::{Command, CommandReport, CommandState};
use super::{Error, Result, device_json};

/// Maximum size of an answer, bytes.
pub const MAX_RESPONSE_BYTES: usize = 256 << 10;
/// Maximum length of the reason of a failure, characters; what is longer is cut.
const MAX_ERROR_CHARS: usize = 4000;

/// An answer of a device to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandResponse {
    /// UUID of the command.
    pub id: Uuid,
    /// Report of the device.
    pub report: CommandReport,
}

/// Message to a device: `{"id","method","params","timestamp"}`.
pub fn command_message(command: &Command) -> Value {
    json!({
        "id": command.uuid,
        "method": command.spec.kind,
        "params": command.spec.params,
        "timestamp": command.created_at.to_iso(),
    })
}

/// Reads an answer: `{"id","status":"ACKNOWLEDGED"|"SUCCESS"|"FAILED","result"?,"error"?}`.
///
/// # Errors
/// `TooLarge` past 256 KiB; `Invalid` naming the member that is missing or wrong.
pub fn parse_command_response(bytes: &[u8]) -> Result<CommandResponse> {
    if bytes.len() > MAX_RESPONSE_BYTES {
        return Err(Error::too_large(format!(
            "the answer to a command has {} bytes, and {MAX_RESPONSE_BYTES} is the most",
            bytes.len()
        )));
    }
    let malformed =
        |e: serde_json::Error| Error::invalid("the answer to a command is no JSON object").with_source(e);
    let mut members: Map<String, Value> = device_json::parse(bytes).map_err(malformed)?;
    let id = members.get("id").and_then(Value::as_str).and_then(|text| Uuid::try_parse(text).ok());
    let id = id.ok_or_else(|| Error::field("id", "must be the UUID of a command"))?;
    let state = match members.get("status").and_then(Value::as_str) {
        Some("ACKNOWLEDGED") => CommandState::Acknowledged,
        Some("SUCCESS") => CommandState::Done,
        Some("FAILED") => CommandState::Failed,
        _ => return Err(Error::field("status", "must be one of ACKNOWLEDGED, SUCCESS, FAILED")),
    };
    let result = members.remove("result").unwrap_or(Value::Null);
    let error = match members.remove("error") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        // A device may describe its failure by an object.
        Some(other) => other.to_string(),
    };
    let error = error.chars().take(MAX_ERROR_CHARS).map(|c| if c == '\0' { ' ' } else { c }).collect();
    Ok(CommandResponse { id, report: CommandReport { state, result, error } })
}

#[cfg(test)]
#[path = "command_message_tests.rs"]
mod tests;
