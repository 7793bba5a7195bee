//! Reading of the types that only JSON sources have: lists, timestamps, and values of any type.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::drf_scalar;
use super::json_source::JsonObject;
use super::reader::FieldReader;
use super::visitor::Presence;
use crate::domain::{Micros, Result};

impl FieldReader<JsonObject> {
    /// Reads a required, non-blank text without trimming it.
    pub fn required_secret(&mut self, name: &'static str, target: &mut String) {
        self.take(name, Presence::Required, target, |value| match drf_scalar::text(value)? {
            text if text.trim().is_empty() => Err("This field may not be blank.".to_owned()),
            text => Ok(text),
        });
    }

    /// Reads a required number; `None` when it is absent or wrong.
    pub fn required_number(&mut self, name: &'static str) -> Option<f64> {
        let mut found = None;
        self.take(name, Presence::Required, &mut found, |value| drf_scalar::number(&value).map(Some));
        found
    }

    /// Reads a text or null, without trimming it.
    pub fn text_or_null(&mut self, name: &'static str, target: &mut Option<String>) {
        self.take_or_null(name, target, drf_scalar::text);
    }

    /// Reads a list of texts.
    pub fn texts(&mut self, name: &'static str, target: &mut Vec<String>) {
        self.take(name, Presence::Optional, target, |value| list(value, drf_scalar::text));
    }

    /// Reads a non-empty list of words of a closed set.
    pub fn choices<T: FromStr>(&mut self, name: &'static str, target: &mut Vec<T>) {
        self.take(name, Presence::Required, target, |value| {
            let words = drf_scalar::list(value)?;
            if words.is_empty() {
                return Err("This selection may not be empty.".to_owned());
            }
            words.iter().map(drf_scalar::choice).collect()
        });
    }

    /// Reads a list of objects of one shape; reports the first error among them.
    pub fn objects<T: DeserializeOwned>(&mut self, name: &'static str, target: &mut Vec<T>) {
        let read = |item| serde_json::from_value(item).map_err(|e| format!("{e}."));
        self.take(name, Presence::Optional, target, |value| list(value, read));
    }

    /// Reads row ids, or `None` when absent; reports the first error among them.
    pub fn rows<T>(&mut self, name: &'static str, make: fn(i32) -> T) -> Option<Vec<T>> {
        let mut found = None;
        let read = |item| drf_scalar::row_id(&item).map(make);
        self.take(name, Presence::Optional, &mut found, |value| list(value, read).map(Some));
        found
    }

    /// Reads row ids, or null for no list; does not check that the rows exist.
    pub fn rows_or_null<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut Option<Vec<T>>) {
        let read = |item| drf_scalar::row_id(&item).map(make);
        self.take_or_null(name, target, |value| list(value, read));
    }

    /// Reads a timestamp, or `None` when absent.
    pub fn timestamp(&mut self, name: &'static str) -> Option<Micros> {
        let mut found = None;
        self.take(name, Presence::Optional, &mut found, |value| drf_scalar::timestamp(&value).map(Some));
        found
    }

    /// Reads a timestamp or null.
    pub fn timestamp_or_null(&mut self, name: &'static str, target: &mut Option<Micros>) {
        self.take_or_null(name, target, |value| drf_scalar::timestamp(&value));
    }

    /// Reads a required timestamp.
    pub fn required_timestamp(&mut self, name: &'static str, target: &mut Option<Micros>) {
        self.take(name, Presence::Required, target, |value| drf_scalar::timestamp(&value).map(Some));
    }

    /// Reads a required non-null value of any type, which the caller validates; see [`FieldReader::add_error`].
    pub fn any(&mut self, name: &'static str) -> Option<Value> {
        let mut found = None;
        self.take(name, Presence::Required, &mut found, |value| Ok(Some(value)));
        found
    }
}

fn list<T>(value: Value, read: impl Fn(Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    drf_scalar::list(value)?.into_iter().map(read).collect()
}
