//! Bodies read by the list of a noun.

use super::field_type::FieldType;
use super::list::{Field, FieldRole, FieldVisitor, Noun};
use crate::api::mk::body::Fields;

/// Sets the fields of a row from the members of a body. What is wrong is collected in the body.
struct BodyReader<'a>(&'a mut Fields);

impl FieldVisitor for BodyReader<'_> {
    fn visit<T: FieldType>(&mut self, field: Field, value: &mut T) {
        if field.role == FieldRole::ReadOnly || field.is_lookup {
            return;
        }
        if field.role == FieldRole::Required && !T::RULES_REQUIRE_IT {
            self.0.required(field.name);
        }
        if let Some(given) = T::read(self.0, field.name) {
            *value = given;
        }
    }
}

/// Reads the settable fields of a row; those that are absent have their defaults. The rules of the noun are not checked.
pub fn read_row<N: Noun>(fields: &mut Fields) -> N {
    let mut row = N::blank();
    row.visit_fields(&mut BodyReader(fields));
    row
}
