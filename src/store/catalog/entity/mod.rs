//! The tables as SeaORM entities, one file per table: columns, and the conversion between rows and domain types.
//!
//! No queries here. Enums are stored by name, times as microseconds, JSON and id lists as JSON text.

pub(super) mod alert_checkpoint;
pub(super) mod alert_notification;
pub(super) mod alert_rule;
pub(super) mod annotation;
pub(super) mod audit;
pub(super) mod binding_report;
pub(super) mod certificate;
pub(super) mod client;
pub(super) mod command;
pub(super) mod device;
pub(super) mod device_state;
pub(super) mod document;
pub(super) mod event;
pub(super) mod export;
pub(super) mod floor;
pub(super) mod grant;
pub(super) mod group;
pub(super) mod job;
pub(super) mod key;
pub(super) mod media_job;
pub(super) mod model;
pub(super) mod model_file;
pub(super) mod model_version;
pub(super) mod mqtt_retained;
pub(super) mod mqtt_session;
pub(super) mod object;
pub(super) mod org;
pub(super) mod org_plan;
pub(super) mod policy;
pub(super) mod product;
pub(super) mod quarantine;
pub(super) mod reading_count;
pub(super) mod registration;
pub(super) mod server_heartbeat;
pub(super) mod session;
pub(super) mod stream;
pub(super) mod token;
pub(super) mod user;
pub(super) mod user_preferences;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{Error, Result};

/// JSON text of maps and id lists. Serialising these cannot fail, because their keys are strings.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("string-keyed JSON and id lists always serialise")
}

/// Names the row in the error for a column that cannot be read back.
struct RowRef {
    table: &'static str,
    id: i32,
}

impl RowRef {
    fn json<T: DeserializeOwned>(&self, column: &str, text: &str) -> Result<T> {
        serde_json::from_str(text).map_err(|e| self.damaged(column).with_source(e))
    }

    /// Converts a stored column; fails if this version does not know the stored form.
    fn check_column<T, E>(&self, column: &str, value: std::result::Result<T, E>) -> Result<T>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        value.map_err(|e| self.damaged(column).with_source(e))
    }

    fn damaged(&self, column: &str) -> Error {
        Error::unavailable(format!(
            "the catalog holds a row this version cannot read: table `{}`, id {}, column `{column}`",
            self.table, self.id
        ))
    }
}
