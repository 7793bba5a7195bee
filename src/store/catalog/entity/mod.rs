//! The tables as SeaORM entities, one file a table: columns, and the way between a row and its domain type.
//!
//! No query lives here. Choices are stored by their names, times as microseconds, JSON and id lists as JSON text.

pub(super) mod audit;
pub(super) mod device;
pub(super) mod event;
pub(super) mod floor;
pub(super) mod grant;
pub(super) mod group;
pub(super) mod key;
pub(super) mod model;
pub(super) mod model_file;
pub(super) mod model_version;
pub(super) mod org;
pub(super) mod policy;
pub(super) mod session;
pub(super) mod stream;
pub(super) mod user;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{Error, Result};

/// JSON text of maps and id lists, none of which can fail to serialise: their keys are strings.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("string-keyed JSON and id lists always serialise")
}

/// Names the row and column of whatever cannot be read back.
struct Place {
    table: &'static str,
    id: i32,
}

impl Place {
    fn json<T: DeserializeOwned>(&self, column: &str, text: &str) -> Result<T> {
        serde_json::from_str(text).map_err(|e| self.damaged(column).because(e))
    }

    /// A column whose stored form must be one that this version writes.
    fn read<T, E>(&self, column: &str, value: std::result::Result<T, E>) -> Result<T>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        value.map_err(|e| self.damaged(column).because(e))
    }

    fn damaged(&self, column: &str) -> Error {
        Error::unavailable(format!(
            "the catalog holds a row this version cannot read: table `{}`, id {}, column `{column}`",
            self.table, self.id
        ))
    }
}
