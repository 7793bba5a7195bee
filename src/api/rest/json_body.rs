//! Deferred JSON body: read only when the handler asks, after permissions and ids have been checked.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::api::error::HttpError;
use crate::api::origin::PeerAddress;
use crate::api::payload;
use crate::app::App;
use crate::app::fields::drf_scalar;
use crate::app::fields::json_source::JsonObject;
use crate::app::fields::reader::{FieldReader, ReadMode};
use crate::domain::{Error, Result, integer};

/// A request body not yet read.
pub struct DeferredJson {
    request: Request,
    limit: usize,
}

impl FromRequest<Arc<App>> for DeferredJson {
    type Rejection = Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(DeferredJson { request, limit: app.settings().body_bytes })
    }
}

impl DeferredJson {
    /// Reads the body as named fields. An empty body is an empty object, whatever its type.
    pub async fn fields(self, mode: ReadMode) -> Result<FieldReader, HttpError> {
        let (parts, body) = self.request.into_parts();
        let bytes = payload::read(&parts.headers, body, self.limit).await?;
        parse_fields(&parts.headers, bytes, mode)
    }

    /// Reads the body of a change: PUT has a whole row, PATCH the fields that change.
    pub async fn change(self) -> Result<FieldReader, HttpError> {
        let is_whole = self.request.method() == Method::PUT;
        self.fields(if is_whole { ReadMode::Whole } else { ReadMode::Partial }).await
    }

    /// Reads the body as an object with any members. An empty body is an empty object, whatever its type.
    pub async fn object(self) -> Result<Map<String, Value>, HttpError> {
        let (parts, body) = self.request.into_parts();
        let bytes = payload::read(&parts.headers, body, self.limit).await?;
        if bytes.is_empty() {
            return Ok(Map::new());
        }
        check_media_type(&parts.headers)?;
        Ok(parse_object(&bytes)?)
    }

    /// Reads the body of an unauthenticated caller, within a small size limit and memory budget.
    pub async fn unauthenticated_fields(self, mode: ReadMode) -> Result<FieldReader, HttpError> {
        let (parts, body) = self.request.into_parts();
        let address = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
        let bytes = payload::read_unauthenticated(&parts.headers, body, address).await?;
        parse_fields(&parts.headers, bytes, mode)
    }
}

fn parse_fields(headers: &HeaderMap, bytes: Bytes, mode: ReadMode) -> Result<FieldReader, HttpError> {
    if bytes.is_empty() {
        return Ok(FieldReader::new(JsonObject::default(), mode));
    }
    check_media_type(headers)?;
    let object = JsonObject::new(parse_object(&bytes)?).holding(bytes);
    Ok(FieldReader::new(object, mode))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), HttpError> {
    let value = headers.get(header::CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()));
    let content_type = value.as_deref().unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(HttpError::UnsupportedMediaType(content_type.to_owned()))
}

/// Parses an object. Nesting beyond serde_json's 128 levels, NaN and numbers beyond f64 are parse errors.
fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>> {
    let parsed = serde_json::from_slice(bytes);
    match parsed.map_err(|e| Error::invalid(format!("JSON parse error - {e}")))? {
        Value::Object(fields) => Ok(with_exact_integers(fields, bytes)),
        other => {
            let message =
                format!("Invalid data. Expected a dictionary, but got {}.", drf_scalar::type_name(&other));
            Err(Error::field("non_field_errors", message))
        }
    }
}

/// Replaces floats by the exact 64-bit integers they were written as, such as `1e18`: from 2^53 on, parsing rounds
/// numbers with a fraction or an exponent. A number that remains a float is not a 64-bit integer.
fn with_exact_integers(mut fields: Map<String, Value>, bytes: &[u8]) -> Map<String, Value> {
    let is_large = |number: f64| number.abs() >= integer::MAX_EXACT_FLOAT;
    let is_rounded = |value: &Value| value.is_f64() && value.as_f64().is_some_and(is_large);
    if !fields.values().any(is_rounded) {
        return fields;
    }
    let written: HashMap<String, &RawValue> = serde_json::from_slice(bytes).unwrap_or_default();
    for (name, value) in fields.iter_mut().filter(|(_, value)| is_rounded(value)) {
        let whole = written.get(name).and_then(|text| integer::parse_decimal_integer(text.get()));
        let exact = whole.and_then(|whole| {
            let positive = u64::try_from(whole).map(Number::from);
            positive.or_else(|_| i64::try_from(whole).map(Number::from)).ok()
        });
        if let Some(exact) = exact {
            *value = Value::Number(exact);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::parse_object;

    #[test]
    fn integers_of_64_bits_are_exact_however_they_are_written() {
        for (text, expected) in [
            ("1e18", "1000000000000000000"),
            ("9007199254740993.0", "9007199254740993"),
            ("-9.223372036854775808e18", "-9223372036854775808"),
            ("18446744073709551615.00", "18446744073709551615"),
            ("1.5", "1.5"),
            ("2.0", "2.0"),
            ("-9223372036854775809", "-9.223372036854776e+18"),
            ("9007199254740993.5", "9007199254740994.0"),
            ("1e300", "1e+300"),
        ] {
            let body = format!("{{\"a\": 1e19, \"value\": 3, \"b\": [1e18], \"value\" : {text} }}");
            let fields = parse_object(body.as_bytes()).unwrap();
            assert_eq!(fields["value"].to_string(), expected, "{text}");
            assert_eq!(fields["a"], 10_000_000_000_000_000_000_u64);
            assert!(fields["b"].as_array().is_some_and(|list| list.iter().all(Value::is_f64)));
        }
    }

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
