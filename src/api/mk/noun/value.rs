//! Values and rows as responses show them.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A value in a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ShownValue {
    /// One of a closed set of words.
    Word(&'static str),
    /// An object whose fields are listed.
    Row(ShownRow),
    List(Vec<ShownValue>),
    /// Any other value.
    Json(Value),
}

/// A row with its fields in the order of their list. It serializes as an object.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownRow(pub Vec<(&'static str, ShownValue)>);

impl Serialize for ShownRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}
