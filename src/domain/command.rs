//! Commands: requests that wait for a device or its gateway to fetch, carry out and answer them.

use serde_json::Value;
use uuid::Uuid;

use super::command_params::CommandParams;
use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::time::MICROS_PER_SECOND;
use super::validation::{MAX_OBJECT_BYTES, check_object_bytes, check_text};
use super::{CommandId, DeviceId, FieldError, Micros, OrgId};

/// How long a command and its result are kept after its time, seconds.
pub const RESULT_KEEP_S: i64 = 3600;
/// Maximum commands of one device that wait for an answer.
pub const MAX_OPEN_PER_DEVICE: usize = 1000;
/// Maximum commands of an organization, answered ones included.
pub const MAX_PER_ORG: usize = 20_000;
/// Kind of the commands that ask a device for its state.
pub const STATUS_KIND: &str = "get";
/// Kind of the commands that set a virtual pin. Nobody waits for their answers, so those that have ended give way when
/// the organization has too many commands.
pub const VIRTUAL_WRITE_KIND: &str = "vw";

named_enum! {
    /// How far a command is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum CommandState {
        /// Nobody has fetched it.
        Pending = "pending",
        /// It was passed on to the device.
        Sent = "sent",
        /// The device has it.
        Acknowledged = "acknowledged",
        /// The device carried it out.
        Done = "done",
        /// The device refused it or failed.
        Failed = "failed",
        /// Its time was over before an answer came.
        Expired = "expired",
    }
    display;
    field "state";
}

impl CommandState {
    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, CommandState::Done | CommandState::Failed | CommandState::Expired)
    }
}

/// Specification of the command.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSpec {
    /// Device that the command is for.
    pub device: DeviceId,
    /// Type of the command, such as `set`, `get` or `vw`: 1..=64 letters, digits, hyphens and underscores.
    pub kind: String,
    /// Arguments, at most 64 KiB as JSON: for a control request `path`, `method`, `query` and `body`.
    pub params: CommandParams,
}

impl CommandSpec {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=64).contains(&self.kind.len()) || !self.kind.chars().all(is_part) {
            found.push(FieldError::new("type", "must be 1 to 64 letters, digits, hyphens or underscores"));
        }
        check_object_bytes(&mut found, "params", self.params.text().len());
        found
    }
}

/// A command as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Row id.
    pub id: CommandId,
    /// Organization of the device.
    pub org: OrgId,
    /// Assigned at creation.
    pub uuid: Uuid,
    /// Short random name of the command within its organization: 9 letters, digits, `_` and `-`.
    pub key: String,
    /// Specification of the command.
    pub spec: CommandSpec,
    /// Creator, as the MK platform or the audit log names callers; empty for commands of earlier versions.
    pub created_by: String,
    /// The stored state; see [`Command::state_at`].
    pub state: CommandState,
    /// Time of creation.
    pub created_at: Micros,
    /// From this time on it is neither delivered nor answered.
    pub expires_at: Micros,
    /// Time at which it was passed on.
    pub sent_at: Option<Micros>,
    /// Time at which the device acknowledged it.
    pub acked_at: Option<Micros>,
    /// Time of the final answer.
    pub done_at: Option<Micros>,
    /// The device's answer; null for none.
    pub result: Value,
    /// Why it failed; empty for no reason.
    pub error: String,
}

impl Command {
    /// The state at a time: a command without an answer expires by itself.
    pub fn state_at(&self, now: Micros) -> CommandState {
        if self.state.is_final() || now < self.expires_at { self.state } else { CommandState::Expired }
    }

    /// The command as it is shown at a time.
    pub fn at(&self, now: Micros) -> Command {
        Command { state: self.state_at(now), ..self.clone() }
    }

    /// Whether nobody can ask for it any more.
    pub fn is_over(&self, now: Micros) -> bool {
        now.0 >= self.expires_at.0.saturating_add(RESULT_KEEP_S * MICROS_PER_SECOND)
    }
}

/// A report of a device about a command.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandReport {
    /// `Sent`, `Acknowledged`, `Done` or `Failed`.
    pub state: CommandState,
    /// The device's answer, at most 64 KiB as JSON; null for none.
    pub result: Value,
    /// Why it failed, at most 4,000 characters; empty for no reason.
    pub error: String,
}

impl CommandReport {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.result.to_string().len() > MAX_OBJECT_BYTES {
            let message = format!("Ensure this field has no more than {MAX_OBJECT_BYTES} bytes of JSON.");
            found.push(FieldError::new("result", message));
        }
        check_text(&mut found, "error", &self.error, 0, 4000);
        found
    }
}

/// Filter of a command list.
#[derive(Debug, Clone, Default)]
pub struct CommandFilter {
    /// Only commands of this device.
    pub device: Option<DeviceId>,
    /// Only commands in this state.
    pub state: Option<CommandState>,
    /// Part of the matching commands that is returned.
    pub page: Pagination,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_without_an_answer_ends_by_its_time() {
        let spec =
            CommandSpec { device: DeviceId(1), kind: "set".to_owned(), params: CommandParams::default() };
        let command = |state| Command {
            id: CommandId(1),
            org: OrgId(1),
            uuid: Uuid::nil(),
            key: "abcdefghi".to_owned(),
            spec: spec.clone(),
            created_by: String::new(),
            state,
            created_at: Micros(0),
            expires_at: Micros(60),
            sent_at: None,
            acked_at: None,
            done_at: None,
            result: Value::Null,
            error: String::new(),
        };
        for state in CommandState::ALL {
            let command = command(state);
            assert_eq!(command.state_at(Micros(59)), state);
            let after = if state.is_final() { state } else { CommandState::Expired };
            assert_eq!(command.state_at(Micros(60)), after);
            assert_eq!(state.name().parse::<CommandState>().unwrap(), state);
        }
        let over = 60 + RESULT_KEEP_S * MICROS_PER_SECOND;
        assert!(!command(CommandState::Done).is_over(Micros(over - 1)));
        assert!(command(CommandState::Done).is_over(Micros(over)));
    }

    #[test]
    fn a_type_is_a_short_word() {
        for (kind, is_right) in [
            ("set", true),
            ("a-b_9", true),
            ("", false),
            ("a b", false),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
        ] {
            let spec =
                CommandSpec { device: DeviceId(1), kind: kind.to_owned(), params: CommandParams::default() };
            assert_eq!(spec.problems().is_empty(), is_right, "{kind:?}");
        }
    }
}
