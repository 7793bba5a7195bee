//! A row of an inventory file as a source of fields. Every mistake is reported with its line, its column and what would
//! be right.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::ImportProblem;
use super::import_report::MAX_PROBLEMS;
use super::raw_rows::{RawFieldValue, RawRow};
use crate::app::fields::reader::{FieldReader, ReadMode};
use crate::app::fields::source::{RowReference, Source};
use crate::domain::FieldError;

/// The field that a stream does not have in a file, where it is written below its device.
const PARENT: &str = "device";

/// A row whose values are taken as its fields are read. The fields keep their lines, for mistakes.
pub struct RowSource {
    row: RawRow,
    /// The fields that a row of this noun has, as far as they have been read.
    known: Vec<&'static str>,
    /// Names of other rows, by field.
    references: Vec<(&'static str, String)>,
}

impl RowSource {
    /// Returns a reader of a row. Rows are complete: what they do not give gets its default.
    pub fn reader(row: RawRow) -> FieldReader<RowSource> {
        let source = RowSource { row, known: Vec::new(), references: Vec::new() };
        FieldReader::new(source, ReadMode::Whole)
    }

    /// Returns the name that a field gives of another row.
    pub fn reference(&self, name: &str) -> Option<&str> {
        self.references.iter().find(|(field, _)| *field == name).map(|(_, row)| row.as_str())
    }
}

/// Returns the mistakes, at most [`MAX_PROBLEMS`]: unknown fields, then those of single fields, then
/// `problems_of_whole`. A field with a mistake of its own is not reported again for the whole. `nested` are fields that are read elsewhere.
pub fn finish(
    reader: FieldReader<RowSource>,
    problems_of_whole: Vec<FieldError>,
    nested: &[&'static str],
) -> Vec<ImportProblem> {
    let (source, errors) = reader.into_errors(problems_of_whole);
    let RowSource { row, known, .. } = source;
    let names = || [known.as_slice(), nested].concat().join(", ");
    let mut unknown: Vec<_> = row.cells.keys().filter(|name| !known.contains(&name.as_str())).collect();
    unknown.sort_by_key(|name| (row.line_of(name), *name));
    let unknown = unknown
        .into_iter()
        .map(|name| row.problem(name, format!("there is no such field: there are {}.", names())));
    let wrong = errors.into_iter().map(|error| row.problem(&error.field, error.message));
    // A row can have as many fields as the file has room for, and each mistake names all that there are.
    unknown.chain(wrong).take(MAX_PROBLEMS).collect()
}

impl Source for RowSource {
    type Value = RawFieldValue;

    fn take(&mut self, name: &'static str) -> Option<RawFieldValue> {
        self.known.push(name);
        let cell = self.row.cells.get_mut(name)?;
        Some(std::mem::replace(&mut cell.value, RawFieldValue::Null))
    }

    fn take_row(&mut self, name: &'static str) -> Result<RowReference, String> {
        if name == PARENT {
            return Ok(RowReference::Named);
        }
        match self.take(name) {
            None => Ok(RowReference::Absent),
            Some(RawFieldValue::Null) => Ok(RowReference::Null),
            Some(value) => {
                self.references.push((name, one_value(value)?.trim().to_owned()));
                Ok(RowReference::Named)
            }
        }
    }

    fn is_null(value: &RawFieldValue) -> bool {
        *value == RawFieldValue::Null
    }

    fn means_null(value: &RawFieldValue) -> bool {
        match value {
            RawFieldValue::Null => true,
            RawFieldValue::Text(text) => text.trim() == "null",
            RawFieldValue::Json(_) => false,
        }
    }

    fn text(value: RawFieldValue) -> Result<String, String> {
        one_value(value)
    }

    fn boolean(value: RawFieldValue) -> Result<bool, String> {
        match one_value(value)?.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("`{other}` is not true or false.")),
        }
    }

    fn number(value: RawFieldValue) -> Result<f64, String> {
        let text = one_value(value)?;
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| format!("`{}` is not a number.", text.trim()))
    }

    fn integer(value: RawFieldValue, range: RangeInclusive<i64>) -> Result<i64, String> {
        let text = one_value(value)?;
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| format!("`{}` is not a whole number from {least} to {most}.", text.trim()))
    }

    fn choice<T>(
        value: RawFieldValue,
        names: &[&'static str],
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let text = one_value(value)?;
        let word = text.trim();
        parse(word).ok_or_else(|| format!("`{word}` is not one of {}.", names.join(", ")))
    }

    /// A map, or a text with a JSON object.
    fn object(value: RawFieldValue) -> Result<Map<String, Value>, String> {
        let value = match value {
            RawFieldValue::Json(value) => value,
            text => serde_json::from_str(&one_value(text)?).map_err(|e| format!("this is no JSON: {e}."))?,
        };
        match value {
            Value::Object(map) => Ok(map),
            _ => Err("this is no object such as {\"key\": \"value\"}.".to_owned()),
        }
    }
}

fn one_value(value: RawFieldValue) -> Result<String, String> {
    match value {
        RawFieldValue::Text(text) => Ok(text),
        RawFieldValue::Json(_) => Err("this is a list or a map where one value belongs.".to_owned()),
        RawFieldValue::Null => Err("This field may not be null.".to_owned()),
    }
}
