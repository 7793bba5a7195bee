//! Typed fields out of a JSON object, every mistake collected and told at once.
//!
//! Each reader writes to a target that already holds what an absent field means: the default for a create or a
//! replacement, the current value for a partial update. Rules of the nouns themselves are the domain's.

use std::ops::RangeInclusive;
use std::str::FromStr;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::scalar;
use crate::domain::{Error, FieldError, Micros, Result};

/// What an absent required field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// POST and PUT: it is a mistake.
    Whole,
    /// PATCH: it stays as it is.
    Partial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
}

/// The fields of a body not yet taken, and the mistakes found so far. Fields nobody asks for are ignored.
#[derive(Debug, Clone)]
pub struct Fields {
    given: Map<String, Value>,
    mode: Mode,
    wrong: Vec<FieldError>,
    /// What the fields were read out of; as long as it is held, their memory is counted.
    _body: Bytes,
}

impl Fields {
    pub fn new(given: Map<String, Value>, mode: Mode) -> Self {
        Self { given, mode, wrong: Vec::new(), _body: Bytes::new() }
    }

    /// The same, out of this body.
    pub fn holding(self, body: Bytes) -> Self {
        Self { _body: body, ..self }
    }

    /// A string, trimmed.
    pub fn text(&mut self, name: &'static str, need: Need, target: &mut String) {
        self.take(name, need, target, |v| scalar::text(v).map(|text| text.trim().to_owned()));
    }

    /// A string kept to the last blank.
    pub fn secret(&mut self, name: &'static str, target: &mut String) {
        self.take(name, Need::Optional, target, scalar::text);
    }

    /// The same, which must be there and not be blank.
    pub fn required_secret(&mut self, name: &'static str, target: &mut String) {
        self.take(name, Need::Required, target, |v| match scalar::text(v)? {
            text if text.trim().is_empty() => Err("This field may not be blank.".to_owned()),
            text => Ok(text),
        });
    }

    pub fn boolean(&mut self, name: &'static str, target: &mut bool) {
        self.take(name, Need::Optional, target, scalar::boolean);
    }

    pub fn number(&mut self, name: &'static str, target: &mut f64) {
        self.take(name, Need::Optional, target, |v| scalar::number(&v));
    }

    /// A number that must be there.
    pub fn required_number(&mut self, name: &'static str, target: &mut Option<f64>) {
        self.take(name, Need::Required, target, |v| scalar::number(&v).map(Some));
    }

    pub fn number_or_null(&mut self, name: &'static str, target: &mut Option<f64>) {
        self.take_or_null(name, target, |v| scalar::number(&v));
    }

