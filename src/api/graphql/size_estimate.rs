//! Estimates of the memory of values, bytes: of a request before it is parsed, and of a response while it is built.

use std::collections::HashMap;

use async_graphql::{Name, Request, Value};

/// A value without its text, including its slot in a list with spare capacity.
const SCALAR_BYTES: u64 = 80;
/// An object member without the text of its value: hash, name and slot.
const MEMBER_BYTES: u64 = 130;
/// An object or list without its contents.
const CONTAINER_BYTES: u64 = 200;

/// Containers and values while JSON is converted to the values of a request: both forms exist for a moment.
const READ_CONTAINER_BYTES: usize = 500;
const READ_SCALAR_BYTES: usize = 100;

/// Returns an upper bound of the memory for parsing a JSON body into a request, including the body, bytes. Characters
/// within strings count like all others, because nothing is known of the body yet.
pub fn json_request_bytes(body: &[u8]) -> usize {
    let (mut containers, mut places) = (0_usize, 0_usize);
    for byte in body {
        match byte {
            b'{' | b'[' => containers += 1,
            b',' | b':' => places += 1,
            _ => {}
        }
    }
    2 * body.len() + containers * READ_CONTAINER_BYTES + places * READ_SCALAR_BYTES
}

/// Returns the size of each variable of a request, bytes.
pub fn variable_bytes(request: &Request) -> HashMap<Name, u64> {
    request.variables.iter().map(|(name, value)| (name.clone(), value_bytes(value))).collect()
}

/// Returns the size of a value, bytes.
pub fn value_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => SCALAR_BYTES + text.len() as u64,
        Value::List(items) => CONTAINER_BYTES + items.iter().map(value_bytes).sum::<u64>(),
        Value::Object(members) => {
            let member =
                |(name, value): (&Name, &Value)| MEMBER_BYTES + name.len() as u64 + value_bytes(value);
            CONTAINER_BYTES + members.iter().map(member).sum::<u64>()
        }
        _ => SCALAR_BYTES,
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
            assert!(
                json_request_bytes(body.as_bytes()) as u64 >= value_bytes(&value),
                "{}",
                &body[..20.min(body.len())]
            );
        }
    }

    #[test]
    fn a_value_takes_no_less_than_its_parts() {
        let place = std::mem::size_of::<Value>() as u64;
        assert!(SCALAR_BYTES >= place, "{place} bytes a value");
        assert!(MEMBER_BYTES >= place + 3 * 8 + 32, "hash, name and value, and the name itself");
    }
}
