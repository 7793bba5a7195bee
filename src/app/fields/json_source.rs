//! JSON objects as a source: bodies of REST, and inputs of GraphQL mutations. Leniency and messages are those of
//! Django REST framework.

use std::ops::RangeInclusive;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::drf_scalar;
use super::source::{RowReference, Source};

/// The members of an object that have not been read. Members that nobody reads are ignored.
#[derive(Debug, Clone, Default)]
pub struct JsonObject {
    members: Map<String, Value>,
    /// The body of the object; it holds the memory reservation for as long as the members exist.
    _body: Bytes,
}

impl JsonObject {
    /// A source of these members.
    pub fn new(members: Map<String, Value>) -> Self {
        Self { members, _body: Bytes::new() }
    }

    /// Attaches the body, so that its memory stays reserved.
    pub fn holding(self, body: Bytes) -> Self {
        Self { _body: body, ..self }
    }
}

impl Source for JsonObject {
    type Value = Value;

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.members.remove(name)
    }

    /// An empty text is null, as in a form.
    fn take_row(&mut self, name: &'static str) -> Result<RowReference, String> {
        match self.members.remove(name) {
            None => Ok(RowReference::Absent),
            Some(Value::Null) => Ok(RowReference::Null),
            Some(Value::String(text)) if text.is_empty() => Ok(RowReference::Null),
            Some(value) => drf_scalar::row_id(&value).map(RowReference::Id),
        }
    }

    fn is_null(value: &Value) -> bool {
        value.is_null()
    }

    fn text(value: Value) -> Result<String, String> {
        drf_scalar::text(value)
    }

    fn boolean(value: Value) -> Result<bool, String> {
        drf_scalar::boolean(value)
    }

    fn number(value: Value) -> Result<f64, String> {
        drf_scalar::number(&value)
    }

    fn integer(value: Value, range: RangeInclusive<i64>) -> Result<i64, String> {
        let (least, most) = range.into_inner();
        let number = drf_scalar::within(drf_scalar::whole(&value)?, least.into()..=most.into())?;
        i64::try_from(number).map_err(|_| drf_scalar::INTEGER.to_owned())
    }

    fn choice<T>(value: Value, _: &[&'static str], parse: fn(&str) -> Option<T>) -> Result<T, String> {
        drf_scalar::choice_by(&value, parse)
    }

    fn object(value: Value) -> Result<Map<String, Value>, String> {
        drf_scalar::object(value)
    }
}
