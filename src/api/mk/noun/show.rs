//! Rows shown by the list of their noun.

use super::field_type::FieldType;
use super::list::{Field, FieldVisitor, MkNoun};
use crate::app::fields::shown::ShownRow;

impl ShownRow {
    /// Shows every field of a row.
    pub fn new(mut row: impl MkNoun) -> Self {
        ShownRow::take(&mut row)
    }

    /// Shows every field of a row, of which texts, lists and objects are taken.
    pub fn take(row: &mut impl MkNoun) -> Self {
        ShownRow::collect(|shown| row.visit_fields(shown))
    }
}

impl FieldVisitor for ShownRow {
    fn visit<T: FieldType>(&mut self, field: Field, value: &mut T) {
        self.push(field.name, value.show());
    }
}
