//! Bodies read by the list of a noun.

use super::field_type::FieldType;
use super::list::{Field, FieldVisitor, MkNoun};
use crate::api::mk::body::Fields;
use crate::api::openapi::schema::FieldRole;

/// Sets the fields of a row from the members of a body. What is wrong is collected in the body.
struct BodyReader<'a> {
    fields: &'a mut Fields,
    /// Whether what is absent stays, and only null empties a field.
    keeps_absent: bool,
}

impl FieldVisitor for BodyReader<'_> {
    fn visit<T: FieldType>(&mut self, field: Field, value: &mut T) {
        if field.role == FieldRole::ReadOnly || field.is_lookup {
            return;
        }
        if self.keeps_absent {
            if self.fields.has(field.name)
                && let Some(given) = T::read(self.fields, field.name).or_else(T::empty)
            {
                *value = given;
            }
            return;
        }
        if field.role == FieldRole::Required && !T::RULES_REQUIRE_IT {
            self.fields.required(field.name);
        }
        if let Some(given) = T::read(self.fields, field.name) {
            *value = given;
        }
    }
}

/// Reads the settable fields of a row; those that are absent have their defaults. The rules of the noun are not checked.
pub fn read_row<N: MkNoun>(fields: &mut Fields) -> N {
    let mut row = N::blank();
    row.visit_fields(&mut BodyReader { fields, keeps_absent: false });
    row
}

/// Reads the settable fields that a body has over those of a row. The rules of the noun are not checked.
pub fn read_over<N: MkNoun>(fields: &mut Fields, mut row: N) -> N {
    row.visit_fields(&mut BodyReader { fields, keeps_absent: true });
    row
}
