//! Schemas of the fields of a noun, from the list in `app::fields`.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::json;

use super::schema::{self, FieldSchema, ValueSchema, optional, read_only, required, write_only};
use crate::app::fields::field_type::{ANY_NUMBER, FieldShape, FieldType};
use crate::app::fields::noun::Noun;
use crate::app::fields::visitor::{FieldVisitor, Presence};

/// The schemas of the visited fields. Their defaults are the values of the visited row.
struct NounSchema(Vec<FieldSchema>);

/// Returns the schemas of a row: its id, the fields of its noun, and the fields `beside` them.
pub fn noun_fields<T: Noun>(beside: Vec<FieldSchema>) -> Vec<FieldSchema> {
    let mut schema = NounSchema(vec![read_only("id", schema::row_id())]);
    T::blank().visit_fields(&mut schema);
    schema.0.extend(beside);
    schema.0
}

fn value_schema(shape: FieldShape) -> ValueSchema {
    match shape {
        FieldShape::Text(length) => schema::text(*length.start(), *length.end()),
        FieldShape::Number(range) if range == ANY_NUMBER => schema::number(),
        FieldShape::Number(range) => schema::number_within(*range.start(), *range.end()),
        FieldShape::Integer(range) => schema::integer(*range.start(), *range.end()),
        FieldShape::Choice(names) => schema::choice(names),
        FieldShape::Boolean => schema::boolean(),
        FieldShape::Object => schema::map(),
        FieldShape::OrNull(shape) => schema::nullable(value_schema(*shape)),
    }
}

impl FieldVisitor for NounSchema {
    fn visit<T: FieldType>(&mut self, name: &'static str, need: Presence, limits: T::Limits, value: &mut T) {
        let shape = value_schema(T::shape(limits));
        self.0.push(match need {
            Presence::Required => required(name, shape),
            Presence::Optional => optional(name, shape, value.show()),
        });
    }

    fn visit_secret(&mut self, name: &'static str, length: RangeInclusive<usize>, _: &mut String) {
        self.0.push(write_only(name, schema::secret(*length.end())));
    }

    fn visit_row<T: Serialize>(&mut self, name: &'static str, _: fn(i32) -> T, _: &mut T) {
        self.0.push(required(name, schema::row_id()));
    }

    fn visit_row_or_null<T: Serialize>(
        &mut self,
        name: &'static str,
        _: fn(i32) -> T,
        value: &mut Option<T>,
    ) {
        self.0.push(optional(name, schema::nullable(schema::row_id()), json!(value)));
    }
}
