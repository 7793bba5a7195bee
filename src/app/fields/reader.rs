//! Reads typed fields out of a source; all errors are collected and reported together.
//!
//! Each method sets a target that already holds what an absent field means: the default for a create or a
//! replacement, the current value for a partial update. Rules of the objects themselves belong to the domain.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value};

use super::choice::Choice;
use super::json_source::JsonObject;
use super::source::{RowReference, Source};
use super::visitor::{FieldVisitor, Presence};
use crate::domain::{Error, FieldError, Result};

/// Message for a missing field.
const REQUIRED: &str = "This field is required.";

/// Message for null in a field that may not be null.
const NULL: &str = "This field may not be null.";

/// What an absent required field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// For a new or replaced row: an error.
    Whole,
    /// For a changed row: the field keeps its value.
    Partial,
}

/// The fields of a source that have not been read, and the errors found so far.
#[derive(Debug, Clone)]
pub struct FieldReader<S = JsonObject> {
    source: S,
    mode: ReadMode,
    errors: Vec<FieldError>,
}

impl<S: Source> FieldReader<S> {
    /// Returns a reader of all fields of a source.
    pub fn new(source: S, mode: ReadMode) -> Self {
        Self { source, mode, errors: Vec::new() }
    }

    /// The source, without the values that have been read.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Reads a text and trims it.
    pub fn text(&mut self, name: &'static str, need: Presence, target: &mut String) {
        self.take(name, need, target, |value| S::text(value).map(|text| text.trim().to_owned()));
    }

    /// Reads a text without trimming it.
    pub fn secret(&mut self, name: &'static str, target: &mut String) {
        self.take(name, Presence::Optional, target, S::text);
    }

    /// Reads a boolean.
    pub fn boolean(&mut self, name: &'static str, target: &mut bool) {
        self.take(name, Presence::Optional, target, S::boolean);
    }

    /// Reads a finite number.
    pub fn number(&mut self, name: &'static str, target: &mut f64) {
        self.take(name, Presence::Optional, target, S::number);
    }

    /// Reads a finite number or null.
    pub fn number_or_null(&mut self, name: &'static str, target: &mut Option<f64>) {
        self.take_or_null(name, target, S::number);
    }

