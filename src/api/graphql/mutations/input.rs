//! Inputs become the fields of a REST body, and are read by what reads those: one set of rules, of defaults and of words.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::graphql::ids::{self, Noun};
use crate::api::rest::fields::{Fields, Mode};

/// The fields of an input. Those in `rows` name rows of a noun, alone or in a list.
pub fn fields(input: &impl Serialize, mode: Mode, rows: &[(&str, Noun)]) -> Fields {
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

/// Global ids become row numbers; what is neither stays, and is refused where it is read.
fn name_rows(value: &mut Value, noun: Noun) {
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
