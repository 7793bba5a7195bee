//! Validation rules shared by fields of several entities, with DataStone's messages.

use std::io;

use serde_json::{Map, Value};

use super::FieldError;

/// Maximum JSON size of a user-defined object (device metadata, event payload), bytes: room for hundreds of settings,
/// and small enough that the maximum number of devices of an organization fits into its memory quota.
pub const MAX_OBJECT_BYTES: usize = 64 << 10;

/// Maximum length of a secret, characters.
pub const MAX_SECRET_CHARS: usize = 1000;

/// Checks the length in characters, and that required text is not blank.
pub fn check_text(found: &mut Vec<FieldError>, field: &'static str, text: &str, min: usize, max: usize) {
    if text.contains('\0') {
        found.push(FieldError::new(field, "Null characters are not allowed."));
    } else if text.trim().is_empty() && min > 0 {
        found.push(FieldError::new(field, "This field may not be blank."));
    } else if text.chars().count() > max {
        let message = format!("Ensure this field has no more than {max} characters.");
        found.push(FieldError::new(field, message));
    }
}

/// Checks the size of a user-defined object. One that already exceeded the limit before it was introduced may keep
/// its size, but not grow.
pub fn check_object(
    found: &mut Vec<FieldError>,
    field: &'static str,
    object: &Map<String, Value>,
    stored: Option<&Map<String, Value>>,
) {
    let length = json_bytes(object);
    if stored.is_none_or(|stored| length > json_bytes(stored)) {
        check_object_bytes(found, field, length);
    }
}

/// Checks the length of an object's JSON, bytes.
pub fn check_object_bytes(found: &mut Vec<FieldError>, field: &'static str, length: usize) {
    if length > MAX_OBJECT_BYTES {
        let message =
            format!("Ensure this field has no more than {MAX_OBJECT_BYTES} bytes of JSON (it has {length}).");
        found.push(FieldError::new(field, message));
    }
}

/// Length of an object's JSON in bytes.
pub fn json_bytes(object: &Map<String, Value>) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, object).expect("JSON of texts and numbers always serialises");
    count.0
}

/// Checks that a number is finite and within `min..=max`.
pub fn check_range(found: &mut Vec<FieldError>, field: &'static str, number: f64, min: f64, max: f64) {
    let message = if !number.is_finite() {
        "A valid number is required.".to_owned()
    } else if number < min {
        format!("Ensure this value is greater than or equal to {min}.")
    } else if number > max {
        format!("Ensure this value is less than or equal to {max}.")
    } else {
        return;
    };
    found.push(FieldError::new(field, message));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(bytes: usize) -> Map<String, Value> {
        let text = "x".repeat(bytes - r#"{"a":""}"#.len());
        json!({ "a": text }).as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_object_is_as_long_as_its_json_and_a_longer_one_does_not_grow() {
        let (most, long, longer) =
            (object(MAX_OBJECT_BYTES), object(MAX_OBJECT_BYTES + 1), object(MAX_OBJECT_BYTES + 2));
        assert_eq!(json_bytes(&most), MAX_OBJECT_BYTES);
        let rows = [
            ("as_long_as_it_may_be", &most, None, true),
            ("longer", &long, None, false),
            ("longer_as_it_was", &long, Some(&long), true),
            ("longer_but_less_so", &long, Some(&longer), true),
            ("longer_than_it_was", &longer, Some(&long), false),
            ("short_before", &long, Some(&most), false),
        ];
        for (name, object, stored, is_right) in rows {
            let mut found = Vec::new();
            check_object(&mut found, "metadata", object, stored);
            assert_eq!(found.is_empty(), is_right, "{name}: {found:?}");
            assert!(found.iter().all(|problem| problem.message.contains("65536")), "{name}: {found:?}");
        }
    }
}
