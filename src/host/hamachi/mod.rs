//! Hamachi VPN client, controlled through its command line. Its output is parsed (parse.rs); its exit status means
//! nothing.

mod parse;

use std::path::PathBuf;
use std::time::Duration;

use self::parse::{CommandOutcome, RefusalKind};
use super::command::{CommandError, CommandRunner};
use crate::domain::hamachi::{JoinOutcome, VpnNetwork, VpnStatus};
use crate::domain::{Error, FieldError, Kind, Result};

/// Minimum and maximum length of a network's name or id, characters.
const NETWORK_NAME_CHARS: (usize, usize) = (4, 64);
const MAX_PASSWORD_CHARS: usize = 128;

/// Runs the Hamachi command.
pub struct HamachiClient {
    program: CommandRunner,
}

impl HamachiClient {
    /// `command` is an absolute path and need not exist. Each call takes at most `limit`.
    pub fn new(command: PathBuf, limit: Duration) -> Self {
        Self { program: CommandRunner::new(command, limit) }
    }

    /// Returns the client's own status.
    ///
    /// # Errors
    /// `Unavailable` when Hamachi is not installed, does not run, or does not let this user control it; `Timeout`;
    /// `DeviceFault` for unreadable output. The same errors apply to all methods below.
    pub async fn status(&self) -> Result<VpnStatus> {
        Ok(parse::status(&self.run_command(&[]).await?))
    }

    /// Lists the networks this machine is a member of. `Conflict` while the client is not logged in, here and below.
    pub async fn networks(&self) -> Result<Vec<VpnNetwork>> {
        self.check_logged_in().await?;
        Ok(parse::networks(&self.run_command(&["list"]).await?))
    }

    /// Joins a network. `Invalid` with the client's reason when it is refused.
    pub async fn join(&self, network: &str, password: &str) -> Result<JoinOutcome> {
        Error::check(argument_problems(network, password))?;
        self.check_logged_in().await?;
        // `join` would prompt for a missing password; `do-join` never prompts.
        match parse::outcome(&self.run_command(&["do-join", network, password]).await?) {
            CommandOutcome::Done => Ok(JoinOutcome::New),
            CommandOutcome::Pending => Ok(JoinOutcome::Pending),
            CommandOutcome::Refused(RefusalKind::Member, _) => Ok(JoinOutcome::Already),
            CommandOutcome::Refused(_, reason) => Err(Error::invalid(reason)),
            CommandOutcome::Unknown => Err(unreadable()),
        }
    }

    /// Leaves a network by its id. `NotFound` when this machine is not a member of it.
    pub async fn leave(&self, network: &str) -> Result<()> {
        Error::check(argument_problems(network, ""))?;
        let joined = self.networks().await?;
        let found = joined.iter().find(|one| one.id == network).ok_or_else(Error::not_found)?;
        match parse::outcome(&self.run_command(&["leave", &found.id]).await?) {
            CommandOutcome::Done | CommandOutcome::Pending => Ok(()),
            CommandOutcome::Refused(RefusalKind::NoSuchNetwork, _) => Err(Error::not_found()),
            CommandOutcome::Refused(_, reason) => Err(Error::invalid(reason)),
            CommandOutcome::Unknown => Err(unreadable()),
        }
    }

    async fn check_logged_in(&self) -> Result<()> {
        if self.status().await?.is_logged_in() {
            return Ok(());
        }
        Err(Error::conflict("Hamachi is not logged in."))
    }

    async fn run_command(&self, args: &[&str]) -> Result<String> {
        let output = self.program.run(args).await.map_err(|failure| match failure {
            CommandError::Missing(cause) => {
                Error::unavailable("Hamachi is not installed.").with_source(cause)
            }
            CommandError::TimedOut => Error::new(Kind::Timeout, "Hamachi did not answer in time."),
            CommandError::OutputTooLarge => unreadable(),
            CommandError::Io(cause) => unreadable().with_source(cause),
        })?;
        match parse::service_problem(&output) {
            Some(complaint) => Err(Error::unavailable(complaint)),
            None => Ok(output),
        }
    }
}

/// Checks what will become command arguments: user input must never be parsed as an option.
pub fn argument_problems(network: &str, password: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    let (least, most) = NETWORK_NAME_CHARS;
    let length = network.chars().count();
    if network.is_empty() {
        found.push(FieldError::new("network", "This field may not be blank."));
    } else if length < least {
        found.push(FieldError::new("network", format!("Ensure this field has at least {least} characters.")));
    } else if length > most {
        found.push(FieldError::new(
            "network",
            format!("Ensure this field has no more than {most} characters."),
        ));
    } else {
        found.extend(argument_problem("network", network));
    }
    if password.chars().count() > MAX_PASSWORD_CHARS {
        let message = format!("Ensure this field has no more than {MAX_PASSWORD_CHARS} characters.");
        found.push(FieldError::new("password", message));
    } else {
        found.extend(argument_problem("password", password));
    }
    found
}

fn argument_problem(field: &'static str, text: &str) -> Option<FieldError> {
    let message = if text.starts_with('-') {
        "This field may not begin with a hyphen."
    } else if text.chars().any(char::is_control) {
        "Control characters are not allowed."
    } else {
        return None;
    };
    Some(FieldError::new(field, message))
}

fn unreadable() -> Error {
    Error::new(Kind::DeviceFault, "Hamachi gave no answer that can be read.")
}

#[cfg(test)]
mod fuzz_tests;
