//! Errors of parameters in queries and bodies, and the numbers in them.

use serde_json::Value;

use crate::domain::Error;
use crate::domain::integer::{MAX_EXACT_FLOAT, exact_integer};

/// The error for a parameter that is missing.
pub fn required(name: &str) -> Error {
    Error::invalid(format!("Parameter {name} is required."))
}

/// The error for a parameter of a wrong type or form.
pub fn malformed(name: &str) -> Error {
    Error::invalid(format!("Parameter {name} has wrong format."))
}

/// The error for too many of something.
pub fn too_many(limit: usize, what: &str) -> Error {
    Error::invalid(format!("Maximum {limit} {what} are allowed."))
}

/// Reads a whole number, which may be written with a fraction of zero or an exponent. One above 64 bits counts as the
/// largest.
pub fn integer(input: &Value) -> Option<i64> {
    if let Some(whole) = input.as_i64() {
        return Some(whole);
    }
    if input.is_u64() {
        return Some(i64::MAX);
    }
    // Of that size itself it may have been rounded when it was parsed.
    input.as_f64().filter(|n| n.abs() < MAX_EXACT_FLOAT).and_then(exact_integer)
}

/// Reads a whole number of 32 bits.
pub fn integer_32(input: &Value) -> Option<i32> {
    integer(input).and_then(|whole| i32::try_from(whole).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_however_they_are_written() {
        let rows = [
            (json!(101), Some(101)),
            (json!(-1), Some(-1)),
            (json!(1.0), Some(1)),
            (json!(1e3), Some(1000)),
            (json!(1.5), None),
            (json!(u64::MAX), Some(i64::MAX)),
            (json!(1e30), None),
            (json!("1"), None),
            (json!(true), None),
            (json!(null), None),
            (json!([1]), None),
        ];
        for (input, expected) in rows {
            assert_eq!(integer(&input), expected, "{input}");
        }
        assert_eq!(integer_32(&json!(2_147_483_647)), Some(i32::MAX));
        assert_eq!(integer_32(&json!(2_147_483_648_i64)), None);
    }
}
