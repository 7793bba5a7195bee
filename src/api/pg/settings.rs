//! What SET and SHOW are about: settings that tools read and write, of which none changes an answer.

use std::collections::BTreeMap;

use super::error::Fault;

/// Settings that a client made up, at most.
const MAX_OWN: usize = 100;
/// Names and values of one connection's settings, bytes.
const MAX_BYTES: usize = 64 << 10;

/// Settings and their values. What is fixed says what is so.
const KNOWN: [(&str, &str, Change); 27] = [
    ("application_name", "", Change::Quiet),
    ("bytea_output", "hex", Change::Fixed),
    ("client_encoding", "UTF8", Change::Fixed),
    ("client_min_messages", "notice", Change::Quiet),
    ("datestyle", "ISO, YMD", Change::Fixed),
    ("default_transaction_isolation", "repeatable read", Change::Quiet),
    ("default_transaction_read_only", "on", Change::Fixed),
    ("extra_float_digits", "1", Change::Quiet),
    ("in_hot_standby", "off", Change::Fixed),
    ("integer_datetimes", "on", Change::Fixed),
    ("intervalstyle", "postgres", Change::Fixed),
    ("is_superuser", "off", Change::Fixed),
    ("lc_collate", "C", Change::Fixed),
    ("lc_ctype", "C", Change::Fixed),
    ("max_identifier_length", "63", Change::Fixed),
    ("max_index_keys", "32", Change::Fixed),
    ("search_path", "public", Change::Quiet),
    ("server_encoding", "UTF8", Change::Fixed),
    ("server_version", VERSION, Change::Fixed),
    ("server_version_num", "160006", Change::Fixed),
    ("session_authorization", "", Change::Fixed),
    ("standard_conforming_strings", "on", Change::Fixed),
    ("statement_timeout", "0", Change::WithoutEffect),
    ("timezone", "UTC", Change::Fixed),
    ("transaction", "", Change::Quiet),
    ("transaction_isolation", "repeatable read", Change::Quiet),
    ("transaction_read_only", "on", Change::Fixed),
];

/// What clients are told at the start, and when it changes, by the names that they know.
const REPORTED: [&str; 13] = [
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

/// The version of PostgreSQL that is spoken.
const VERSION: &str = "16.6";

/// What SET does with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Remembered, and of no consequence to anybody.
    Quiet,
    /// It is as it is: another value is answered with a notice.
    Fixed,
    /// Remembered, with a notice.
    WithoutEffect,
}

/// The settings of one connection.
#[derive(Debug)]
pub struct Settings(BTreeMap<String, String>);

/// What is to be told after a SET.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub notice: Option<String>,
    /// A name and its new value.
    pub report: Option<(&'static str, String)>,
}

impl Settings {
    /// Of a connection that begins with these parameters.
    pub fn new(startup: &[(String, String)]) -> Self {
        let known = KNOWN.iter().map(|(name, value, _)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Self(known.collect());
        for (name, value) in startup {
            match name.as_str() {
                "user" => drop(settings.0.insert("session_authorization".to_owned(), value.clone())),
                // What a startup message holds is not too long.
                "application_name" | "extra_float_digits" => drop(settings.set(name, value)),
                _ => {}
            }
        }
        settings
    }

    /// Names and values that a client is told at the start.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, String)> {
        let value = |name: &str| self.0.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default();
        REPORTED.iter().map(move |name| (*name, value(name)))
    }

    /// Remembers a value, or says that it stays as it is.
    ///
    /// # Errors
    /// 54000 when there are too many settings, or they are too long.
    pub fn set(&mut self, name: &str, value: &str) -> Result<Told, Fault> {
        let known = KNOWN.iter().find(|(known, ..)| *known == name);
        let change = known.map_or(Change::WithoutEffect, |(.., change)| *change);
        if change == Change::Fixed {
            let now = self.0.get(name).map(String::as_str).unwrap_or_default();
            let is_so =
                now.split(", ").any(|part| part.eq_ignore_ascii_case(value)) || same_meaning(name, value);
            let notice = (!is_so).then(|| format!("the setting \"{name}\" stays at {now}"));
            return Ok(Told { notice, report: None });
        }
        self.check(name, value)?;
        self.0.insert(name.to_owned(), value.to_owned());
        let notice =
            (change == Change::WithoutEffect).then(|| format!("the setting \"{name}\" has no effect here"));
        let report = REPORTED.iter().find(|reported| **reported == name);
        Ok(Told { notice, report: report.map(|name| (*name, value.to_owned())) })
    }

    /// Whether there is room for a value.
    fn check(&self, name: &str, value: &str) -> Result<(), Fault> {
        let others = self.0.iter().filter(|(other, _)| *other != name);
        let bytes: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        let is_new = !self.0.contains_key(name);
        if bytes + name.len() + value.len() > MAX_BYTES || (is_new && self.0.len() >= KNOWN.len() + MAX_OWN) {
            let message = format!(
                "a connection has at most {MAX_OWN} settings of its own, and {MAX_BYTES} bytes of names and values"
            );
            return Err(Fault::Protocol("54000", message));
        }
        Ok(())
    }

    /// The value of one setting.
    pub fn show(&self, name: &str) -> Result<&str, Fault> {
        let unknown = || Fault::Protocol("42704", format!("unrecognized configuration parameter \"{name}\""));
        self.0.get(name).map(String::as_str).ok_or_else(unknown)
    }

    /// Everything, by name.
    pub fn all(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

/// Other words for what is so.
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
mod tests {
    use super::*;

    #[test]
    fn settings_are_remembered_or_said_to_be_fixed() {
        let mut settings =
            Settings::new(&[("user".into(), "ann".into()), ("database".into(), "plant".into())]);
        let rows = [
            ("application_name", "psql", None),
            ("extra_float_digits", "3", None),
            ("client_encoding", "utf-8", None),
            ("client_encoding", "LATIN1", Some("the setting \"client_encoding\" stays at UTF8")),
            ("timezone", "Etc/UTC", None),
            ("timezone", "Europe/Berlin", Some("the setting \"timezone\" stays at UTC")),
            ("datestyle", "ISO", None),
            ("datestyle", "German", Some("the setting \"datestyle\" stays at ISO, YMD")),
            ("my.own", "1", Some("the setting \"my.own\" has no effect here")),
        ];
        for (name, value, notice) in rows {
            assert_eq!(settings.set(name, value).unwrap().notice.as_deref(), notice, "{name} = {value}");
        }
        assert_eq!(
            settings.set("application_name", "b").unwrap().report,
            Some(("application_name", "b".into()))
        );
        assert_eq!(settings.show("my.own").unwrap(), "1");
        assert_eq!(settings.show("session_authorization").unwrap(), "ann");
        assert!(settings.show("nothing").is_err());
        let taken = (0..1000).take_while(|n| settings.set(&format!("own.n{n}"), "1").is_ok()).count();
        assert_eq!((taken, settings.all().count()), (MAX_OWN - 1, KNOWN.len() + MAX_OWN));
        let long = "x".repeat(MAX_BYTES);
        for name in ["my.own", "search_path", &long] {
            let told = settings.set(name, &long).unwrap_err();
            assert!(matches!(told, Fault::Protocol("54000", _)), "{told:?}");
        }
        assert_eq!(settings.show("my.own").unwrap(), "1", "what is refused changes nothing");
        assert!(settings.reported().any(|(name, value)| name == "TimeZone" && value == "UTC"));
    }
}
