//! The settings of a connection, which SET, SHOW and functions of SQL read and change, with those of its transaction.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use super::error::PgError;
use super::setting_value::{self, SettingValue};
use super::startup_settings;
use crate::app::sql::{FIXED_SETTINGS, ROLLUP_SETTING};

/// Maximum number of settings outside `known_settings`.
const MAX_CLIENT_SETTINGS: usize = 100;
/// Maximum bytes of names and values of one connection's settings.
const MAX_SETTINGS_BYTES: usize = 64 << 10;

/// Settings of one connection with their initial values, beside those that never change.
const SESSION_SETTINGS: [(&str, &str); 9] = [
    ("application_name", ""),
    (ROLLUP_SETTING, "on"),
    ("client_min_messages", "notice"),
    ("default_transaction_isolation", "read committed"),
    ("extra_float_digits", "1"),
    ("search_path", "public"),
    ("session_authorization", ""),
    ("statement_timeout", "0"),
    ("transaction_isolation", "read committed"),
];

/// Number of settings that `known_settings` has.
const KNOWN_SETTINGS: usize = FIXED_SETTINGS.len() + SESSION_SETTINGS.len();

/// Returns names and initial values of all settings that the server knows.
fn known_settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIXED_SETTINGS.iter().copied().chain(SESSION_SETTINGS)
}

/// Settings reported to the client at startup and on change, in PostgreSQL's spelling.
const REPORTED_SETTINGS: [&str; 13] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

type Values = BTreeMap<String, String>;

/// A name and its new value, for the client.
pub type Report = (&'static str, String);

/// How long a value stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingScope {
    /// Up to the next SET.
    Session,
    /// Up to the end of the transaction.
    Transaction,
}

/// The settings of one connection.
#[derive(Debug)]
pub struct SessionSettings {
    values: Values,
    /// Values when the connection was made, to which RESET returns.
    initial: Values,
    /// Values after the transaction; `None` while it has changed none.
    after: Option<ValuesAfter>,
}

/// Values after a transaction.
#[derive(Debug)]
struct ValuesAfter {
    commit: Values,
    rollback: Values,
}

/// The settings of a new connection, and what its client is told of them.
pub type StartedSettings = (SessionSettings, Vec<String>);

/// Messages to the client after a SET.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SettingChange {
    pub notice: Option<String>,
    pub report: Option<Report>,
}

impl SessionSettings {
    /// Creates the settings of a connection with these startup parameters; returns also what the client is told of those
    /// that are not taken. They do not end the connection: JDBC sends the zone of its machine.
    pub fn new(startup: &[(String, String)]) -> StartedSettings {
        let known = known_settings().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut settings = Self { values: known.collect(), initial: Values::new(), after: None };
        let mut notices = Vec::new();
        for (name, value) in startup_settings::of(startup) {
            match settings.set(&name, Some(&value), SettingScope::Session) {
                Ok(change) => notices.extend(change.notice),
                Err(PgError::Protocol(_, message)) => notices.push(message),
                Err(_) => {}
            }
        }
        if let Some((_, user)) = startup.iter().find(|(name, _)| name == "user") {
            settings.values.insert("session_authorization".to_owned(), user.clone());
        }
        settings.initial = settings.values.clone();
        settings.after = None;
        (settings, notices)
    }

    /// Returns a setting, or `all`, to the value that it had when the connection was made.
    ///
    /// # Errors
    /// 42704 for an unknown setting.
    pub fn reset(&mut self, name: &str) -> Result<Vec<Report>, PgError> {
        if name != "all" {
            return Ok(self.set(name, None, SettingScope::Session)?.report.into_iter().collect());
        }
        let initial = self.initial.clone();
        self.after().commit = initial.clone();
        Ok(self.replace(initial))
    }

    /// Ends the transaction: values that were set for it, or in one that is rolled back, are gone.
    pub fn end_transaction(&mut self, is_committed: bool) -> Vec<Report> {
        match self.after.take() {
            Some(after) => self.replace(if is_committed { after.commit } else { after.rollback }),
            None => Vec::new(),
        }
    }