    /// Reads a whole number; `range` must lie in its type.
    pub fn integer<T: TryFrom<i64>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        target: &mut T,
    ) {
        self.take(name, Presence::Optional, target, |value| integer::<S, T>(value, range));
    }

    /// Reads a whole number or null; `range` must lie in its type.
    pub fn integer_or_null<T: TryFrom<i64>>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        target: &mut Option<T>,
    ) {
        self.take_or_null(name, target, |value| integer::<S, T>(value, range));
    }

    /// Reads one of a closed set of words.
    pub fn choice<T: Choice>(&mut self, name: &'static str, need: Presence, target: &mut T) {
        self.take(name, need, target, S::choice);
    }

    /// Reads one of a closed set of words, or null.
    pub fn choice_or_null<T: Choice>(&mut self, name: &'static str, target: &mut Option<T>) {
        self.take_or_null(name, target, S::choice);
    }

    /// Reads an object.
    pub fn object(&mut self, name: &'static str, target: &mut Map<String, Value>) {
        self.take(name, Presence::Optional, target, S::object);
    }

    /// Reads a required row id; does not check that the row exists.
    pub fn row<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut T) {
        let result = match self.source.take_row(name) {
            Ok(RowReference::Absent) if self.mode == ReadMode::Whole => Err(REQUIRED.to_owned()),
            Ok(RowReference::Absent | RowReference::Named) => return,
            Ok(RowReference::Null) => Err(NULL.to_owned()),
            Ok(RowReference::Id(id)) => Ok(make(id)),
            Err(message) => Err(message),
        };
        self.set(name, target, result);
    }

    /// Reads a row id or null; does not check that the row exists.
    pub fn row_or_null<T>(&mut self, name: &'static str, make: fn(i32) -> T, target: &mut Option<T>) {
        let result = match self.source.take_row(name) {
            Ok(RowReference::Absent | RowReference::Named) => return,
            Ok(RowReference::Null) => Ok(None),
            Ok(RowReference::Id(id)) => Ok(Some(make(id))),
            Err(message) => Err(message),
        };
        self.set(name, target, result);
    }

    /// Adds an error found by the caller.
    pub fn add_error(&mut self, name: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError::new(name, message));
    }

    /// Whether a field has no error so far.
    pub fn is_sound(&self, name: &str) -> bool {
        self.errors.iter().all(|error| error.field != name)
    }

    /// Fails with all errors, if any: those of single fields first, then `problems_of_whole`. A field that already has
    /// an error is not reported again.
    pub fn finish(self, problems_of_whole: Vec<FieldError>) -> Result<()> {
        Error::check(self.into_errors(problems_of_whole).1)
    }

    /// Returns the source, and the errors that [`FieldReader::finish`] fails with.
    pub fn into_errors(mut self, problems_of_whole: Vec<FieldError>) -> (S, Vec<FieldError>) {
        let new: Vec<_> =
            problems_of_whole.into_iter().filter(|problem| self.is_sound(&problem.field)).collect();
        self.errors.extend(new);
        (self.source, self.errors)
    }

    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        need: Presence,
        target: &mut T,
        read: impl FnOnce(S::Value) -> Result<T, String>,
    ) {
        let result = match self.source.take(name) {
            None if need == Presence::Required && self.mode == ReadMode::Whole => Err(REQUIRED.to_owned()),
            None => return,
            Some(value) if S::is_null(&value) => Err(NULL.to_owned()),
            Some(value) => read(value),
        };
        self.set(name, target, result);
    }

    pub(super) fn take_or_null<T>(
        &mut self,
        name: &'static str,
        target: &mut Option<T>,
        read: impl FnOnce(S::Value) -> Result<T, String>,
    ) {
        let result = match self.source.take(name) {
            None => return,
            Some(value) if S::means_null(&value) => Ok(None),
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

fn integer<S: Source, T: TryFrom<i64>>(value: S::Value, range: RangeInclusive<i64>) -> Result<T, String> {
    let number = S::integer(value, range)?;
    Ok(T::try_from(number).ok().expect("the range of a field lies in its type"))
}

impl<S: Source> FieldVisitor for FieldReader<S> {
    fn visit_text(
        &mut self,
        name: &'static str,
        need: Presence,
        _: RangeInclusive<usize>,
        value: &mut String,
    ) {
        self.text(name, need, value);
    }

    fn visit_secret(&mut self, name: &'static str, value: &mut String) {
        self.secret(name, value);
    }

    fn visit_boolean(&mut self, name: &'static str, value: &mut bool) {
        self.boolean(name, value);
    }

    fn visit_number(&mut self, name: &'static str, _: RangeInclusive<f64>, value: &mut f64) {
        self.number(name, value);
    }

    fn visit_number_or_null(&mut self, name: &'static str, _: RangeInclusive<f64>, value: &mut Option<f64>) {
        self.number_or_null(name, value);
    }

    fn visit_integer<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        value: &mut T,
    ) {
        self.integer(name, range, value);
    }

    fn visit_integer_or_null<T: TryFrom<i64> + Serialize>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        value: &mut Option<T>,
    ) {
        self.integer_or_null(name, range, value);
    }

    fn visit_choice<T: Choice>(&mut self, name: &'static str, need: Presence, value: &mut T) {
        self.choice(name, need, value);
    }

    fn visit_choice_or_null<T: Choice>(&mut self, name: &'static str, value: &mut Option<T>) {
        self.choice_or_null(name, value);
    }

    fn visit_object(&mut self, name: &'static str, value: &mut Map<String, Value>) {
        self.object(name, value);
    }

    fn visit_row<T: Serialize>(&mut self, name: &'static str, make: fn(i32) -> T, value: &mut T) {
        self.row(name, make, value);
    }

    fn visit_row_or_null<T: Serialize>(
        &mut self,
        name: &'static str,
        make: fn(i32) -> T,
        value: &mut Option<T>,
    ) {
        self.row_or_null(name, make, value);
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
