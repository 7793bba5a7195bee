//! Passes over the list of a noun's fields.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value};

use super::choice::Choice;

/// Whether a new row must give a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// A new row without it is refused.
    Required,
    /// The field has a default.
    Optional,
}

/// Range of a number that may have any size.
pub const ANY_NUMBER: RangeInclusive<f64> = f64::MIN..=f64::MAX;

/// One pass over the fields of a noun, in the order in which they are shown. The list of a noun calls one method for
/// each field, with the field's value in a row: a reader sets it, other visitors show or describe it.
///
/// The limits of texts and numbers describe the field. The rules of the noun enforce them (`problems()` in `domain`),
/// so that they hold however a row is made.
pub trait FieldVisitor {
    /// A text without surrounding white space; `length` is in characters.
    fn visit_text(
        &mut self,
        name: &'static str,
        need: Presence,
        length: RangeInclusive<usize>,
        value: &mut String,
    );

    /// A text that is read as given and never shown.
    fn visit_secret(&mut self, name: &'static str, value: &mut String);

    /// A boolean.
    fn visit_boolean(&mut self, name: &'static str, value: &mut bool);

    /// A finite number.
    fn visit_number(&mut self, name: &'static str, range: RangeInclusive<f64>, value: &mut f64);

    /// A finite number or null.
    fn visit_number_or_null(
        &mut self,
        name: &'static str,
        range: RangeInclusive<f64>,
        value: &mut Option<f64>,
    );

    /// A whole number; `range` must lie in its type.
    fn visit_integer<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        value: &mut T,
    );

    /// A whole number or null; `range` must lie in its type.
    fn visit_integer_or_null<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        value: &mut Option<T>,
    );

    /// One of a closed set of words.
    fn visit_choice<T: Choice>(&mut self, name: &'static str, need: Presence, value: &mut T);

    /// One of a closed set of words, or null.
    fn visit_choice_or_null<T: Choice>(&mut self, name: &'static str, value: &mut Option<T>);

    /// A JSON object of any members.
    fn visit_object(&mut self, name: &'static str, value: &mut Map<String, Value>);

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
