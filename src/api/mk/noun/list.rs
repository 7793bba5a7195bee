//! The list of a noun's fields, and the passes over it.

use super::field_type::FieldType;
use crate::api::openapi::schema::{FieldRole, ValueSchema};

/// Attributes of a field wherever it is.
#[derive(Clone, Copy)]
pub struct Field {
    /// The name in bodies and responses.
    pub name: &'static str,
    /// The description in documents, a sentence.
    pub about: &'static str,
    /// Schema of a value.
    pub shape: fn() -> ValueSchema,
    /// Schema of a value in responses, where that is another one.
    pub response_shape: Option<fn() -> ValueSchema>,
    pub role: FieldRole,
    /// Whether the handler reads it from bodies, because other rows decide what it means.
    pub is_lookup: bool,
    /// Whether lists may be sorted by it, if its type can be compared.
    pub is_sortable: bool,
}

impl Field {
    fn new(role: FieldRole, name: &'static str, about: &'static str, shape: fn() -> ValueSchema) -> Self {
        Self { name, about, shape, response_shape: None, role, is_lookup: false, is_sortable: true }
    }

    /// Sets another schema for responses.
    pub fn returned_as(self, shape: fn() -> ValueSchema) -> Self {
        Self { response_shape: Some(shape), ..self }
    }

    /// Refuses lists that are sorted by it.
    pub fn unsorted(self) -> Self {
        Self { is_sortable: false, ..self }
    }

    /// Leaves the reading of bodies to the handler, which looks up other rows.
    pub fn looked_up(self) -> Self {
        Self { is_lookup: true, ..self }
    }
}

/// A field that responses have and bodies do not.
pub fn read_only(name: &'static str, about: &'static str, shape: fn() -> ValueSchema) -> Field {
    Field::new(FieldRole::ReadOnly, name, about, shape)
}

/// A field that a body must give.
pub fn required(name: &'static str, about: &'static str, shape: fn() -> ValueSchema) -> Field {
    Field::new(FieldRole::Required, name, about, shape)
}

/// A field whose absence has a meaning of its own.
pub fn omittable(name: &'static str, about: &'static str, shape: fn() -> ValueSchema) -> Field {
    Field::new(FieldRole::Omittable, name, about, shape)
}

/// A field with a default: the value of a blank row, which documents show.
pub fn optional(name: &'static str, about: &'static str, shape: fn() -> ValueSchema) -> Field {
    Field::new(FieldRole::Optional, name, about, shape)
}

/// One pass over the fields of a noun. The list calls it for each field with the field's value in a row: a reader sets it,
/// other visitors show, compare or describe it.
pub trait FieldVisitor {
    fn visit<T: FieldType>(&mut self, field: Field, value: &mut T);
}

/// A row as its API shows it.
pub trait MkNoun: Sized {
    /// A row in which optional fields have their defaults. What is required holds a placeholder: without it there is a
    /// problem, and the reading ends with it.
    fn blank() -> Self;

    /// Visits every field, in the order in which responses show them.
    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor);
}
