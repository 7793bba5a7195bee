//! JSON bodies as the vendor's framework reads them: an object or an array, and an object when there is none.

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use serde_json::{Map, Value};

use super::mistakes::malformed_json;
use crate::api::error::InstathingsError;
use crate::api::origin::PeerAddress;
use crate::api::{bearer, payload};

/// Reads the body of an authenticated caller; `limit` is its maximum size, bytes.
///
/// # Errors
/// 400 when it is no JSON object or array; 413, 408, 415 and 503 as the limits of bodies say.
pub async fn read(request: Request, limit: usize) -> Result<Value, InstathingsError> {
    let (parts, body) = request.into_parts();
    let secret = bearer::token(&parts.headers).unwrap_or_default().to_owned();
    parse(&payload::read_json(&parts.headers, body, limit, &secret).await?)
}

/// Reads the body of a client that has no token yet.
///
/// # Errors
/// As [`read`].
pub async fn read_anonymous(
    headers: &HeaderMap,
    body: Body,
    address: Option<PeerAddress>,
) -> Result<Value, InstathingsError> {
    parse(&payload::read_unauthenticated(headers, body, address.map(|peer| peer.0)).await?)
}

fn parse(bytes: &[u8]) -> Result<Value, InstathingsError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(bytes) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
        Ok(_) | Err(_) => Err(malformed_json()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_objects_and_arrays_are_bodies() {
        for (text, expected) in [
            ("", Some(json!({}))),
            (" \n", Some(json!({}))),
            (r#"{"a":1}"#, Some(json!({"a": 1}))),
            ("[1]", Some(json!([1]))),
            ("7", None),
            ("null", None),
            ("{", None),
            ("{} x", None),
        ] {
            assert_eq!(parse(text.as_bytes()).ok(), expected, "{text}");
        }
    }
}
