//! Requests as clients send them: one operation or a batch as JSON, or one operation as query parameters. All transports
//! read operations from here.

use async_graphql::{Request, Variables};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::{Error, Result};

/// Request body of one operation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphqlRequest {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default, rename = "extensions")]
    _extensions: Option<Map<String, Value>>,
}

/// A single operation or a batch.
#[derive(Debug)]
pub enum RequestBody {
    /// One operation.
    Single(GraphqlRequest),
    /// Operations that are answered together, in order.
    Batch(Vec<GraphqlRequest>),
}

impl From<GraphqlRequest> for Request {
    fn from(operation: GraphqlRequest) -> Self {
        let variables = Value::Object(operation.variables.unwrap_or_default());
        let request = Request::new(operation.query).variables(Variables::from_json(variables));
        match operation.operation_name {
            Some(name) => request.operation_name(name),
            None => request,
        }
    }
}

impl RequestBody {
    /// Parses a JSON body; `batch` is the maximum number of operations.
    ///
    /// # Errors
    /// `Invalid` if the body is not a request, or is an empty or too long list.
    pub fn parse(bytes: &[u8], batch: usize) -> Result<Self> {
        let unreadable = |e: serde_json::Error| {
            Error::invalid(format!("the body is not {{\"query\", \"variables\", …}}: {e}"))
        };
        let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if !is_list {
            return serde_json::from_slice(bytes).map(RequestBody::Single).map_err(unreadable);
        }
        let many: Vec<GraphqlRequest> = serde_json::from_slice(bytes).map_err(unreadable)?;
        match many.len() {
            0 => Err(Error::invalid("the list has no operation")),
            count if count > batch => {
                Err(Error::invalid(format!("the request has {count} operations; at most {batch}")))
            }
            _ => Ok(RequestBody::Batch(many)),
        }
    }
}

impl GraphqlRequest {
    /// Parses the query parameters of a `GET` request.
    ///
    /// # Errors
    /// `Invalid` if `query` is missing, or if `variables` or `extensions` is not a JSON object.
    pub fn parse_query(raw: &str) -> Result<Self> {
        let mut fields: Map<String, Value> = Map::new();
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            let value = match name.as_ref() {
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|e| Error::field(name.clone().into_owned(), format!("is not JSON: {e}")))?,
                _ => Value::from(value.into_owned()),
            };
            fields.insert(name.into_owned(), value);
        }
        if !fields.contains_key("query") {
            return Err(Error::field("query", "is missing; for the interactive editor open /graphiql/"));
        }
        serde_json::from_value(Value::Object(fields))
            .map_err(|e| Error::invalid(format!("invalid query parameters: {e}")))
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
