//! Reads typed fields from a row of a file. Every mistake is reported with its line, its column and what would be
//! right.
//!
//! Each reader method writes to a target that already holds the default. The rules of devices and streams themselves
//! are in `domain`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::ImportProblem;
use super::raw_rows::{LocatedValue, RawFieldValue, RawRow};
use crate::domain::FieldError;

/// The unread fields of a row, and the mistakes found so far.
pub struct FieldReader {
    row: RawRow,
    /// The whole row with its lines, for mistakes found later.
    taken: RawRow,
    wrong: Vec<(&'static str, ImportProblem)>,
    known: Vec<&'static str>,
}

impl FieldReader {
    pub fn new(row: RawRow) -> Self {
        Self { taken: row.clone(), row, wrong: Vec::new(), known: Vec::new() }
    }

    /// Returns whether a field has no mistake so far.
    pub fn is_sound(&self, name: &str) -> bool {
        self.wrong.iter().all(|(field, _)| *field != name)
    }

    /// Adds a field that is read elsewhere to the names listed for an unknown field.
    pub fn knows(&mut self, name: &'static str) {
        self.known.push(name);
    }

    pub fn require(&mut self, name: &'static str) {
        if !self.row.cells.contains_key(name) {
            self.refuse(name, "This field is required.");
        }
    }

    /// Reads a text, trimmed.
    pub fn text(&mut self, name: &'static str, target: &mut String) {
        self.take(name, target, |text| Ok(text.trim().to_owned()));
    }

    /// Reads a trimmed text or a null; the text `null` is a text like any other.
    pub fn text_or_null(&mut self, name: &'static str, target: &mut Option<String>) {
        if self.row.cells.get(name).is_some_and(|cell| cell.value == RawFieldValue::Null) {
            self.give(name);
            *target = None;
            return;
        }
        self.take(name, target, |text| Ok(Some(text.trim().to_owned())));
    }

    /// Reads a text without trimming; `None` when it is not given.
    pub fn secret(&mut self, name: &'static str, target: &mut Option<String>) {
        self.take(name, target, |text| Ok(Some(text.to_owned())));
    }

    pub fn boolean(&mut self, name: &'static str, target: &mut bool) {
        self.take(name, target, |text| match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("`{other}` is not true or false.")),
        });
    }

    pub fn number(&mut self, name: &'static str, target: &mut f64) {
        self.take(name, target, number);
    }

    pub fn number_or_null(&mut self, name: &'static str, target: &mut Option<f64>) {
        self.take_or_null(name, target, number);
    }

    pub fn integer<T: FromStr + PartialOrd + Display>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
        target: &mut T,
    ) {
        self.take(name, target, |text| integer(text, &range));
    }

    pub fn integer_or_null<T: FromStr + PartialOrd + Display>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
        target: &mut Option<T>,
    ) {
        self.take_or_null(name, target, |text| integer(text, &range));
    }

    /// Reads one of a closed set of words.
    pub fn choice<T: FromStr>(&mut self, name: &'static str, words: &[&str], target: &mut T) {
        self.take(name, target, |text| choice(text, words));
    }

    pub fn choice_or_null<T: FromStr>(&mut self, name: &'static str, words: &[&str], target: &mut Option<T>) {
        self.take_or_null(name, target, |text| choice(text, words));
    }

    /// Reads a map, or a text with a JSON object.
    pub fn object(&mut self, name: &'static str, target: &mut Map<String, Value>) {
        let Some(cell) = self.give(name) else { return };
        let read = match cell.value {
            RawFieldValue::Json(value) => Ok(value),
            RawFieldValue::Text(text) => {
                serde_json::from_str(&text).map_err(|e| format!("this is no JSON: {e}."))
            }
            RawFieldValue::Null => Err("This field may not be null.".to_owned()),
        };
        match read {
            Ok(Value::Object(map)) => *target = map,
            Ok(_) => self.refuse(name, "this is no object such as {\"key\": \"value\"}."),
            Err(message) => self.refuse(name, message),
        }
    }

    pub fn refuse(&mut self, name: &'static str, message: impl Into<String>) {
        self.wrong.push((name, self.taken.problem(name, message)));
    }

    /// Returns every mistake: unknown fields, then those of the whole, then those of single fields. A field with a
    /// mistake of its own is not reported again for the whole.
    pub fn finish(mut self, problems_of_whole: Vec<FieldError>) -> Vec<ImportProblem> {
        let known = self.known.join(", ");
        let strange = self
            .row
            .cells
            .keys()
            .map(|name| self.taken.problem(name, format!("there is no such field: there are {known}.")));
        let mut found: Vec<ImportProblem> = strange.collect();
        let new = problems_of_whole.into_iter().filter(|problem| self.is_sound(&problem.field));
        found.extend(new.map(|problem| self.taken.problem(&problem.field, problem.message)));
        found.extend(self.wrong.drain(..).map(|(_, problem)| problem));
        found
    }

    fn give(&mut self, name: &'static str) -> Option<LocatedValue> {
        self.known.push(name);
        self.row.cells.remove(name)
    }

    fn take<T>(&mut self, name: &'static str, target: &mut T, read: impl FnOnce(&str) -> Result<T, String>) {
        let Some(cell) = self.give(name) else { return };
        let result = match cell.value {
            RawFieldValue::Text(text) => read(&text),
            RawFieldValue::Null => Err("This field may not be null.".to_owned()),
            RawFieldValue::Json(_) => Err("this is a list or a map where one value belongs.".to_owned()),
        };
        self.set(name, target, result);
    }

    fn take_or_null<T>(
        &mut self,
        name: &'static str,
        target: &mut Option<T>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) {
        let is_null = match self.row.cells.get(name).map(|cell| &cell.value) {
            Some(RawFieldValue::Null) => true,
            Some(RawFieldValue::Text(text)) => text.trim() == "null",
            Some(RawFieldValue::Json(_)) | None => false,
        };
        if is_null {
            self.give(name);
            *target = None;
            return;
        }
        let mut found = None;
        self.take(name, &mut found, |text| read(text).map(Some));
        if found.is_some() {
            *target = found;
        }
    }

    fn set<T>(&mut self, name: &'static str, target: &mut T, result: Result<T, String>) {
        match result {
            Ok(value) => *target = value,
            Err(message) => self.refuse(name, message),
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("`{}` is not a number.", text.trim()))
}

fn integer<T: FromStr + PartialOrd + Display>(text: &str, range: &RangeInclusive<T>) -> Result<T, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    let (least, most) = (range.start(), range.end());
    number.ok_or_else(|| format!("`{}` is not a whole number from {least} to {most}.", text.trim()))
}

fn choice<T: FromStr>(text: &str, words: &[&str]) -> Result<T, String> {
    let word = text.trim();
    word.parse().map_err(|_| format!("`{word}` is not one of {}.", words.join(", ")))
}
