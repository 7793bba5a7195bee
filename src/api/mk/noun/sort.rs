//! Sort keys of lists of a noun: every field with a plain value.

use super::field_type::FieldType;
use super::list::{Field, FieldVisitor, MkNoun};
use crate::api::mk::page::SortKey;

/// The names of the fields that a list can be sorted by.
pub fn sortable<N: MkNoun>() -> Vec<&'static str> {
    let mut names = SortableNames(Vec::new());
    N::blank().visit_fields(&mut names);
    names.0
}

/// Returns a row's sort key in a field.
pub fn sort_key(mut row: impl MkNoun, property: &str) -> SortKey {
    let mut found = FieldKey { property, key: SortKey::Null };
    row.visit_fields(&mut found);
    found.key
}

struct SortableNames(Vec<&'static str>);

impl FieldVisitor for SortableNames {
    fn visit<T: FieldType>(&mut self, field: Field, _: &mut T) {
        if T::IS_SORTABLE && field.is_sortable {
            self.0.push(field.name);
        }
    }
}

struct FieldKey<'a> {
    property: &'a str,
    key: SortKey,
}

impl FieldVisitor for FieldKey<'_> {
    fn visit<T: FieldType>(&mut self, field: Field, value: &mut T) {
        if field.name == self.property {
            self.key = value.sort_key();
        }
    }
}
