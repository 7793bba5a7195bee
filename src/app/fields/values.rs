//! The fields of a row with their values, as responses and files show them.

use std::ops::RangeInclusive;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::choice::Choice;
use super::visitor::{FieldVisitor, Presence};

/// A field of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue {
    /// The name in REST and in files.
    pub name: &'static str,
    /// `None` for a secret.
    pub value: Option<Value>,
}

/// The fields of a row in the order of the noun's list. They serialize as an object without the secrets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldValues(pub Vec<FieldValue>);

impl FieldValues {
    /// Collects the fields that a list visits. It takes the texts and objects out of the row.
    pub fn collect(visit: impl FnOnce(&mut FieldValues)) -> FieldValues {
        let mut values = FieldValues::default();
        visit(&mut values);
        values
    }

    /// The names of the fields, secrets included.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|field| field.name).collect()
    }

    fn push(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push(FieldValue { name, value: Some(value.into()) });
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
    fn visit_text(&mut self, name: &'static str, _: Presence, _: RangeInclusive<usize>, value: &mut String) {
        self.push(name, std::mem::take(value));
    }

    fn visit_secret(&mut self, name: &'static str, _: &mut String) {
        self.0.push(FieldValue { name, value: None });
    }

    fn visit_boolean(&mut self, name: &'static str, value: &mut bool) {
        self.push(name, *value);
    }

    fn visit_number(&mut self, name: &'static str, _: RangeInclusive<f64>, value: &mut f64) {
        self.push(name, *value);
    }

    fn visit_number_or_null(&mut self, name: &'static str, _: RangeInclusive<f64>, value: &mut Option<f64>) {
        self.push(name, *value);
    }

    fn visit_integer<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        _: RangeInclusive<i64>,
        value: &mut T,
    ) {
        self.push(name, json!(value));
    }

    fn visit_integer_or_null<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        _: RangeInclusive<i64>,
        value: &mut Option<T>,
    ) {
        self.push(name, json!(value));
    }

    fn visit_choice<T: Choice>(&mut self, name: &'static str, _: Presence, value: &mut T) {
        self.push(name, value.name());
    }

    fn visit_choice_or_null<T: Choice>(&mut self, name: &'static str, value: &mut Option<T>) {
        self.push(name, value.as_ref().map(Choice::name));
    }

    fn visit_object(&mut self, name: &'static str, value: &mut Map<String, Value>) {
        self.push(name, std::mem::take(value));
    }

    fn visit_row<T: Serialize>(&mut self, name: &'static str, _: fn(i32) -> T, value: &mut T) {
        self.push(name, json!(value));
    }

    fn visit_row_or_null<T: Serialize>(
        &mut self,
        name: &'static str,
        _: fn(i32) -> T,
        value: &mut Option<T>,
    ) {
        self.push(name, json!(value));
    }
}
