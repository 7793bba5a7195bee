//! JSON schemas: constructors for value types, and field lists of a noun from which both its request and its response
//! schemas are built.

use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, SchemaType, Type,
};
use utoipa::openapi::{Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat};

use crate::domain::named_enum::NamedEnum;

/// Schema of a value, inline or by reference.
pub type ValueSchema = RefOr<Schema>;

/// The largest row id.
const MAX_ROW_ID: i64 = i32::MAX as i64;

/// A string of `least` to `most` characters.
pub fn text(least: usize, most: usize) -> ValueSchema {
    let least = (least > 0).then_some(least);
    built(ObjectBuilder::new().schema_type(Type::String).min_length(least).max_length(Some(most)))
}

/// A string of any length.
pub fn string() -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::String))
}

/// A string that matches a regular expression.
pub fn pattern(pattern: &str) -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)))
}

/// A string of at most `most` characters that user interfaces must not show (format `password`).
pub fn secret(most: usize) -> ValueSchema {
    let format = SchemaFormat::KnownFormat(KnownFormat::Password);
    built(ObjectBuilder::new().schema_type(Type::String).format(Some(format)).max_length(Some(most)))
}

/// The content of a file (format `binary`).
pub fn file() -> ValueSchema {
    let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
    built(ObjectBuilder::new().schema_type(Type::String).format(Some(format)))
}

/// A boolean.
pub fn boolean() -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::Boolean))
}

/// An integer from `least` to `most`.
pub fn integer(least: i64, most: i64) -> ValueSchema {
    let bounded = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most));
    built(bounded)
}

/// A non-negative integer.
pub fn count() -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)))
}

/// A number.
pub fn number() -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::Number))
}

/// A number from `least` to `most`.
pub fn number_within(least: f64, most: f64) -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::Number).minimum(Some(least)).maximum(Some(most)))
}

/// The id of a row.
pub fn row_id() -> ValueSchema {
    integer(1, MAX_ROW_ID)
}

/// The id of a value or of a statistic.
pub fn reading_id() -> ValueSchema {
    pattern("^[0-9]+-[0-9]+$")
}

/// A timestamp in a response.
pub fn time() -> ValueSchema {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    built(ObjectBuilder::new().schema_type(Type::String).format(Some(format)))
}

/// A timestamp in a request: ISO-8601, or epoch seconds as a number or as text.
pub fn time_input() -> ValueSchema {
    any_of([time(), number_within(0.0, 9_000_000_000.0), pattern("^[0-9]{1,10}(\\.[0-9]{1,6})?$")])
}

/// One of a closed set of strings.
pub fn choice<S: Into<Value>>(names: impl IntoIterator<Item = S>) -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)))
}

/// One of the names of an enumeration.
pub fn choice_of<T: NamedEnum>() -> ValueSchema {
    choice(T::all().iter().map(|variant| variant.name()))
}

/// An object with arbitrary members.
pub fn map() -> ValueSchema {
    built(ObjectBuilder::new().schema_type(Type::Object))
}

/// Any JSON value.
pub fn anything() -> ValueSchema {
    built(ObjectBuilder::new().schema_type(SchemaType::AnyValue))
}

/// An array.
pub fn list(of: ValueSchema) -> ValueSchema {
    Schema::Array(ArrayBuilder::new().items(of).build()).into()
}

/// A reference to a component schema.
pub fn reference(name: &str) -> ValueSchema {
    Ref::from_schema_name(name).into()
}

/// Any of several schemas.
pub fn any_of(shapes: impl IntoIterator<Item = ValueSchema>) -> ValueSchema {
    Schema::AnyOf(shapes.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).build()).into()
}

/// The given schema or null.
pub fn nullable(shape: ValueSchema) -> ValueSchema {
    let null = || built(ObjectBuilder::new().schema_type(Type::Null));
    match shape {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(known) = object.schema_type {
                object.schema_type = SchemaType::Array(vec![known, Type::Null]);
            }
            if let Some(values) = &mut object.enum_values {
                values.push(Value::Null);
            }
            Schema::Object(object).into()
        }
        other => any_of([other, null()]),
    }
}

/// The schema with a description.
pub fn described(mut shape: ValueSchema, about: &str) -> ValueSchema {
    let about = about.to_owned();
    match &mut shape {
        RefOr::Ref(reference) => reference.description = about,
        RefOr::T(Schema::Object(object)) => object.description = Some(about),
        RefOr::T(Schema::Array(array)) => array.description = Some(about),
        RefOr::T(Schema::AnyOf(any)) => any.description = Some(about),
        RefOr::T(_) => {}
    }
    shape
}