    pub fn integer<T: TryFrom<i128>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i128>,
        target: &mut T,
    ) {
        self.take(name, Need::Optional, target, |v| integer(&v, range));
    }

    pub fn integer_or_null<T: TryFrom<i128>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i128>,
        target: &mut Option<T>,
    ) {
        self.take_or_null(name, target, |v| integer(&v, range));
    }

    /// One of a closed set of words.
    pub fn choice<T: FromStr>(&mut self, name: &'static str, need: Need, target: &mut T) {
        self.take(name, need, target, |v| choice(&v));
    }

    pub fn choice_or_null<T: FromStr>(&mut self, name: &'static str, target: &mut Option<T>) {
        self.take_or_null(name, target, |v| choice(&v));
    }

    /// A list of some of a closed set of words, at least one of them.
    pub fn choices<T: FromStr>(&mut self, name: &'static str, target: &mut Vec<T>) {
        self.take(name, Need::Required, target, |v| {
            let words = scalar::list(v)?;
            if words.is_empty() {
                return Err("This selection may not be empty.".to_owned());
            }
            words.iter().map(choice).collect()
        });
    }

    /// Ids of rows, or null for no list at all; whether there are such rows is for others to say.
    pub fn rows_or_null<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut Option<Vec<T>>) {
        self.take_or_null(name, target, |v| {
            scalar::list(v)?.iter().map(|id| scalar::row_id(id).map(make)).collect()
        });
    }

    pub fn timestamp_or_null(&mut self, name: &'static str, target: &mut Option<Micros>) {
        self.take_or_null(name, target, |v| scalar::timestamp(&v));
    }

    pub fn object(&mut self, name: &'static str, target: &mut Map<String, Value>) {
        self.take(name, Need::Optional, target, scalar::object);
    }

    /// The id of a row that must exist; whether it does is for others to say.
    pub fn row<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut T) {
        if self.given.get(name) == Some(&Value::from("")) {
            self.given.insert(name.to_owned(), Value::Null);
        }
        self.take(name, Need::Required, target, |v| scalar::row_id(&v).map(make));
    }

    pub fn row_or_null<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut Option<T>) {
        if self.given.get(name) == Some(&Value::from("")) {
            self.given.insert(name.to_owned(), Value::Null);
        }
        self.take_or_null(name, target, |v| scalar::row_id(&v).map(make));
    }

    /// The ids of rows, or `None` when absent; the first mistake among them is told.
    pub fn rows<T>(&mut self, name: &'static str, make: fn(i32) -> T) -> Option<Vec<T>> {
        let mut found = None;
        let read = |item| scalar::row_id(&item).map(make);
        self.take(name, Need::Optional, &mut found, |v| list(v, read).map(Some));
        found
    }

    /// A list of strings.
    pub fn texts(&mut self, name: &'static str, target: &mut Vec<String>) {
        self.take(name, Need::Optional, target, |v| list(v, scalar::text));
    }

    /// A string or none.
    pub fn text_or_null(&mut self, name: &'static str, target: &mut Option<String>) {
        self.take_or_null(name, target, scalar::text);
    }

    /// A time, or `None` when absent.
    pub fn timestamp(&mut self, name: &'static str) -> Option<Micros> {
        let mut found = None;
        self.take(name, Need::Optional, &mut found, |v| scalar::timestamp(&v).map(Some));
        found
    }

    /// A time that must be there.
    pub fn required_timestamp(&mut self, name: &'static str, target: &mut Option<Micros>) {
        self.take(name, Need::Required, target, |v| scalar::timestamp(&v).map(Some));
    }

    /// A required value of any type but null, to be judged by the caller; see [`Fields::refuse`].
    pub fn any(&mut self, name: &'static str) -> Option<Value> {
        let mut found = None;
        self.take(name, Need::Required, &mut found, |v| Ok(Some(v)));
        found
    }

    /// Adds a mistake found outside.
    pub fn refuse(&mut self, name: &'static str, message: impl Into<String>) {
        self.wrong.push(FieldError::new(name, message));
    }

    /// Whether a field was given and is sound so far.
    pub fn is_sound(&self, name: &str) -> bool {
        self.wrong.iter().all(|w| w.field != name)
    }

    /// Passes, or fails with all mistakes: those of the fields as written, then those of the whole. A field wrong
    /// as written is not told a second time.
    pub fn finish(mut self, problems_of_whole: Vec<FieldError>) -> Result<()> {
        let new: Vec<_> = problems_of_whole.into_iter().filter(|p| self.is_sound(&p.field)).collect();
        self.wrong.extend(new);
        Error::check(self.wrong)
    }

    fn take<T>(
        &mut self,
        name: &'static str,
        need: Need,
        target: &mut T,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) {
        let result = match self.given.remove(name) {
            None if need == Need::Required && self.mode == Mode::Whole => {
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
            Err(message) => self.refuse(name, message),
        }
    }
}

fn integer<T: TryFrom<i128>>(value: &Value, range: RangeInclusive<i128>) -> Result<T, String> {
    let number = scalar::within(scalar::whole(value)?, range)?;
    T::try_from(number).map_err(|_| scalar::INTEGER.to_owned())
}

fn list<T>(value: Value, read: impl Fn(Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    match value {
        Value::Array(items) => items.into_iter().map(read).collect(),
        other => Err(format!("Expected a list of items but got type \"{}\".", scalar::type_name(&other))),
    }
}

fn choice<T: FromStr>(value: &Value) -> Result<T, String> {
    let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    word.parse().map_err(|_| scalar::not_a_choice(&word))
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
