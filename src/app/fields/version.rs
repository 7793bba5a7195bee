//! The version for which a change is meant, beside the fields of a row: whoever changes a row that somebody else has
//! changed meanwhile is told so.

use super::reader::FieldReader;

/// Reads `version`; without it the change is made whatever version the row has.
pub fn read_version(fields: &mut FieldReader) -> Option<i32> {
    fields.read_or("version", 1..=i64::from(i32::MAX), None)
}
