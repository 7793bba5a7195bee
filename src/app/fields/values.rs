//! The fields of a row with their values, as responses and files show them.

use std::ops::RangeInclusive;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::field_type::{FieldType, ShownValue};
use super::visitor::{FieldVisitor, Presence};

/// Room for the fields of any noun.
const MOST_FIELDS: usize = 18;

/// A field of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue {
    /// The name in REST and in files.
    pub name: &'static str,
    /// `None` for a secret.
    pub value: Option<ShownValue>,
}

/// The fields of a row in the order of the noun's list. They serialize as an object without the secrets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldValues(pub Vec<FieldValue>);

impl FieldValues {
    /// Collects the fields that a list visits. It takes the texts and objects out of the row.
    pub fn collect(visit: impl FnOnce(&mut FieldValues)) -> FieldValues {
        let mut values = FieldValues(Vec::with_capacity(MOST_FIELDS));
        visit(&mut values);
        values
    }

    /// The names of the fields, secrets included.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|field| field.name).collect()
    }

    fn push(&mut self, name: &'static str, value: ShownValue) {
        self.0.push(FieldValue { name, value: Some(value) });
    }
}

impl Serialize for FieldValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for FieldValue { name, value } in &self.0 {
            if let Some(value) = value {
                object.serialize_entry(name, value)?;
            }
        }
        object.end()
    }
}

impl FieldVisitor for FieldValues {
    fn visit<T: FieldType>(&mut self, name: &'static str, _: Presence, _: T::Limits, value: &mut T) {
        self.push(name, value.show());
    }

    fn visit_secret(&mut self, name: &'static str, _: RangeInclusive<usize>, _: &mut String) {
        self.0.push(FieldValue { name, value: None });
    }

    fn visit_row<T: Serialize>(&mut self, name: &'static str, _: fn(i32) -> T, value: &mut T) {
        self.push(name, ShownValue::Json(json!(value)));
    }

    fn visit_row_or_null<T: Serialize>(
        &mut self,
        name: &'static str,
        _: fn(i32) -> T,
        value: &mut Option<T>,
    ) {
        self.push(name, ShownValue::Json(json!(value)));
    }
}
