//! Conversion of mutation inputs to the fields that `app::fields` reads, so that every interface shares one list of
//! fields, their defaults and their messages.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::graphql::ids::{self, NodeType};
use crate::app::fields::json_source::JsonObject;
use crate::app::fields::reader::{FieldReader, ReadMode};

/// Converts an input to fields. An undefined member of an input is not serialized: it is absent, whereas null is a
/// value. `rows` lists the fields that contain one id or a list of ids, with their type.
pub fn to_fields(input: &impl Serialize, mode: ReadMode, rows: &[(&str, NodeType)]) -> FieldReader {
    let mut members = match serde_json::to_value(input) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    for (name, noun) in rows {
        if let Some(value) = members.get_mut(*name) {
            name_rows(value, *noun);
        }
    }
    FieldReader::new(JsonObject::new(members), mode)
}

/// Replaces global ids by row numbers. Any other value stays as it is; the reader rejects it.
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
