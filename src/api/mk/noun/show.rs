//! Rows shown by the list of their noun.

use super::field_type::FieldType;
use super::list::{Field, FieldVisitor, MkNoun};
use super::value::ShownRow;

/// Room for the fields of most nouns.
const MOST_FIELDS: usize = 18;

impl ShownRow {
    /// Shows every field of a row.
    pub fn new(mut row: impl MkNoun) -> Self {
        ShownRow::take(&mut row)
    }

    /// Shows every field of a row, of which texts, lists and objects are taken.
    pub fn take(row: &mut impl MkNoun) -> Self {
        let mut shown = ShownRow(Vec::with_capacity(MOST_FIELDS));
        row.visit_fields(&mut shown);
        shown
    }
}

impl FieldVisitor for ShownRow {
    fn visit<T: FieldType>(&mut self, field: Field, value: &mut T) {
        self.0.push((field.name, value.show()));
    }
}
