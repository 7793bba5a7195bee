//! Session settings for SET and SHOW, which tools read and write. None of them changes a result.

use std::collections::BTreeMap;

use super::error::PgError;
use crate::app::sql::FIXED_SETTINGS;

/// Maximum number of settings outside `known_settings`.
const MAX_CLIENT_SETTINGS: usize = 100;
/// Maximum bytes of names and values of one connection's settings.
const MAX_SETTINGS_BYTES: usize = 64 << 10;

/// Settings of one connection with their initial values, beside those that never change.
const SESSION_SETTINGS: [(&str, &str, SettingKind); 9] = [
    ("application_name", "", SettingKind::Quiet),
    ("client_min_messages", "notice", SettingKind::Quiet),
    ("default_transaction_isolation", "repeatable read", SettingKind::Quiet),
    ("extra_float_digits", "1", SettingKind::Quiet),
    ("search_path", "public", SettingKind::Quiet),
    ("session_authorization", "", SettingKind::Fixed),
    ("statement_timeout", "0", SettingKind::WithoutEffect),
    ("transaction", "", SettingKind::Quiet),
    ("transaction_isolation", "repeatable read", SettingKind::Quiet),
];

/// Number of settings that `known_settings` has.
const KNOWN_SETTINGS: usize = FIXED_SETTINGS.len() + SESSION_SETTINGS.len();

/// Returns names and initial values of all settings that the server knows.
fn known_settings() -> impl Iterator<Item = (&'static str, &'static str, SettingKind)> {
    let fixed = FIXED_SETTINGS.iter().map(|(name, value)| (*name, *value, SettingKind::Fixed));
    fixed.chain(SESSION_SETTINGS)
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

/// How SET treats a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettingKind {
    /// Stored without effect and without a notice.
    Quiet,
    /// Never changes: another value gets a notice.
    Fixed,
    /// Stored without effect, with a notice.
    WithoutEffect,
}

/// The settings of one connection.
#[derive(Debug)]
pub struct SessionSettings {
    values: BTreeMap<String, String>,
    /// Values when the connection was made, to which RESET returns.
    initial: BTreeMap<String, String>,
}

/// What the client must be told after a SET.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SettingChange {
    pub notice: Option<String>,
    /// A name and its new value.
    pub report: Option<(&'static str, String)>,
}

impl SessionSettings {
    /// Creates the settings of a connection with these startup parameters.
    pub fn new(startup: &[(String, String)]) -> Self {
        let known = known_settings().map(|(name, value, _)| (name.to_owned(), value.to_owned()));
        let mut settings = Self { values: known.collect(), initial: BTreeMap::new() };
        for (name, value) in startup {
            match name.as_str() {
                "user" => drop(settings.values.insert("session_authorization".to_owned(), value.clone())),
                // Cannot exceed the limits: a startup message is short enough.
                "application_name" | "extra_float_digits" => drop(settings.set(name, value)),
                _ => {}
            }
        }
        settings.initial = settings.values.clone();
        settings
    }

    /// Returns a setting, or `all`, to the value that it had when the connection was made.
    ///
    /// # Errors
    /// 42704 for an unknown setting.
    pub fn reset(&mut self, name: &str) -> Result<Vec<SettingChange>, PgError> {
        let names: Vec<String> = match name {
            "all" => self.values.keys().cloned().collect(),
            name => vec![self.show(name).map(|_| name.to_owned())?],
        };
        let mut changes = Vec::new();
        for name in names {
            let before = self.values.remove(&name);
            let Some(value) = self.initial.get(&name) else { continue };
            self.values.insert(name.clone(), value.clone());
            let report = REPORTED_SETTINGS.iter().find(|reported| reported.eq_ignore_ascii_case(&name));
            if let Some(report) = report.filter(|_| before.as_ref() != Some(value)) {
                changes.push(SettingChange { notice: None, report: Some((report, value.clone())) });
            }
        }
        Ok(changes)
    }

    /// Returns the names and values reported at startup.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, String)> {
        let value = |name: &str| self.values.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default();
        REPORTED_SETTINGS.iter().map(move |name| (*name, value(name)))
    }

    /// Stores a value, or returns a notice that the setting is fixed.
    ///
    /// # Errors
    /// 54000 when there are too many settings, or they are too long.
    pub fn set(&mut self, name: &str, value: &str) -> Result<SettingChange, PgError> {
        let known = known_settings().find(|(known, ..)| *known == name);
        let change = known.map_or(SettingKind::WithoutEffect, |(.., change)| change);
        if change == SettingKind::Fixed {
            let now = self.values.get(name).map(String::as_str).unwrap_or_default();
            let is_so =
                now.split(", ").any(|part| part.eq_ignore_ascii_case(value)) || same_meaning(name, value);
            let notice = (!is_so).then(|| format!("the setting \"{name}\" stays at {now}"));
            return Ok(SettingChange { notice, report: None });
        }
        self.check(name, value)?;
        self.values.insert(name.to_owned(), value.to_owned());
        let notice = (change == SettingKind::WithoutEffect)
            .then(|| format!("the setting \"{name}\" has no effect here"));
        let report = REPORTED_SETTINGS.iter().find(|reported| **reported == name);
        Ok(SettingChange { notice, report: report.map(|name| (*name, value.to_owned())) })
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
    pub fn show(&self, name: &str) -> Result<&str, PgError> {
        let unknown =
            || PgError::Protocol("42704", format!("unrecognized configuration parameter \"{name}\""));
        self.values.get(name).map(String::as_str).ok_or_else(unknown)
    }

    /// Returns all settings, by name.
    pub fn all(&self) -> impl Iterator<Item = (&String, &String)> {
        self.values.iter()
    }
}

/// Whether a value is a synonym of the fixed value.
fn same_meaning(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    match name {
        "client_encoding" => matches!(value.as_str(), "utf-8" | "unicode" | "utf8"),
        "timezone" => matches!(value.as_str(), "utc" | "etc/utc" | "gmt" | "z" | "default"),
        "datestyle" => value.starts_with("iso"),
        "standard_conforming_strings" | "default_transaction_read_only" | "transaction_read_only" => {
            matches!(value.as_str(), "on" | "true" | "1" | "default")
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
