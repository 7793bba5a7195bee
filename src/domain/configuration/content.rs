//! Rules of an inline content: it has values for writable fields of the profile, and every mistake is reported.

use serde_json::{Map, Value};

use crate::domain::FieldError;
use crate::domain::document::{ProfileField, ValueType};

/// Maximum length of a text, characters: as long as the text of a reading.
pub const MAX_TEXT_CHARS: usize = 1000;
/// Maximum number of mistakes that are told at once.
pub const MAX_PROBLEMS: usize = 100;

/// The fields of a profile, as far as a content is concerned.
#[derive(Debug, Clone, Copy)]
pub enum ContentFields<'a> {
    /// Of a sensor profile: those marked as writable may be set.
    Sensor(&'a [ProfileField]),
    /// Of a device profile, which lists only fields that may be set.
    Device(&'a [ProfileField]),
}

/// Returns what is wrong with a content, at most 100 mistakes, each with the dotted name of the member. Fields that the
/// content leaves out keep their values on the device, so none is required.
pub fn content_problems(content: &Map<String, Value>, fields: ContentFields<'_>) -> Vec<FieldError> {
    let (fields, are_all_writable) = match fields {
        ContentFields::Sensor(fields) => (fields, false),
        ContentFields::Device(fields) => (fields, true),
    };
    let mut found = Vec::new();
    for (name, value) in content {
        match fields.iter().find(|field| field.name == *name) {
            None => add(&mut found, name, "is not a field of the profile"),
            Some(field) if !field.writable && !are_all_writable => add(&mut found, name, "is not writable"),
            Some(field) => check_field(&mut found, field, value),
        }
        if found.len() >= MAX_PROBLEMS {
            break;
        }
    }
    found.truncate(MAX_PROBLEMS);
    found
}

fn add(found: &mut Vec<FieldError>, path: &str, message: impl Into<String>) {
    found.push(FieldError::new(format!("content.{path}"), message));
}

fn check_field(found: &mut Vec<FieldError>, field: &ProfileField, value: &Value) {
    let Some(size) = field.array_size else { return check_value(found, &field.name, field, value) };
    let Some(items) = value.as_array() else {
        return add(found, &field.name, format!("must be an array of {size} elements"));
    };
    if u32::try_from(items.len()) != Ok(size) {
        add(found, &field.name, format!("must have {size} elements (it has {})", items.len()));
        return;
    }
    for (index, item) in items.iter().enumerate() {
        if found.len() >= MAX_PROBLEMS {
            return;
        }
        check_value(found, &format!("{}[{index}]", field.name), field, item);
    }
}

fn check_value(found: &mut Vec<FieldError>, path: &str, field: &ProfileField, value: &Value) {
    let wrong = |expected: &str| Some(format!("must be {expected}"));
    let problem = match field.value_type {
        ValueType::Double => match value.as_f64() {
            Some(number) => range_problem(field, number),
            None => wrong("a number"),
        },
        ValueType::Bigint => match value.as_i64() {
            // Bounds are 64-bit floats, so a number beyond 2^53 is compared as the nearest of them.
            Some(number) => range_problem(field, number as f64),
            None => wrong("a whole number of 64 bits"),
        },
        ValueType::Boolean => (!value.is_boolean()).then(|| "must be true or false".to_owned()),
        ValueType::Text => match value.as_str() {
            Some(text) if text.chars().count() > MAX_TEXT_CHARS => {
                Some(format!("size must be between 0 and {MAX_TEXT_CHARS}"))
            }
            Some(_) => None,
            None => wrong("a text"),
        },
    };
    if let Some(problem) = problem {
        add(found, path, problem);
    }
}

fn range_problem(field: &ProfileField, number: f64) -> Option<String> {
    match (field.min, field.max) {
        (Some(min), _) if number < min => Some(format!("must be greater than or equal to {min}")),
        (_, Some(max)) if number > max => Some(format!("must be less than or equal to {max}")),
        _ => None,
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
