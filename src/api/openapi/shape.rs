//! What values look like: the vocabulary in which bodies and answers are described, and the fields of a noun, from which
//! what is sent and what is shown are both made.

use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, SchemaType, Type,
};
use utoipa::openapi::{Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat};

/// A description of a value.
pub type Shape = RefOr<Schema>;

/// The largest row id.
const LAST_ID: i64 = i32::MAX as i64;

/// Text of so many characters.
pub fn text(least: usize, most: usize) -> Shape {
    let least = (least > 0).then_some(least);
    built(ObjectBuilder::new().schema_type(Type::String).min_length(least).max_length(Some(most)))
}

/// Text of any length.
pub fn words() -> Shape {
    built(ObjectBuilder::new().schema_type(Type::String))
}

/// Text that matches.
pub fn pattern(pattern: &str) -> Shape {
    built(ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)))
}

/// Text that belongs to nobody's screen.
pub fn secret() -> Shape {
    let format = SchemaFormat::KnownFormat(KnownFormat::Password);
    built(ObjectBuilder::new().schema_type(Type::String).format(Some(format)).max_length(Some(1000)))
}

/// The bytes of a file.
pub fn file() -> Shape {
    let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
    built(ObjectBuilder::new().schema_type(Type::String).format(Some(format)))
}

pub fn boolean() -> Shape {
    built(ObjectBuilder::new().schema_type(Type::Boolean))
}

pub fn integer(least: i64, most: i64) -> Shape {
    let bounded = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most));
    built(bounded)
}

/// A whole number from zero on.
pub fn count() -> Shape {
    built(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)))
}

pub fn number() -> Shape {
    built(ObjectBuilder::new().schema_type(Type::Number))
}

pub fn number_within(least: f64, most: f64) -> Shape {
    built(ObjectBuilder::new().schema_type(Type::Number).minimum(Some(least)).maximum(Some(most)))
}

/// The id of a row.
pub fn row() -> Shape {
    integer(1, LAST_ID)
}

/// The id of a value or of a statistic.
pub fn reading_id() -> Shape {
    pattern("^[0-9]+-[0-9]+$")
}

/// A time as it is shown.
pub fn time() -> Shape {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    built(ObjectBuilder::new().schema_type(Type::String).format(Some(format)))
}

/// A time as it may be sent: ISO-8601 or epoch seconds, these as a number or as text.
pub fn time_given() -> Shape {
    any_of([time(), number_within(0.0, 9_000_000_000.0), pattern("^[0-9]{1,10}(\\.[0-9]{1,6})?$")])
}

/// One of a closed set of words.
pub fn choice<S: Into<Value>>(names: impl IntoIterator<Item = S>) -> Shape {
    built(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)))
}

/// An object with whatever in it.
pub fn map() -> Shape {
    built(ObjectBuilder::new().schema_type(Type::Object))
}

pub fn anything() -> Shape {
    built(ObjectBuilder::new().schema_type(SchemaType::AnyValue))
}

pub fn list(of: Shape) -> Shape {
    Schema::Array(ArrayBuilder::new().items(of).build()).into()
}

/// A schema by its name among the components.
pub fn named(name: &str) -> Shape {
    Ref::from_schema_name(name).into()
}

pub fn any_of(shapes: impl IntoIterator<Item = Shape>) -> Shape {
    Schema::AnyOf(shapes.into_iter().fold(AnyOfBuilder::new(), AnyOfBuilder::item).build()).into()
}

/// The same or null.
pub fn or_null(shape: Shape) -> Shape {
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

/// What holds for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Shown, never read.
    Shown,
    /// Has to be sent with POST and PUT.
    Required,
    Optional,
    /// Sent, never shown.
    Kept,
}

/// A field of a noun.
#[derive(Clone)]
pub struct Field {
    name: &'static str,
    role: Role,
    /// Where what may be sent differs from what is shown, this is what is shown.
    shown: Shape,
    sent: Shape,
}

/// A field that answers show and bodies do not have.
pub fn shown(name: &'static str, shape: Shape) -> Field {
    Field { name, role: Role::Shown, shown: shape.clone(), sent: shape }
}

/// A field that a new row needs.
pub fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, role: Role::Required, shown: shape.clone(), sent: shape }
}

/// A field that has a default.
pub fn optional(name: &'static str, shape: Shape, default: impl Into<Value>) -> Field {
    let mut sent = shape.clone();
    match &mut sent {
        RefOr::T(Schema::Object(object)) => object.default = Some(default.into()),
        RefOr::T(Schema::Array(array)) => array.default = Some(default.into()),
        RefOr::T(Schema::AnyOf(any)) => any.default = Some(default.into()),
        _ => {}
    }
    Field { name, role: Role::Optional, shown: shape, sent }
}

/// A field that may be left out, with a meaning of its own.
pub fn possible(name: &'static str, shape: Shape) -> Field {
    Field { name, role: Role::Optional, shown: shape.clone(), sent: shape }
}

/// A field that is sent and never shown.
pub fn kept(name: &'static str, shape: Shape) -> Field {
    Field { name, role: Role::Kept, shown: shape.clone(), sent: shape }
}

impl Field {
    /// Says how an answer shows it, where that is not how it is sent.
    pub fn shown_as(mut self, shape: Shape) -> Field {
        self.shown = shape;
        self
    }
}

/// The object that an answer shows: every field of it, and no other.
pub fn view(fields: &[Field]) -> Schema {
    let shown = fields.iter().filter(|field| field.role != Role::Kept);
    let object = shown.fold(closed(), |object, field| {
        object.property(field.name, field.shown.clone()).required(field.name)
    });
    Schema::Object(object.build())
}

/// The body of a POST or PUT. Fields it does not know are ignored.
pub fn body(fields: &[Field]) -> Schema {
    Schema::Object(sent(fields, true))
}

/// The body of a PATCH: any of the fields.
pub fn patch(fields: &[Field]) -> Schema {
    Schema::Object(sent(fields, false))
}

/// An object of these fields, those among them that are required always there.
pub fn answer(fields: &[Field]) -> Schema {
    let object = fields.iter().fold(closed(), |object, field| {
        let object = object.property(field.name, field.shown.clone());
        if field.role == Role::Required { object.required(field.name) } else { object }
    });
    Schema::Object(object.build())
}

fn sent(fields: &[Field], is_whole: bool) -> Object {
    let sent = fields.iter().filter(|field| field.role != Role::Shown);
    let object = sent.fold(ObjectBuilder::new(), |object, field| {
        // A default says what an absent field means; in a PATCH it means: as it is.
        let shape = if is_whole { &field.sent } else { &field.shown };
        let object = object.property(field.name, shape.clone());
        if is_whole && field.role == Role::Required { object.required(field.name) } else { object }
    });
    object.build()
}

fn closed() -> ObjectBuilder {
    ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

fn built(object: ObjectBuilder) -> Shape {
    Schema::Object(object.build()).into()
}
