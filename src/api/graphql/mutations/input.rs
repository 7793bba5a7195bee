//! Conversion of mutation inputs to the fields of a REST body. The REST parser then reads them, so both interfaces
//! share one set of rules, defaults and messages.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::graphql::ids::{self, NodeType};
use crate::api::rest::fields::{BodyMode, Fields};

/// Converts an input to REST fields. `rows` lists the fields that contain one id or a list of ids, with their type.
pub fn to_fields(input: &impl Serialize, mode: BodyMode, rows: &[(&str, NodeType)]) -> Fields {
    let mut given = match serde_json::to_value(input) {
        Ok(Value::Object(given)) => given,
        _ => Map::new(),
    };
    for (name, noun) in rows {
        if let Some(value) = given.get_mut(*name) {
            name_rows(value, *noun);
        }
    }
    Fields::new(given, mode)
}

/// Replaces global ids by row numbers. Any other value stays as it is; the REST parser rejects it.
fn name_rows(value: &mut Value, noun: NodeType) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| name_rows(item, noun)),
        Value::String(id) => {
            if let Some((_, row)) = ids::parse(id).filter(|(named, _)| *named == noun) {
                *value = Value::from(row);
            }
        }
        _ => {}
    }
}
