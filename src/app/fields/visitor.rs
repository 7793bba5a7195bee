//! Passes over the list of a noun's fields.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::field_type::FieldType;

/// Whether a new row must give a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// A new row without it is refused.
    Required,
    /// The field has a default.
    Optional,
}

/// One pass over the fields of a noun, in the order in which they are shown. The list of a noun calls one method for
/// each field, with the field's value in a row: a reader sets it, other visitors show or describe it.
pub trait FieldVisitor {
    /// A field of any of the types.
    fn visit<T: FieldType>(&mut self, name: &'static str, need: Presence, limits: T::Limits, value: &mut T);

    /// A text that is read as given and never shown; `length` is in characters.
    fn visit_secret(&mut self, name: &'static str, length: RangeInclusive<usize>, value: &mut String);

    /// A required reference to another row, which need not exist; `make` makes it from the row id.
    fn visit_row<T: Serialize>(&mut self, name: &'static str, make: fn(i32) -> T, value: &mut T);

    /// A reference to another row, which need not exist, or null.
    fn visit_row_or_null<T: Serialize>(
        &mut self,
        name: &'static str,
        make: fn(i32) -> T,
        value: &mut Option<T>,
    );
}
