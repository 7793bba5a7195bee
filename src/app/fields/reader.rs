//! Reads typed fields out of a source; all errors are collected and reported together.
//!
//! Each method sets a target that already holds what an absent field means: the default for a create or a
//! replacement, the current value for a partial update. Rules of the objects themselves belong to the domain.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::field_type::FieldType;
use super::json_source::JsonObject;
use super::noun::Noun;
use super::source::{RowReference, Source};
use super::visitor::{FieldVisitor, Presence};
use crate::domain::{Error, FieldError, Result};

/// Message for a missing field.
const REQUIRED: &str = "This field is required.";

/// Message for null in a field that may not be null.
const NULL: &str = "This field may not be null.";

/// Meaning of an absent required field.
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

    /// Reads a field into its target.
    pub fn read<T: FieldType>(
        &mut self,
        name: &'static str,
        need: Presence,
        limits: T::Limits,
        target: &mut T,
    ) {
        let Some(input) = self.take_value(name, need) else { return };
        let result = input.and_then(|value| match T::null() {
            Some(null) if T::means_null::<S>(&value) => Ok(null),
            None if S::is_null(&value) => Err(NULL.to_owned()),
            _ => T::read::<S>(value, limits),
        });
        match result {
            Ok(value) => *target = value,
            Err(message) => {
                let advice = T::advice(&message);
                self.errors.push(FieldError { advice, ..FieldError::new(name, message) });
            }
        }
    }

    /// Reads an optional field, or returns `default` when it is absent or wrong.
    pub fn read_or<T: FieldType>(&mut self, name: &'static str, limits: T::Limits, default: T) -> T {
        let mut value = default;
        self.read(name, Presence::Optional, limits, &mut value);
        value
    }

    /// Reads every field of a noun; absent fields get their defaults.
    pub fn read_new<T: Noun>(&mut self) -> T {
        let mut row = T::blank();
        row.visit_fields(self);
        row
    }

    /// Reads the fields of a change of a stored noun. Absent fields keep their values, or in a whole row get their defaults.
    pub(super) fn read_changed<T: Noun>(&mut self, stored: &T) -> T {
        let mut row = if self.is_whole() { T::blank() } else { stored.clone() };
        row.visit_fields(self);
        row
    }

    /// Whether the fields are a whole row.
    pub(super) fn is_whole(&self) -> bool {
        self.mode == ReadMode::Whole
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

    /// Reads a field with a conversion of the caller's; null is an error.
    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        need: Presence,
        target: &mut T,
        read: impl FnOnce(S::Value) -> Result<T, String>,
    ) {
        let Some(input) = self.take_value(name, need) else { return };
        let result =
            input.and_then(|value| if S::is_null(&value) { Err(NULL.to_owned()) } else { read(value) });
        self.set(name, target, result);
    }

    /// Reads an optional field with a conversion of the caller's, or null.
    pub(super) fn take_or_null<T>(
        &mut self,
        name: &'static str,
        target: &mut Option<T>,
        read: impl FnOnce(S::Value) -> Result<T, String>,
    ) {
        let Some(input) = self.take_value(name, Presence::Optional) else { return };
        let result =
            input.and_then(|value| if S::means_null(&value) { Ok(None) } else { read(value).map(Some) });
        self.set(name, target, result);
    }

    /// Removes the value of a field; `None` when it is absent and may be.
    fn take_value(&mut self, name: &'static str, need: Presence) -> Option<Result<S::Value, String>> {
        let value = self.source.take(name).map(Ok);
        let is_needed = need == Presence::Required && self.is_whole();
        value.or_else(|| is_needed.then(|| Err(REQUIRED.to_owned())))
    }

    fn set<T>(&mut self, name: &'static str, target: &mut T, result: Result<T, String>) {
        match result {
            Ok(value) => *target = value,
            Err(message) => self.add_error(name, message),
        }
    }
}

impl<S: Source> FieldVisitor for FieldReader<S> {
    fn visit<T: FieldType>(&mut self, name: &'static str, need: Presence, limits: T::Limits, value: &mut T) {
        self.read(name, need, limits, value);
    }

    fn visit_secret(&mut self, name: &'static str, _: RangeInclusive<usize>, value: &mut String) {
        self.take(name, Presence::Optional, value, S::text);
    }

    fn visit_row<T: Serialize>(&mut self, name: &'static str, make: fn(i32) -> T, value: &mut T) {
        let result = match self.source.take_row(name) {
            Ok(RowReference::Absent) if self.is_whole() => Err(REQUIRED.to_owned()),
            Ok(RowReference::Absent | RowReference::Named) => return,
            Ok(RowReference::Null) => Err(NULL.to_owned()),
            Ok(RowReference::Id(id)) => Ok(make(id)),
            Err(message) => Err(message),
        };
        self.set(name, value, result);
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
