//! Values and rows as responses and files show them.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Room for the fields of most nouns.
const MOST_FIELDS: usize = 18;

/// A value as responses and files show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ShownValue {
    /// One of a closed set of words.
    Word(&'static str),
    /// An object whose fields are listed.
    Row(ShownRow),
    /// A list of values.
    List(Vec<ShownValue>),
    /// Any other value.
    Json(Value),
}

impl From<ShownValue> for Value {
    fn from(shown: ShownValue) -> Self {
        match shown {
            ShownValue::Word(word) => word.into(),
            ShownValue::Row(row) => row.into(),
            ShownValue::List(items) => items.into_iter().map(Value::from).collect(),
            ShownValue::Json(value) => value,
        }
    }
}

/// A field of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownField {
    /// The name in the API or file.
    pub name: &'static str,
    /// `None` for a secret.
    pub value: Option<ShownValue>,
}

/// The fields of a row in the order of the noun's list. They serialize as an object without the secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownRow(pub Vec<ShownField>);

impl ShownRow {
    /// Collects the fields that a list visits. It takes the texts, lists and objects out of the row.
    pub fn collect(visit: impl FnOnce(&mut ShownRow)) -> ShownRow {
        let mut row = ShownRow(Vec::with_capacity(MOST_FIELDS));
        visit(&mut row);
        row
    }

    /// The names of the fields, secrets included.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|field| field.name).collect()
    }

    /// Adds a field with its value.
    pub fn push(&mut self, name: &'static str, value: ShownValue) {
        self.0.push(ShownField { name, value: Some(value) });
    }

    /// Adds a secret.
    pub fn push_secret(&mut self, name: &'static str) {
        self.0.push(ShownField { name, value: None });
    }
}

impl From<ShownRow> for Value {
    fn from(row: ShownRow) -> Self {
        let shown = |field: ShownField| Some((field.name.to_owned(), Value::from(field.value?)));
        Value::Object(row.0.into_iter().filter_map(shown).collect())
    }
}

impl Serialize for ShownRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for ShownField { name, value } in &self.0 {
            if let Some(value) = value {
                object.serialize_entry(name, value)?;
            }
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_the_same_object_as_a_value_and_as_text_and_shows_no_secret() {
        let inner = ShownRow::collect(|row| row.push("level", ShownValue::Word("high")));
        let row = ShownRow::collect(|row| {
            row.push("name", ShownValue::Json("a".into()));
            row.push_secret("password");
            row.push("list", ShownValue::List(vec![ShownValue::Row(inner), ShownValue::Json(Value::Null)]));
        });
        assert_eq!(row.names(), ["name", "password", "list"]);
        let expected = json!({"name": "a", "list": [{"level": "high"}, null]});
        assert_eq!(serde_json::to_value(&row).unwrap(), expected);
        assert_eq!(Value::from(row), expected);
    }
}