    /// Returns the names and values reported at startup.
    pub fn reported(&self) -> impl Iterator<Item = Report> {
        REPORTED_SETTINGS.iter().map(move |name| (*name, reported_value(&self.values, name)))
    }

    /// Gives a setting a value, or its initial one for `None`.
    ///
    /// # Errors
    /// The errors of `setting_value::read`, 42704 for an unknown setting without a value, 54000 when there are too many settings, or
    /// they are too long.
    pub fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
        scope: SettingScope,
    ) -> Result<SettingChange, PgError> {
        let (value, notice) = match value {
            Some(value) => {
                let SettingValue { value, notice } = setting_value::read(name, value)?;
                self.check(name, &value)?;
                (Some(value), notice)
            }
            None => {
                self.show(name)?;
                (self.initial.get(name).cloned(), None)
            }
        };
        let before = reported_value(&self.values, name);
        let after = self.after();
        if scope == SettingScope::Session {
            put(&mut after.commit, name, value.clone());
        }
        put(&mut self.values, name, value);
        let report = REPORTED_SETTINGS.iter().find(|reported| reported.eq_ignore_ascii_case(name));
        let report = report.map(|reported| (*reported, reported_value(&self.values, name)));
        Ok(SettingChange { notice, report: report.filter(|(_, value)| *value != before) })
    }

    /// Returns the values after the transaction, in which a value is about to change.
    fn after(&mut self) -> &mut ValuesAfter {
        let values = &self.values;
        self.after.get_or_insert_with(|| ValuesAfter { commit: values.clone(), rollback: values.clone() })
    }

    /// Takes other values; returns what the client is told.
    fn replace(&mut self, values: Values) -> Vec<Report> {
        let before = mem::replace(&mut self.values, values);
        let is_changed = |(name, value): &Report| reported_value(&before, name) != *value;
        self.reported().filter(is_changed).collect()
    }

    /// Fails when there is no room for a value.
    fn check(&self, name: &str, value: &str) -> Result<(), PgError> {
        let others = self.values.iter().filter(|(other, _)| *other != name);
        let bytes: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        let is_new = !self.values.contains_key(name);
        if bytes + name.len() + value.len() > MAX_SETTINGS_BYTES
            || (is_new && self.values.len() >= KNOWN_SETTINGS + MAX_CLIENT_SETTINGS)
        {
            let message = format!(
                "a connection has at most {MAX_CLIENT_SETTINGS} settings of its own, and {MAX_SETTINGS_BYTES} bytes of names and values"
            );
            return Err(PgError::Protocol("54000", message));
        }
        Ok(())
    }

    /// Returns the value of one setting.
    ///
    /// # Errors
    /// 42704 for an unknown setting.
    pub fn show(&self, name: &str) -> Result<&str, PgError> {
        let unknown =
            || PgError::Protocol("42704", format!("unrecognized configuration parameter \"{name}\""));
        self.values.get(name).map(String::as_str).ok_or_else(unknown)
    }

    /// Whether the client takes warnings: of `client_min_messages` only `error` leaves them out.
    pub fn takes_warnings(&self) -> bool {
        self.values.get("client_min_messages").is_none_or(|level| level != "error")
    }

    /// Returns the time limit of each statement; `None` for none.
    pub fn statement_timeout(&self) -> Option<Duration> {
        setting_value::time_limit(self.values.get("statement_timeout")?)
    }

    /// Returns all settings, by name.
    pub fn all(&self) -> impl Iterator<Item = (&String, &String)> {
        self.values.iter()
    }
}

fn put(values: &mut Values, name: &str, value: Option<String>) {
    match value {
        Some(value) => drop(values.insert(name.to_owned(), value)),
        None => drop(values.remove(name)),
    }
}

fn reported_value(values: &Values, name: &str) -> String {
    values.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