/// An array of `least` to `most` items.
pub fn list_of(of: ValueSchema, least: usize, most: usize) -> ValueSchema {
    let items = ArrayBuilder::new().items(of).min_items(Some(least)).max_items(Some(most));
    Schema::Array(items.build()).into()
}

/// Role of a field in bodies and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRole {
    /// Responses have it and bodies do not.
    ReadOnly,
    /// A new row without it is refused.
    Required,
    /// A body without it means something of its own, such as null.
    Omittable,
    /// A body without it means its default.
    Optional,
    /// Bodies have it and responses do not.
    WriteOnly,
}

/// A field of an object, with its request and response schemas.
#[derive(Clone)]
pub struct FieldSchema {
    name: &'static str,
    role: FieldRole,
    /// Differs from `in_request` where a response has another form, as timestamps do.
    in_response: ValueSchema,
    in_request: ValueSchema,
}

/// A field that responses contain and requests do not.
pub fn read_only(name: &'static str, shape: ValueSchema) -> FieldSchema {
    FieldSchema::new(FieldRole::ReadOnly, name, shape)
}

/// A field that a new row requires.
pub fn required(name: &'static str, shape: ValueSchema) -> FieldSchema {
    FieldSchema::new(FieldRole::Required, name, shape)
}

/// A field that has a default.
pub fn optional(name: &'static str, shape: ValueSchema, default: impl Into<Value>) -> FieldSchema {
    FieldSchema::new(FieldRole::Optional, name, shape).with_default(default)
}

/// A field that may be omitted and has no default: its absence has a meaning of its own.
pub fn omittable(name: &'static str, shape: ValueSchema) -> FieldSchema {
    FieldSchema::new(FieldRole::Omittable, name, shape)
}

/// A field that requests contain and responses never do.
pub fn write_only(name: &'static str, shape: ValueSchema) -> FieldSchema {
    FieldSchema::new(FieldRole::WriteOnly, name, shape)
}

impl FieldSchema {
    /// A field with one schema in requests and responses.
    pub fn new(role: FieldRole, name: &'static str, shape: ValueSchema) -> FieldSchema {
        FieldSchema { name, role, in_response: shape.clone(), in_request: shape }
    }

    /// Adds a default to the schema of requests.
    pub fn with_default(mut self, default: impl Into<Value>) -> FieldSchema {
        match &mut self.in_request {
            RefOr::T(Schema::Object(object)) => object.default = Some(default.into()),
            RefOr::T(Schema::Array(array)) => array.default = Some(default.into()),
            RefOr::T(Schema::AnyOf(any)) => any.default = Some(default.into()),
            _ => {}
        }
        self
    }

    /// Sets another schema for responses.
    pub fn returned_as(mut self, shape: ValueSchema) -> FieldSchema {
        self.in_response = shape;
        self
    }
}

/// A response object: every readable field is required, and no others are allowed.
pub fn view(fields: &[FieldSchema]) -> Schema {
    let shown = fields.iter().filter(|field| field.role != FieldRole::WriteOnly);
    let object = shown.fold(closed(), |object, field| {
        object.property(field.name, field.in_response.clone()).required(field.name)
    });
    Schema::Object(object.build())
}

/// The body of a POST or PUT. Unknown fields are ignored.
pub fn body(fields: &[FieldSchema]) -> Schema {
    Schema::Object(sent(fields, true))
}

/// The body of a PATCH: every field is optional.
pub fn patch(fields: &[FieldSchema]) -> Schema {
    Schema::Object(sent(fields, false))
}

/// A closed object in which only the fields made with [`required`] are required.
pub fn object(fields: &[FieldSchema]) -> Schema {
    let object = fields.iter().fold(closed(), |object, field| {
        let object = object.property(field.name, field.in_response.clone());
        if field.role == FieldRole::Required { object.required(field.name) } else { object }
    });
    Schema::Object(object.build())
}

fn sent(fields: &[FieldSchema], is_whole: bool) -> Object {
    let sent = fields.iter().filter(|field| field.role != FieldRole::ReadOnly);
    let object = sent.fold(ObjectBuilder::new(), |object, field| {
        // No defaults in a PATCH: there an absent field keeps its value.
        let shape = if is_whole { &field.in_request } else { &field.in_response };
        let object = object.property(field.name, shape.clone());
        if is_whole && field.role == FieldRole::Required { object.required(field.name) } else { object }
    });
    object.build()
}

fn closed() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

fn built(object: ObjectBuilder) -> ValueSchema {
    Schema::Object(object.build()).into()
}
