//! Reads typed fields out of a JSON object; all errors are collected and reported together.
//!
//! Each reader writes to a target that already holds what an absent field means: the default for a create or a
//! replacement, the current value for a partial update. Rules of the objects themselves belong to the domain.

use std::ops::RangeInclusive;
use std::str::FromStr;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::drf_scalar;
use crate::domain::{Error, FieldError, Micros, Result};

/// What an absent required field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyMode {
    /// POST and PUT: an error.
    Whole,
    /// PATCH: the field keeps its value.
    Partial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
}

/// Fields of a body not yet read, and the errors found so far. Fields that no handler reads are ignored.
#[derive(Debug, Clone)]
pub struct Fields {
    given: Map<String, Value>,
    mode: BodyMode,
    wrong: Vec<FieldError>,
    /// The body of the fields; it holds the memory reservation for as long as they exist.
    _body: Bytes,
}

impl Fields {
    pub fn new(given: Map<String, Value>, mode: BodyMode) -> Self {
        Self { given, mode, wrong: Vec::new(), _body: Bytes::new() }
    }

    /// Attaches the body, so that its memory stays reserved.
    pub fn holding(self, body: Bytes) -> Self {
        Self { _body: body, ..self }
    }

    /// Reads a string and trims it.
    pub fn text(&mut self, name: &'static str, need: Presence, target: &mut String) {
        self.take(name, need, target, |v| drf_scalar::text(v).map(|text| text.trim().to_owned()));
    }

    /// Reads a string without trimming it.
    pub fn secret(&mut self, name: &'static str, target: &mut String) {
        self.take(name, Presence::Optional, target, drf_scalar::text);
    }

    /// Reads a required, non-blank string without trimming it.
    pub fn required_secret(&mut self, name: &'static str, target: &mut String) {
        self.take(name, Presence::Required, target, |v| match drf_scalar::text(v)? {
            text if text.trim().is_empty() => Err("This field may not be blank.".to_owned()),
            text => Ok(text),
        });
    }

    pub fn boolean(&mut self, name: &'static str, target: &mut bool) {
        self.take(name, Presence::Optional, target, drf_scalar::boolean);
    }

    pub fn number(&mut self, name: &'static str, target: &mut f64) {
        self.take(name, Presence::Optional, target, |v| drf_scalar::number(&v));
    }

    /// Reads a required number.
    pub fn required_number(&mut self, name: &'static str, target: &mut Option<f64>) {
        self.take(name, Presence::Required, target, |v| drf_scalar::number(&v).map(Some));
    }

    pub fn number_or_null(&mut self, name: &'static str, target: &mut Option<f64>) {
        self.take_or_null(name, target, |v| drf_scalar::number(&v));
    }

