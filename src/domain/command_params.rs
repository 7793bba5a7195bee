//! Arguments of a command, as the caller wrote them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::{Error, Result};

/// A JSON object whose text is kept: the order of its members and the spelling of its numbers are the caller's.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct CommandParams(Box<RawValue>);

impl CommandParams {
    /// Reads arguments.
    ///
    /// # Errors
    /// `Invalid` for a text that is no JSON object, or that is nested too deep.
    pub fn parse(text: &str) -> Result<Self> {
        let malformed = |e: serde_json::Error| Error::field("params", "must be a JSON object").with_source(e);
        serde_json::from_str::<Map<String, Value>>(text).map_err(malformed)?;
        RawValue::from_string(text.to_owned()).map(Self).map_err(malformed)
    }

    /// The arguments `members`, and `name` with a value whose text stays as it is.
    ///
    /// # Errors
    /// `Invalid` when the value is nested too deep.
    pub fn with_raw(members: &Map<String, Value>, name: &str, value: &RawValue) -> Result<Self> {
        let encoded = members.iter().map(|(name, value)| Ok((name.as_str(), to_raw_value(value)?)));
        let unwritable =
            |e: serde_json::Error| Error::internal("arguments of a command cannot be written").with_source(e);
        let mut all: BTreeMap<_, _> = encoded.collect::<serde_json::Result<_>>().map_err(unwritable)?;
        all.insert(name, value.to_owned());
        CommandParams::parse(&serde_json::to_string(&all).map_err(unwritable)?)
    }

    /// The members, with numbers as 64-bit ones.
    pub fn members(&self) -> Map<String, Value> {
        serde_json::from_str(self.text()).expect("arguments were read when they were made")
    }

    /// The JSON as it was written.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl Default for CommandParams {
    fn default() -> Self {
        Map::new().into()
    }
}

impl From<Map<String, Value>> for CommandParams {
    fn from(members: Map<String, Value>) -> Self {
        Self(to_raw_value(&members).expect("JSON of texts and numbers always serialises"))
    }
}

impl PartialEq for CommandParams {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_written_stays_as_it_is() {
        let text = r#"{"b": 1e2, "a":12345678901234567890123, "b2":[1.50,-0]}"#;
        let params = CommandParams::parse(text).unwrap();
        assert_eq!((params.text(), serde_json::to_string(&params).unwrap().as_str()), (text, text));
        assert_eq!(params.members()["b"], json!(100.0));
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        let members = json!({"query": {"x": "1"}, "path": "/relay"}).as_object().cloned().unwrap();
        let found = CommandParams::with_raw(&members, "body", &raw).unwrap();
        assert_eq!(found.text(), format!(r#"{{"body":{text},"path":"/relay","query":{{"x":"1"}}}}"#));
    }

    #[test]
    fn only_objects_that_can_be_read_again_are_arguments() {
        let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        for (text, is_right) in [
            ("{}".to_owned(), true),
            (" {\"a\": 1}\n".to_owned(), true),
            (deep(126), true),
            (deep(128), false),
            ("[]".to_owned(), false),
            ("7".to_owned(), false),
            (String::new(), false),
            ("{\"a\":}".to_owned(), false),
        ] {
            assert_eq!(CommandParams::parse(&text).is_ok(), is_right, "{text}");
        }
        assert_eq!(CommandParams::default().text(), "{}");
    }
}
