//! The Hamachi client: asked by its command, understood by its words (parse.rs). Its exit status says nothing.

mod parse;

use std::path::PathBuf;
use std::time::Duration;

use self::parse::{Outcome, Refusal};
use super::command::{Failure, Program};
use crate::domain::hamachi::{Joined, Network, Status};
use crate::domain::{Error, FieldError, Kind, Result};

/// Shortest and longest name or id of a network, characters.
const NETWORK: (usize, usize) = (4, 64);
const LONGEST_PASSWORD: usize = 128;

pub struct Hamachi {
    program: Program,
}

impl Hamachi {
    /// `command` is an absolute path; it need not exist. Each call of it takes at most `limit`.
    pub fn new(command: PathBuf, limit: Duration) -> Self {
        Self { program: Program::new(command, limit) }
    }

    /// # Errors
    /// `Unavailable` when it is not installed, does not run, or does not let this user ask; `Timeout`; `DeviceFault`
    /// when it says something else. The same everywhere below.
    pub async fn status(&self) -> Result<Status> {
        Ok(parse::status(&self.ask(&[]).await?))
    }

    /// The networks this machine is a member of. `Conflict` while the client is not logged in, also below.
    pub async fn networks(&self) -> Result<Vec<Network>> {
        self.check_logged_in().await?;
        Ok(parse::networks(&self.ask(&["list"]).await?))
    }

    /// Joins a network. `Invalid` with the client's reason when it is refused.
    pub async fn join(&self, network: &str, password: &str) -> Result<Joined> {
        Error::check(problems(network, password))?;
        self.check_logged_in().await?;
        // `join` would ask for a missing password at a terminal; this one never asks.
        match parse::outcome(&self.ask(&["do-join", network, password]).await?) {
            Outcome::Done => Ok(Joined::New),
            Outcome::Pending => Ok(Joined::Pending),
            Outcome::Refused(Refusal::Member, _) => Ok(Joined::Already),
            Outcome::Refused(_, reason) => Err(Error::invalid(reason)),
            Outcome::Unknown => Err(unreadable()),
        }
    }

    /// Leaves a network by its id. `NotFound` when this machine is no member of it.
    pub async fn leave(&self, network: &str) -> Result<()> {
        Error::check(problems(network, ""))?;
        let joined = self.networks().await?;
        let found = joined.iter().find(|one| one.id == network).ok_or_else(Error::not_found)?;
        match parse::outcome(&self.ask(&["leave", &found.id]).await?) {
            Outcome::Done | Outcome::Pending => Ok(()),
            Outcome::Refused(Refusal::NoSuchNetwork, _) => Err(Error::not_found()),
            Outcome::Refused(_, reason) => Err(Error::invalid(reason)),
            Outcome::Unknown => Err(unreadable()),
        }
    }

    async fn check_logged_in(&self) -> Result<()> {
        if self.status().await?.is_logged_in() {
            return Ok(());
        }
        Err(Error::conflict("Hamachi is not logged in."))
    }

    async fn ask(&self, args: &[&str]) -> Result<String> {
        let said = self.program.run(args).await.map_err(|failure| match failure {
            Failure::Missing(cause) => Error::unavailable("Hamachi is not installed.").because(cause),
            Failure::Late => Error::new(Kind::Timeout, "Hamachi did not answer in time."),
            Failure::TooMuch => unreadable(),
            Failure::Broken(cause) => unreadable().because(cause),
        })?;
        match parse::complaint(&said) {
            Some(complaint) => Err(Error::unavailable(complaint)),
            None => Ok(said),
        }
    }
}

/// What is wrong with what would become arguments: nothing of a caller may stand where an option could.
pub fn problems(network: &str, password: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    let (least, most) = NETWORK;
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
    if password.chars().count() > LONGEST_PASSWORD {
        let message = format!("Ensure this field has no more than {LONGEST_PASSWORD} characters.");
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