    pub fn integer<T: TryFrom<i128>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i128>,
        target: &mut T,
    ) {
        self.take(name, Presence::Optional, target, |v| integer(&v, range));
    }

    pub fn integer_or_null<T: TryFrom<i128>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i128>,
        target: &mut Option<T>,
    ) {
        self.take_or_null(name, target, |v| integer(&v, range));
    }

    /// Reads one of a closed set of words.
    pub fn choice<T: FromStr>(&mut self, name: &'static str, need: Presence, target: &mut T) {
        self.take(name, need, target, |v| choice(&v));
    }

    pub fn choice_or_null<T: FromStr>(&mut self, name: &'static str, target: &mut Option<T>) {
        self.take_or_null(name, target, |v| choice(&v));
    }

    /// Reads a non-empty list of words of a closed set.
    pub fn choices<T: FromStr>(&mut self, name: &'static str, target: &mut Vec<T>) {
        self.take(name, Presence::Required, target, |v| {
            let words = drf_scalar::list(v)?;
            if words.is_empty() {
                return Err("This selection may not be empty.".to_owned());
            }
            words.iter().map(choice).collect()
        });
    }

    /// Reads row ids, or null for no list; does not check that the rows exist.
    pub fn rows_or_null<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut Option<Vec<T>>) {
        self.take_or_null(name, target, |v| {
            drf_scalar::list(v)?.iter().map(|id| drf_scalar::row_id(id).map(make)).collect()
        });
    }

    pub fn timestamp_or_null(&mut self, name: &'static str, target: &mut Option<Micros>) {
        self.take_or_null(name, target, |v| drf_scalar::timestamp(&v));
    }

    pub fn object(&mut self, name: &'static str, target: &mut Map<String, Value>) {
        self.take(name, Presence::Optional, target, drf_scalar::object);
    }

    /// Reads a required row id; does not check that the row exists.
    pub fn row<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut T) {
        if self.given.get(name) == Some(&Value::from("")) {
            self.given.insert(name.to_owned(), Value::Null);
        }
        self.take(name, Presence::Required, target, |v| drf_scalar::row_id(&v).map(make));
    }

    pub fn row_or_null<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut Option<T>) {
        if self.given.get(name) == Some(&Value::from("")) {
            self.given.insert(name.to_owned(), Value::Null);
        }
        self.take_or_null(name, target, |v| drf_scalar::row_id(&v).map(make));
    }

    /// Reads row ids, or `None` when absent; reports the first error among them.
    pub fn rows<T>(&mut self, name: &'static str, make: fn(i32) -> T) -> Option<Vec<T>> {
        let mut found = None;
        let read = |item| drf_scalar::row_id(&item).map(make);
        self.take(name, Presence::Optional, &mut found, |v| list(v, read).map(Some));
        found
    }

    /// Reads a list of strings.
    pub fn texts(&mut self, name: &'static str, target: &mut Vec<String>) {
        self.take(name, Presence::Optional, target, |v| list(v, drf_scalar::text));
    }

    /// Reads a string or null.
    pub fn text_or_null(&mut self, name: &'static str, target: &mut Option<String>) {
        self.take_or_null(name, target, drf_scalar::text);
    }

    /// Reads a timestamp, or `None` when absent.
    pub fn timestamp(&mut self, name: &'static str) -> Option<Micros> {
        let mut found = None;
        self.take(name, Presence::Optional, &mut found, |v| drf_scalar::timestamp(&v).map(Some));
        found
    }

    /// Reads a required timestamp.
    pub fn required_timestamp(&mut self, name: &'static str, target: &mut Option<Micros>) {
        self.take(name, Presence::Required, target, |v| drf_scalar::timestamp(&v).map(Some));
    }

    /// Reads a required non-null value of any type, which the caller validates; see [`Fields::add_error`].
    pub fn any(&mut self, name: &'static str) -> Option<Value> {
        let mut found = None;
        self.take(name, Presence::Required, &mut found, |v| Ok(Some(v)));
        found
    }

    /// Adds an error found by the caller.
    pub fn add_error(&mut self, name: &'static str, message: impl Into<String>) {
        self.wrong.push(FieldError::new(name, message));
    }

    /// Whether a field was given and has no error so far.
    pub fn is_sound(&self, name: &str) -> bool {
        self.wrong.iter().all(|w| w.field != name)
    }

    /// Fails with all errors, if any: those of single fields first, then `problems_of_whole`. A field that already has
    /// an error is not reported again.
    pub fn finish(mut self, problems_of_whole: Vec<FieldError>) -> Result<()> {
        let new: Vec<_> = problems_of_whole.into_iter().filter(|p| self.is_sound(&p.field)).collect();
        self.wrong.extend(new);
        Error::check(self.wrong)
    }

    fn take<T>(
        &mut self,
        name: &'static str,
        need: Presence,
        target: &mut T,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) {
        let result = match self.given.remove(name) {
            None if need == Presence::Required && self.mode == BodyMode::Whole => {
                Err("This field is required.".into())
            }
            None => return,
            Some(Value::Null) => Err("This field may not be null.".into()),
            Some(value) => read(value),
        };
        self.set(name, target, result);
    }

    fn take_or_null<T>(
        &mut self,
        name: &'static str,
        target: &mut Option<T>,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) {
        let result = match self.given.remove(name) {
            None => return,
            Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some),
        };
        self.set(name, target, result);
    }

    fn set<T>(&mut self, name: &'static str, target: &mut T, result: Result<T, String>) {
        match result {
            Ok(value) => *target = value,
            Err(message) => self.add_error(name, message),
        }
    }
}

fn integer<T: TryFrom<i128>>(value: &Value, range: RangeInclusive<i128>) -> Result<T, String> {
    let number = drf_scalar::within(drf_scalar::whole(value)?, range)?;
    T::try_from(number).map_err(|_| drf_scalar::INTEGER.to_owned())
}

fn list<T>(value: Value, read: impl Fn(Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    match value {
        Value::Array(items) => items.into_iter().map(read).collect(),
        other => Err(format!("Expected a list of items but got type \"{}\".", drf_scalar::type_name(&other))),
    }
}

fn choice<T: FromStr>(value: &Value) -> Result<T, String> {
    let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    word.parse().map_err(|_| drf_scalar::not_a_choice(&word))
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
