//! Rules that documents share, with the messages of the MK platform.

use serde_json::{Map, Value};

use crate::domain::FieldError;
use crate::domain::validation::json_bytes;

/// Most characters of a name or key.
pub const MAX_NAME: usize = 255;
/// Most characters of a description or note.
pub const MAX_TEXT: usize = 4000;
/// Most bytes of the JSON of metadata.
pub const MAX_METADATA_BYTES: usize = 16 << 10;
/// Most tags of a row.
pub const MAX_TAGS: usize = 50;

/// Checks a text that must be there.
pub fn check_required(found: &mut Vec<FieldError>, field: &str, text: &str, most: usize) {
    if text.trim().is_empty() {
        found.push(FieldError::new(field.to_owned(), "must not be blank"));
    } else {
        check_length(found, field, text, 1, most);
    }
}

/// Checks a text that may be empty.
pub fn check_optional(found: &mut Vec<FieldError>, field: &str, text: &str, most: usize) {
    check_length(found, field, text, 0, most);
}

fn check_length(found: &mut Vec<FieldError>, field: &str, text: &str, least: usize, most: usize) {
    if text.contains('\0') {
        found.push(FieldError::new(field.to_owned(), "must not contain null characters"));
    } else if text.chars().count() > most {
        found.push(FieldError::new(field.to_owned(), format!("size must be between {least} and {most}")));
    }
}

/// Checks a key: letters, digits, `_`, `-` and the characters of `more`.
pub fn check_key(found: &mut Vec<FieldError>, field: &str, key: &str, most: usize, more: &str) {
    let before = found.len();
    check_required(found, field, key, most);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || more.contains(c);
    if found.len() == before && !key.chars().all(is_plain) {
        let shown: String = more.chars().map(|c| format!(" {c}")).collect();
        let message = format!("must consist of letters, digits and the characters _ -{shown}");
        found.push(FieldError::new(field.to_owned(), message));
    }
}

/// Checks tags: at most 50, each of 1 to 255 characters and none twice.
pub fn check_tags(found: &mut Vec<FieldError>, tags: &[String]) {
    if tags.len() > MAX_TAGS {
        found.push(FieldError::new("tags", format!("size must be between 0 and {MAX_TAGS}")));
        return;
    }
    for (index, tag) in tags.iter().enumerate() {
        check_required(found, &format!("tags[{index}]"), tag, MAX_NAME);
        if tags[..index].contains(tag) {
            found.push(FieldError::new(format!("tags[{index}]"), "must be unique"));
        }
    }
}

/// Checks the size of metadata.
pub fn check_metadata(found: &mut Vec<FieldError>, metadata: &Map<String, Value>) {
    if json_bytes(metadata) > MAX_METADATA_BYTES {
        let message = format!("must have at most {MAX_METADATA_BYTES} bytes of JSON");
        found.push(FieldError::new("metadata", message));
    }
}
