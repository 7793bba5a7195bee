//! Rules shared by the fields of several nouns, with DataStone's words.

use super::FieldError;

/// Length in characters, and no blank where something is required.
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

/// A finite number within `min..=max`.
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
