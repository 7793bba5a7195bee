//! Flattening of a JSON document: each leaf under its dotted path, such as `message.data.temperature` or
//! `relays.0.ison`.

use serde_json::{Map, Number, Value};

use super::sensor::{MessageSensor, SENSOR_OK};
use crate::domain::{Error, Result};

/// Maximum leaves of one document that become values; the document itself is stored whole.
pub const MAX_LEAVES: usize = 256;

/// Characters of a path that is too long that its error shows.
const SHOWN_CHARS: usize = 60;

/// The value of a leaf. Nulls, empty arrays and empty objects are no leaves.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaf {
    /// A number.
    Number(Number),
    /// A truth value; 0 or 1 as a number.
    Bool(bool),
    /// A text, which is stored only where a stream for it exists already.
    Text(String),
}

impl Leaf {
    /// The leaf as a number; `None` for a text.
    pub fn number(&self) -> Option<Number> {
        match self {
            Leaf::Number(number) => Some(number.clone()),
            Leaf::Bool(on) => Some(Number::from(u8::from(*on))),
            Leaf::Text(_) => None,
        }
    }

    /// The leaf as it stands in the document.
    pub fn into_json(self) -> Value {
        match self {
            Leaf::Number(number) => Value::Number(number),
            Leaf::Bool(on) => Value::Bool(on),
            Leaf::Text(text) => Value::String(text),
        }
    }
}

/// Returns the first [`MAX_LEAVES`] leaves of a document that is stored whole, members in the order of their names and
/// elements in theirs.
pub fn flatten(document: &Map<String, Value>) -> Vec<(String, Leaf)> {
    let mut leaves = Vec::new();
    for (name, value) in document {
        add(&mut leaves, name.clone(), value);
    }
    leaves
}

/// Calls `visit` with every leaf of what is stored nowhere else, in the order of [`flatten`]. One path at a time is in
/// memory: a long name with many elements would be many long paths.
///
/// # Errors
/// The first error of `visit`; `Invalid` naming a path of more than `max_chars` characters.
pub fn visit_leaves(
    document: &Map<String, Value>,
    max_chars: usize,
    visit: &mut impl FnMut(&str, Leaf) -> Result<()>,
) -> Result<()> {
    document.iter().try_for_each(|(name, value)| visit_value(name, value, max_chars, visit))
}

/// The parser bounds how deep a document is nested, so this ends.
fn visit_value(
    path: &str,
    value: &Value,
    max_chars: usize,
    visit: &mut impl FnMut(&str, Leaf) -> Result<()>,
) -> Result<()> {
    if path.chars().nth(max_chars).is_some() {
        let shown: String = path.chars().take(SHOWN_CHARS).collect();
        let problem = format!("the path has more than {max_chars} characters");
        return Err(Error::field(format!("{shown}…"), problem));
    }
    let leaf = match value {
        Value::Null => return Ok(()),
        Value::Object(members) => {
            let mut all = members.iter();
            return all.try_for_each(|(name, value)| {
                visit_value(&format!("{path}.{name}"), value, max_chars, visit)
            });
        }
        Value::Array(elements) => {
            let mut all = elements.iter().enumerate();
            return all
                .try_for_each(|(at, value)| visit_value(&format!("{path}.{at}"), value, max_chars, visit));
        }
        Value::Number(number) => Leaf::Number(number.clone()),
        Value::Bool(on) => Leaf::Bool(*on),
        Value::String(text) => Leaf::Text(text.clone()),
    };
    visit(path, leaf)
}

/// The parser bounds how deep a document is nested, so this ends.
fn add(leaves: &mut Vec<(String, Leaf)>, path: String, value: &Value) {
    if leaves.len() >= MAX_LEAVES {
        return;
    }
    let leaf = match value {
        Value::Null => return,
        Value::Object(members) => {
            return members.iter().for_each(|(name, value)| add(leaves, format!("{path}.{name}"), value));
        }
        Value::Array(elements) => {
            let all = elements.iter().enumerate();
            return all.for_each(|(index, value)| add(leaves, format!("{path}.{index}"), value));
        }
        Value::Number(number) => Leaf::Number(number.clone()),
        Value::Bool(on) => Leaf::Bool(*on),
        Value::String(text) => Leaf::Text(text.clone()),
    };
    leaves.push((path, leaf));
}

/// Reads the sensors of a stored document: its leaves, numbered from 1.
pub(super) fn sensors_of_stored(payload: &str) -> Result<Vec<MessageSensor>> {
    let damaged = |e| Error::unavailable("the payload of a stored message is no JSON object").with_source(e);
    let document: Map<String, Value> = serde_json::from_str(payload).map_err(damaged)?;
    let sensor = |(index, (id, leaf)): (u32, (String, Leaf))| {
        let (value, status) = (leaf.number(), SENSOR_OK.to_owned());
        MessageSensor { index, id, status, value, json: leaf.into_json(), unit: None }
    };
    Ok((1..).zip(flatten(&document)).map(sensor).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flat(document: &Value) -> Vec<(String, Value)> {
        let leaf = |(path, leaf): (String, Leaf)| (path, leaf.into_json());
        flatten(document.as_object().unwrap()).into_iter().map(leaf).collect()
    }

    #[test]
    fn leaves_have_dotted_paths() {
        let row = |path: &str, value: Value| (path.to_owned(), value);
        for (document, expected) in [
            (json!({}), vec![]),
            (json!({"a": null, "b": [], "c": {}}), vec![]),
            (json!({"value": 7}), vec![row("value", json!(7))]),
            (
                json!({"message": {"data": {"temperature": 21.5}}, "relays": [{"ison": true}, {"ison": false}]}),
                vec![
                    row("message.data.temperature", json!(21.5)),
                    row("relays.0.ison", json!(true)),
                    row("relays.1.ison", json!(false)),
                ],
            ),
            (json!({"a": [[1, "x"]]}), vec![row("a.0.0", json!(1)), row("a.0.1", json!("x"))]),
        ] {
            assert_eq!(flat(&document), expected, "{document}");
        }
    }

    #[test]
    fn every_leaf_is_visited_and_a_path_that_is_too_long_is_an_error() {
        let document = json!({"a": vec![1; 9000], "b": {"c": "x", "d": null}});
        let mut found = Vec::new();
        let mut visit = |path: &str, leaf: Leaf| {
            found.push((path.to_owned(), leaf.into_json()));
            Ok(())
        };
        visit_leaves(document.as_object().unwrap(), 200, &mut visit).unwrap();
        assert_eq!((found.len(), &found[8999].0), (9001, &"a.8999".to_owned()));
        assert_eq!(found[9000], ("b.c".to_owned(), json!("x")));
        let long = json!({("é".repeat(199)): [1]});
        let error = visit_leaves(long.as_object().unwrap(), 200, &mut |_, _| Ok(())).unwrap_err();
        assert_eq!(error.fields[0].message, "the path has more than 200 characters");
    }

    #[test]
    fn at_most_256_leaves_are_taken() {
        for (count, expected) in [(255, 255), (256, 256), (257, 256), (9000, 256)] {
            let document = json!({"a": vec![1; count], "b": 2});
            let found = flat(&document);
            assert_eq!(found.len(), (expected + usize::from(count == 255)).min(MAX_LEAVES), "{count}");
        }
    }
}
