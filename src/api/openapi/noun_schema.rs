//! Schemas of the fields of a noun, from the list in `app::fields`.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::schema::{self, FieldSchema, ValueSchema, optional, required, write_only};
use crate::app::fields::choice::Choice;
use crate::app::fields::visitor::{ANY_NUMBER, FieldVisitor, Presence};

/// The schemas of the visited fields. Their defaults are the values of the visited row.
pub struct NounSchema(Vec<FieldSchema>);

/// Returns the schemas of the fields that a list visits in a row of defaults.
pub fn noun_fields(visit: impl FnOnce(&mut NounSchema)) -> Vec<FieldSchema> {
    let mut fields = NounSchema(Vec::new());
    visit(&mut fields);
    fields.0
}

impl NounSchema {
    fn push(&mut self, name: &'static str, need: Presence, shape: ValueSchema, default: impl Into<Value>) {
        self.0.push(match need {
            Presence::Required => required(name, shape),
            Presence::Optional => optional(name, shape, default),
        });
    }
}

fn number(range: RangeInclusive<f64>) -> ValueSchema {
    let (least, most) = (*range.start(), *range.end());
    if range == ANY_NUMBER { schema::number() } else { schema::number_within(least, most) }
}

fn integer(range: RangeInclusive<i64>) -> ValueSchema {
    schema::integer(*range.start(), *range.end())
}

impl FieldVisitor for NounSchema {
    fn visit_text(
        &mut self,
        name: &'static str,
        need: Presence,
        length: RangeInclusive<usize>,
        value: &mut String,
    ) {
        self.push(name, need, schema::text(*length.start(), *length.end()), value.as_str());
    }

    fn visit_secret(&mut self, name: &'static str, _: &mut String) {
        self.0.push(write_only(name, schema::secret()));
    }

    fn visit_boolean(&mut self, name: &'static str, value: &mut bool) {
        self.push(name, Presence::Optional, schema::boolean(), *value);
    }

    fn visit_number(&mut self, name: &'static str, range: RangeInclusive<f64>, value: &mut f64) {
        self.push(name, Presence::Optional, number(range), *value);
    }

    fn visit_number_or_null(
        &mut self,
        name: &'static str,
        range: RangeInclusive<f64>,
        value: &mut Option<f64>,
    ) {
        self.push(name, Presence::Optional, schema::nullable(number(range)), *value);
    }

    fn visit_integer<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        value: &mut T,
    ) {
        self.push(name, Presence::Optional, integer(range), json!(value));
    }

    fn visit_integer_or_null<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        value: &mut Option<T>,
    ) {
        self.push(name, Presence::Optional, schema::nullable(integer(range)), json!(value));
    }

    fn visit_choice<T: Choice>(&mut self, name: &'static str, need: Presence, value: &mut T) {
        self.push(name, need, schema::choice(T::names()), value.name());
    }

    fn visit_choice_or_null<T: Choice>(&mut self, name: &'static str, value: &mut Option<T>) {
        let default = value.as_ref().map(Choice::name);
        self.push(name, Presence::Optional, schema::nullable(schema::choice(T::names())), default);
    }

    fn visit_object(&mut self, name: &'static str, value: &mut Map<String, Value>) {
        self.push(name, Presence::Optional, schema::map(), value.clone());
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
        self.push(name, Presence::Optional, schema::nullable(schema::row_id()), json!(value));
    }
}
