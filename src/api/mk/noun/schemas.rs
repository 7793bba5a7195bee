//! Schemas of a noun, made of its list.

use utoipa::openapi::Schema;

use super::field_type::FieldType;
use super::list::{Field, FieldVisitor, MkNoun};
use crate::api::openapi::schema::{self, FieldRole, FieldSchema};

/// A component schema with its name.
pub type NamedSchema = (&'static str, Schema);

/// The fields of a noun with their schemas and descriptions.
pub fn fields<N: MkNoun>() -> Vec<FieldSchema> {
    let mut fields = FieldSchemas(Vec::new());
    N::blank().visit_fields(&mut fields);
    fields.0
}

/// The schema of responses.
pub fn view<N: MkNoun>(name: &'static str) -> NamedSchema {
    (name, schema::view(&fields::<N>()))
}

/// The schema of bodies.
pub fn body<N: MkNoun>(name: &'static str) -> NamedSchema {
    (name, schema::body(&fields::<N>()))
}

/// The schema of bodies that change some fields.
pub fn patch<N: MkNoun>(name: &'static str) -> NamedSchema {
    (name, schema::patch(&fields::<N>()))
}

struct FieldSchemas(Vec<FieldSchema>);

impl FieldVisitor for FieldSchemas {
    fn visit<T: FieldType>(&mut self, field: Field, value: &mut T) {
        let shape = schema::described((field.shape)(), field.about);
        let mut described = FieldSchema::new(field.role, field.name, shape);
        if field.role == FieldRole::Optional {
            described = described.with_default(value.show());
        }
        self.0.push(match field.response_shape {
            Some(shape) => described.returned_as(schema::described(shape(), field.about)),
            None => described,
        });
    }
}
