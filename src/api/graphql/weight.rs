//! What values take in memory, bytes: those of a request before they are there, those of an answer as they are made.

use std::collections::HashMap;

use async_graphql::{Name, Request, Value};

/// A value without its text: its place in a list, which has room for more than it holds.
const PLACE_BYTES: u64 = 80;
/// A member of an object without its value's text: hash, name and place.
const MEMBER_BYTES: u64 = 130;
/// An object or a list without what is in it.
const CONTAINER_BYTES: u64 = 200;

/// The same two while JSON is read and turned into the values of a request: both forms are there for a moment.
const READ_CONTAINER_BYTES: usize = 500;
const READ_PLACE_BYTES: usize = 100;

/// What a body of JSON takes at most while it is read and becomes a request, itself included. What stands in strings is
/// counted like the rest: this is said before anything is known of the body.
pub fn of_json(body: &[u8]) -> usize {
    let (mut containers, mut places) = (0_usize, 0_usize);
    for byte in body {
        match byte {
            b'{' | b'[' => containers += 1,
            b',' | b':' => places += 1,
            _ => {}
        }
    }
    2 * body.len() + containers * READ_CONTAINER_BYTES + places * READ_PLACE_BYTES
}

/// What each variable of a request holds.
pub fn of_variables(request: &Request) -> HashMap<Name, u64> {
    request.variables.iter().map(|(name, value)| (name.clone(), of_value(value))).collect()
}

/// What a value holds.
pub fn of_value(value: &Value) -> u64 {
    match value {
        Value::String(text) => PLACE_BYTES + text.len() as u64,
        Value::List(items) => CONTAINER_BYTES + items.iter().map(of_value).sum::<u64>(),
        Value::Object(members) => {
            let member = |(name, value): (&Name, &Value)| MEMBER_BYTES + name.len() as u64 + of_value(value);
            CONTAINER_BYTES + members.iter().map(member).sum::<u64>()
        }
        _ => PLACE_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_said_to_take_more_than_what_becomes_of_it() {
        let rows = [
            "[]".to_owned(),
            format!("[{}1]", "1,".repeat(1000)),
            format!("[{}[]]", "[],".repeat(1000)),
            format!("[{}{{}}]", r#"{"a":1},"#.repeat(1000)),
            format!(r#"{{"a":"{}"}}"#, "x".repeat(1000)),
            format!("{}{}", "[".repeat(100), "]".repeat(100)),
        ];
        for body in rows {
            let value: Value = serde_json::from_str(&body).expect("JSON");
            assert!(of_json(body.as_bytes()) as u64 >= of_value(&value), "{}", &body[..20.min(body.len())]);
        }
    }

    #[test]
    fn a_value_takes_no_less_than_its_parts() {
        let place = std::mem::size_of::<Value>() as u64;
        assert!(PLACE_BYTES >= place, "{place} bytes a value");
        assert!(MEMBER_BYTES >= place + 3 * 8 + 32, "hash, name and value, and the name itself");
    }
}
