//! Mistakes in a request, as the vendor's validator lists them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::api::error::InstathingsError;
use crate::domain::{Error, Kind};

/// Message about a value, whatever is wrong with it.
const INVALID: &str = "Invalid value";

/// Place of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    Body,
    Query,
    Params,
    Headers,
}

/// Collects everything that is wrong with a request.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Value>);

impl Mistakes {
    /// Adds a parameter; `value` is what was given, if anything was.
    pub fn add(&mut self, location: Location, param: &str, value: Option<Value>) {
        self.add_message(location, param, value, INVALID);
    }

    fn add_message(&mut self, location: Location, param: &str, value: Option<Value>, message: &str) {
        let mut mistake = json!({"msg": message, "param": param, "location": location});
        if let (Some(value), Some(members)) = (value, mistake.as_object_mut()) {
            members.insert("value".to_owned(), value);
        }
        self.0.push(mistake);
    }

    /// Fails with everything that was added.
    pub fn check(self) -> Result<(), InstathingsError> {
        if self.0.is_empty() { Ok(()) } else { Err(refusal(json!({"errors": self.0}))) }
    }

    /// The error of a single parameter.
    pub fn one(location: Location, param: &str, value: Option<Value>) -> InstathingsError {
        let mut mistakes = Mistakes::default();
        mistakes.add(location, param, value);
        refusal(json!({"errors": mistakes.0}))
    }
}

/// An error with status 400 and this body.
pub fn refusal(body: Value) -> InstathingsError {
    InstathingsError { fault: Error::invalid("the request is not valid").into(), body: Some(Box::new(body)) }
}

/// The error of a body that is no JSON object or array.
pub fn malformed_json() -> InstathingsError {
    refusal(json!({"message": "Unexpected token in JSON"}))
}

/// The error for a body that is larger than its limit, where the vendor's page has no 413.
pub fn entity_too_large() -> InstathingsError {
    refusal(json!({"message": "request entity too large"}))
}

/// Turns what the core says of a body into the vendor's list; other errors stay as they are.
pub fn of_body(error: Error, body: &Value) -> InstathingsError {
    if error.kind != Kind::Invalid || error.fields.is_empty() {
        return error.into();
    }
    let mut mistakes = Mistakes::default();
    for problem in &error.fields {
        let param = match problem.field.as_ref() {
            "parent_device" => "parentDevice",
            "product" => "type",
            field => field,
        };
        mistakes.add_message(Location::Body, param, body.get(param).cloned(), &problem.message);
    }
    InstathingsError { fault: error.into(), body: Some(Box::new(json!({"errors": mistakes.0}))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_the_value_that_was_given() {
        let mut mistakes = Mistakes::default();
        mistakes.add(Location::Query, "page", Some(json!("abc")));
        mistakes.add(Location::Headers, "instathings-path", None);
        let body = mistakes.check().unwrap_err().body.unwrap();
        let expected = json!({"errors": [
            {"value": "abc", "msg": "Invalid value", "param": "page", "location": "query"},
            {"msg": "Invalid value", "param": "instathings-path", "location": "headers"},
        ]});
        assert_eq!(*body, expected);
        assert!(Mistakes::default().check().is_ok());
    }

    #[test]
    fn what_the_core_says_is_listed_under_the_vendors_names() {
        let error = Error::field("parent_device", "A device may not be below itself.");
        let body = of_body(error, &json!({"parentDevice": "x"})).body.unwrap();
        let expected = json!({"errors": [{
            "value": "x", "msg": "A device may not be below itself.", "param": "parentDevice", "location": "body"
        }]});
        assert_eq!(*body, expected);
        assert!(of_body(Error::not_found(), &json!({})).body.is_none());
    }
}
