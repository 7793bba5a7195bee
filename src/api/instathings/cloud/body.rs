//! JSON bodies as the vendor's framework reads them: an object or an array, and an object when there is none.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::mistakes::{entity_too_large, malformed_json};
use crate::api::error::{HttpError, InstathingsError};
use crate::api::origin::PeerAddress;
use crate::api::{bearer, payload};
use crate::domain::validation::MAX_OBJECT_BYTES;
use crate::domain::{Error, Kind};

/// Reads the body of an authenticated caller; `limit` is its maximum size, bytes.
///
/// # Errors
/// 400 when it is no JSON object or array; 413, 408, 415 and 503 as the limits of bodies say.
pub async fn read(request: Request, limit: usize) -> Result<Value, InstathingsError> {
    parse(&read_bytes(request, limit).await?)
}

/// Reads a body that is passed on: its text stays as it is. A form is an object of its fields.
///
/// # Errors
/// The errors of [`read`]; 413 for a form that is larger than any command.
pub async fn read_raw(request: Request, limit: usize) -> Result<Box<RawValue>, InstathingsError> {
    let is_form = is_form(request.headers());
    let bytes = read_bytes(request, limit).await?;
    if !is_form {
        return raw_json(&bytes);
    }
    // Three bytes of a form are at least one of the arguments.
    if bytes.len() > 3 * MAX_OBJECT_BYTES {
        return Err(Error::too_large("the form is too large for a command").into());
    }
    raw_form(&bytes)
}

async fn read_bytes(request: Request, limit: usize) -> Result<Bytes, InstathingsError> {
    let (parts, body) = request.into_parts();
    let secret = bearer::token(&parts.headers).unwrap_or_default().to_owned();
    Ok(payload::read_json(&parts.headers, body, limit, &secret).await?)
}

fn is_form(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let name = media.and_then(|media| media.split(';').next()).unwrap_or_default();
    name.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn raw_json(bytes: &[u8]) -> Result<Box<RawValue>, InstathingsError> {
    let is_empty = bytes.trim_ascii().is_empty();
    parse(bytes)?;
    serde_json::from_slice(if is_empty { b"{}" } else { bytes }).map_err(|_| malformed_json())
}

fn raw_form(bytes: &[u8]) -> Result<Box<RawValue>, InstathingsError> {
    to_raw_value(&form_members(bytes)).map_err(|_| malformed_json())
}

/// The fields of a form or a query as the vendor's framework has them: a repeated one is a list.
pub fn form_members(text: &[u8]) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        let value = Value::from(value.into_owned());
        match members.get_mut(&*name) {
            None => {
                members.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    members
}

/// Reads the body of a client that has no token yet.
///
/// # Errors
/// 400 when it is no JSON object or array, or too large; 408, 415 and 503 as the limits of bodies say.
pub async fn read_anonymous(
    headers: &HeaderMap,
    body: Body,
    address: Option<PeerAddress>,
) -> Result<Value, InstathingsError> {
    let read = payload::read_unauthenticated(headers, body, address.map(|peer| peer.0)).await;
    parse(&read.map_err(|fault| match fault {
        HttpError::Domain(error) if error.kind == Kind::TooLarge => entity_too_large(),
        fault => fault.into(),
    })?)
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
            assert_eq!(raw_json(text.as_bytes()).is_ok(), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_passed_on_keeps_its_text() {
        for (text, expected) in [
            (r#"{"b":1e2,"a":12345678901234567890123}"#, r#"{"b":1e2,"a":12345678901234567890123}"#),
            (" [1.0, -0]\n", "[1.0, -0]"),
            (" ", "{}"),
        ] {
            assert_eq!(raw_json(text.as_bytes()).unwrap().get(), expected);
        }
        for (form, expected) in [
            ("turn=on&timer=5", r#"{"timer":"5","turn":"on"}"#),
            ("a=1&a=2+3&a=", r#"{"a":["1","2 3",""]}"#),
            ("", "{}"),
        ] {
            assert_eq!(raw_form(form.as_bytes()).unwrap().get(), expected, "{form}");
        }
    }

    #[test]
    fn a_form_is_known_by_its_media_type() {
        for (media, expected) in [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", true),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media.parse().unwrap())]);
            assert_eq!(is_form(&headers), expected, "{media}");
        }
        assert!(!is_form(&HeaderMap::new()));
    }
}
