//! Sources of fields.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// A reference to another row, as a source gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowReference {
    /// The field is not given.
    Absent,
    /// The field is null.
    Null,
    /// A row id, not checked for existence.
    Id(i32),
    /// The source refers to rows by name. It keeps the name, and whoever resolves it sets the field.
    Named,
}

/// An object with named values, such as a JSON body or a row of a file. It finds the value of a field and converts it
/// to the field's type. Errors are messages for the field in the wording of the interface.
pub trait Source {
    /// A value as given.
    type Value;

    /// Removes and returns the value of a field; `None` when it is absent.
    fn take(&mut self, name: &'static str) -> Option<Self::Value>;

    /// Removes and converts the value of a field that refers to another row.
    fn take_row(&mut self, name: &'static str) -> Result<RowReference, String>;

    /// Whether the value is null.
    fn is_null(value: &Self::Value) -> bool;

    /// Whether the value means null in a field that may be null. A source in which every value is a text has a word
    /// for it.
    fn means_null(value: &Self::Value) -> bool {
        Self::is_null(value)
    }

    /// A text, not trimmed.
    fn text(value: Self::Value) -> Result<String, String>;

    /// A boolean.
    fn boolean(value: Self::Value) -> Result<bool, String>;

    /// A finite number.
    fn number(value: Self::Value) -> Result<f64, String>;

    /// A whole number within the range.
    fn integer(value: Self::Value, range: RangeInclusive<i64>) -> Result<i64, String>;

    /// One of a closed set of words; `names` are all of them, and `parse` knows each.
    fn choice<T>(
        value: Self::Value,
        names: &[&'static str],
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, String>;

    /// An object.
    fn object(value: Self::Value) -> Result<Map<String, Value>, String>;
}
