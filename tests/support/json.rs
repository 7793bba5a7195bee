//! JSON objects: with other members, and what they must have.

use serde_json::Value;

/// An object with these members in place of its own or beside them.
pub fn with(mut object: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("changes are an object") {
        object[name] = value.clone();
    }
    object
}

/// A member of every row of a list.
#[track_caller]
pub fn column(rows: &Value, name: &str) -> Vec<Value> {
    let rows = rows.as_array().unwrap_or_else(|| panic!("no list: {rows}"));
    rows.iter().map(|row| row[name].clone()).collect()
}

/// Expects these members of a value, which may have others: names, or JSON pointers as `/errors/0/param`. Null is also what
/// is absent.
#[track_caller]
pub fn assert_members(value: &Value, expected: &Value) {
    assert!(has_members(value, expected), "{value}\n  expected {expected}");
}

/// Whether a value has these members, as [`assert_members`] names them.
pub fn has_members(value: &Value, expected: &Value) -> bool {
    let is_there = |(name, expected): (&String, &Value)| match name.starts_with('/') {
        true => value.pointer(name).unwrap_or(&Value::Null) == expected,
        false => value[name] == *expected,
    };
    expected.as_object().expect("an object of what is expected").iter().all(is_there)
}
