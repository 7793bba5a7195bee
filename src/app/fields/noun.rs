//! Nouns whose fields are listed once for reading, showing and describing.

use super::shown::ShownRow;
use super::visitor::FieldVisitor;

/// The settable fields of a noun.
pub trait Noun: Clone {
    /// All defaults; the required fields hold placeholders that fail validation or are overwritten.
    fn blank() -> Self;

    /// Visits every field, in the order in which they are shown.
    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor);

    /// The fields with their values; references to other rows are row ids.
    fn values(&self) -> ShownRow {
        let mut row = self.clone();
        ShownRow::collect(|values| row.visit_fields(values))
    }
}
