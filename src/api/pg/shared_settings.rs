//! The settings of a connection as its statements see them: `set_config` changes them while rows are computed.

use std::mem;

use parking_lot::Mutex;

use super::error::PgError;
use super::settings::{SessionSettings, SettingChange, SettingScope};
use crate::domain::ports::ConnectionSettings;
use crate::domain::{Error, Result};

/// Most changes by statements that the client has not been told of. A statement may change settings for each of its rows.
const MAX_CHANGES: usize = 100;

/// The settings of a connection.
#[derive(Debug)]
pub struct SharedSettings {
    pub settings: Mutex<SessionSettings>,
    /// Changes by statements that the client has not been told of.
    changes: Mutex<Vec<SettingChange>>,
}

impl SharedSettings {
    /// Shares the settings of a startup. No change of them is kept for the client yet.
    pub fn new(settings: SessionSettings) -> Self {
        Self { settings: Mutex::new(settings), changes: Mutex::default() }
    }

    /// Keeps a change for the client; of one setting the last.
    fn note(&self, change: SettingChange) {
        let mut changes = self.changes.lock();
        let reported = |change: &SettingChange| change.report.as_ref().map(|(name, _)| *name);
        let name = reported(&change);
        changes.retain(|other| *other != change && (name.is_none() || reported(other) != name));
        if changes.len() < MAX_CHANGES {
            changes.push(change);
        }
    }

    /// Returns what statements have changed since the last call.
    pub fn take_changes(&self) -> Vec<SettingChange> {
        mem::take(&mut self.changes.lock())
    }
}

impl ConnectionSettings for SharedSettings {
    fn get(&self, name: &str) -> Option<String> {
        self.settings.lock().show(name).ok().map(str::to_owned)
    }

    fn set(&self, name: &str, value: Option<&str>, is_local: bool) -> Result<String> {
        let scope = if is_local { SettingScope::Transaction } else { SettingScope::Session };
        let mut settings = self.settings.lock();
        let change = settings.set(name, value, scope).map_err(domain_error)?;
        if change != SettingChange::default() {
            self.note(change);
        }
        Ok(settings.show(name).unwrap_or_default().to_owned())
    }
}

/// Returns the error of a statement; its words tell the SQLSTATE (error.rs).
fn domain_error(error: PgError) -> Error {
    match error {
        PgError::Domain(error) => error,
        PgError::Protocol("54000", message) => Error::too_large(message),
        PgError::Protocol(_, message) => Error::invalid(message),
        PgError::Cancelled | PgError::Disconnected => Error::internal("a setting ended a connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_change_settings_and_the_client_is_told_once() {
        let shared = SharedSettings::new(SessionSettings::new(&[]).0);
        assert_eq!(shared.set("application_name", Some("pool"), false).unwrap(), "pool");
        assert_eq!(shared.set("statement_timeout", Some("5000"), true).unwrap(), "5s");
        let refused = shared.set("timezone", Some("Europe/Berlin"), false).unwrap_err();
        assert!(refused.message.starts_with("not supported: the setting"), "{refused}");
        let report = Some(("application_name", "pool".to_owned()));
        assert_eq!(shared.take_changes(), [SettingChange { notice: None, report }]);
        assert!(shared.take_changes().is_empty());
        for row in 0..1000 {
            let _ = shared.set(&format!("own.setting{row}"), Some("1"), false);
            let _ = shared.set("application_name", Some(&row.to_string()), false);
        }
        let changes = shared.take_changes();
        assert!(changes.len() <= MAX_CHANGES, "{}", changes.len());
        let reports = changes.iter().filter_map(|change| change.report.clone());
        assert_eq!(reports.collect::<Vec<_>>(), [("application_name", "999".to_owned())]);
        shared.set("application_name", Some("pool"), false).unwrap();
        shared.settings.lock().end_transaction(true);
        let values = ["application_name", "statement_timeout", "nothing"].map(|name| shared.get(name));
        assert_eq!(values, [Some("pool".to_owned()), Some("0".to_owned()), None]);
    }
}
