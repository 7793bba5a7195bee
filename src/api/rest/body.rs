//! A JSON object out of a request body, read only when its handler asks: permissions and ids come first.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::fields::{Fields, Mode};
use super::scalar;
use crate::api::error::Fault;
use crate::api::payload;
use crate::app::App;
use crate::domain::{Error, Result};

/// A body not yet read.
pub struct Unread {
    request: Request,
    limit: usize,
}

impl FromRequest<Arc<App>> for Unread {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Unread { request, limit: app.settings().body_bytes })
    }
}

impl Unread {
    /// The body as named fields. An empty body is an empty object, whatever its type.
    pub async fn fields(self, mode: Mode) -> Result<Fields, Fault> {
        let (parts, body) = self.request.into_parts();
        let bytes = payload::read(&parts.headers, body, self.limit).await?;
        if bytes.is_empty() {
            return Ok(Fields::new(Map::new(), mode));
        }
        check_media_type(&parts.headers)?;
        Ok(Fields::new(parse_object(&bytes)?, mode))
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Fault> {
    let value = headers.get(header::CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()));
    let given = value.as_deref().unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Fault::UnsupportedMedia(given.to_owned()))
}

/// Nesting beyond serde_json's 128 levels, NaN and numbers beyond f64 are parse errors.
fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>> {
    let parsed = serde_json::from_slice(bytes);
    match parsed.map_err(|e| Error::invalid(format!("JSON parse error - {e}")))? {
        Value::Object(fields) => Ok(fields),
        other => {
            let message =
                format!("Invalid data. Expected a dictionary, but got {}.", scalar::type_name(&other));
            Err(Error::field("non_field_errors", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_object;

    #[test]
    fn only_objects_are_bodies() {
        let dictionary =
            |got: &str| format!("non_field_errors: Invalid data. Expected a dictionary, but got {got}.");
        let deep = format!("{}{}", "{\"a\":[".repeat(200), "]}".repeat(200));
        let cases: Vec<(&str, String)> = vec![
            ("[1]", dictionary("list")),
            ("\"x\"", dictionary("str")),
            ("1", dictionary("int")),
            ("1.5", dictionary("float")),
            ("true", dictionary("bool")),
            ("null", dictionary("NoneType")),
            ("{", "JSON parse error - ".into()),
            ("{\"a\":NaN}", "JSON parse error - ".into()),
            ("{\"a\":1e999}", "JSON parse error - number out of range".into()),
            ("{\"a\":1} x", "JSON parse error - trailing characters".into()),
            (&deep, "JSON parse error - recursion limit exceeded".into()),
        ];
        for (body, expected) in cases {
            let error = parse_object(body.as_bytes()).unwrap_err();
            assert!(error.message.starts_with(&expected), "{body}: {}", error.message);
        }
        assert!(parse_object(b"{\"a\":\"\xff\"}").unwrap_err().message.starts_with("JSON parse error - "));
        assert_eq!(parse_object(b" {\"a\": 18446744073709551615} ").unwrap()["a"], u64::MAX);
    }
}
