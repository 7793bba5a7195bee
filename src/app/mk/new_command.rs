//! A command that is asked for, and the rules that need no other row.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::FieldError;
use crate::domain::validation::{MAX_OBJECT_BYTES, json_bytes};

/// Timeouts that may be asked for, seconds.
pub const TIMEOUTS_S: RangeInclusive<i64> = 1..=86_400;
/// Timeout of a command without one, seconds.
pub const DEFAULT_TIMEOUT_S: i64 = 60;
/// Command that installs a firmware; it names the firmware.
pub(super) const UPDATE_FIRMWARE: &str = "UPDATE_FIRMWARE";
/// Command that binds an artefact to the device or one of its components.
pub(super) const BIND: &str = "BIND_CONFIG_ARTEFACT";
/// Command that ends such a binding.
pub(super) const UNBIND: &str = "UNBIND_CONFIG_ARTEFACT";

/// A command that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCommand {
    /// An upper-case letter, then up to 63 upper-case letters, digits and underscores.
    pub kind: String,
    /// Arguments, at most 64 KiB of JSON.
    pub params: Map<String, Value>,
    /// Time for the answer, 1..=86400 s.
    pub timeout_s: i64,
    /// The caller that asks, as APIs show it.
    pub created_by: String,
    /// Scheme and authority under which the caller reaches this server, for links.
    pub base_url: String,
}

impl NewCommand {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.kind.trim().is_empty() {
            found.push(FieldError::new("type", "must not be blank"));
        } else if !is_kind(&self.kind) {
            found.push(FieldError::new("type", "must match ^[A-Z][A-Z0-9_]{0,63}$"));
        }
        if !TIMEOUTS_S.contains(&self.timeout_s) {
            found.push(FieldError::new("timeout_seconds", "must be between 1 and 86400"));
        }
        let bytes = json_bytes(&self.params);
        if bytes > MAX_OBJECT_BYTES {
            let message = format!("must have at most {MAX_OBJECT_BYTES} bytes of JSON (it has {bytes})");
            found.push(FieldError::new("params", message));
        }
        let required = match self.kind.as_str() {
            UPDATE_FIRMWARE => Some("firmwareId"),
            BIND | UNBIND => Some("configArtefactId"),
            _ => None,
        };
        if let Some(name) = required {
            found.extend(self.id_problem(name));
            if self.params.get("componentId").is_some_and(|value| !value.is_null()) {
                found.extend(self.id_problem("componentId"));
            }
        }
        found
    }

    pub(super) fn id(&self, name: &str) -> Option<Uuid> {
        Uuid::try_parse(self.params.get(name)?.as_str()?).ok()
    }

    fn id_problem(&self, name: &str) -> Option<FieldError> {
        let message = match self.params.get(name) {
            None | Some(Value::Null) => "must not be null",
            Some(_) if self.id(name).is_none() => "must be a UUID",
            Some(_) => return None,
        };
        Some(FieldError::new(format!("params.{name}"), message))
    }
}

fn is_kind(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && text.len() <= 64
        && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
