//! The fields of a row with their values, collected by the list of its noun.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::json;

use super::field_type::FieldType;
use super::shown::{ShownRow, ShownValue};
use super::visitor::{FieldVisitor, Presence};

impl FieldVisitor for ShownRow {
    fn visit<T: FieldType>(&mut self, name: &'static str, _: Presence, _: T::Limits, value: &mut T) {
        self.push(name, value.show());
    }

    fn visit_secret(&mut self, name: &'static str, _: RangeInclusive<usize>, _: &mut String) {
        self.push_secret(name);
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
