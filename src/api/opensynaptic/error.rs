//! Errors in OpenSynaptic's form.

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::api::error::{HttpError, content_type_header, error_response, http_detail};
use crate::api::openapi::doc::JSON;
use crate::domain::{Error, Kind};

/// An error of a request.
#[derive(Debug)]
pub enum OpenSynapticError {
    /// No such path or method, or no access: `{"error": …}`.
    Refused(HttpError),
    /// A query failed: `{"ok": false, "error": …}`.
    Query(Error),
    /// No packet has this id, which is repeated as given.
    UnknownPacket(String),
}

impl OpenSynapticError {
    /// The path does not exist.
    pub fn unknown_path() -> Self {
        OpenSynapticError::Refused(Error::new(Kind::NotFound, "not found").into())
    }

    /// The path of a packet has no id.
    pub fn no_packet_uuid() -> Self {
        OpenSynapticError::Query(Error::invalid("packet_uuid is required"))
    }
}

/// Errors of the core. Failing storage is an internal error of this API.
impl From<Error> for OpenSynapticError {
    fn from(error: Error) -> Self {
        OpenSynapticError::Query(match error.kind {
            Kind::Unavailable => Error::internal("packets cannot be read").with_source(error),
            _ => error,
        })
    }
}

impl IntoResponse for OpenSynapticError {
    fn into_response(self) -> Response {
        let (fault, body) = match self {
            OpenSynapticError::Refused(fault) => {
                let body = json!({"error": http_detail(&fault)});
                (fault, body)
            }
            OpenSynapticError::Query(error) => {
                let is_internal = error.kind == Kind::Internal;
                let message = if is_internal { "internal error" } else { error.message.as_str() };
                let body = json!({"ok": false, "error": message});
                (error.into(), body)
            }
            OpenSynapticError::UnknownPacket(uuid) => {
                let body = json!({"ok": false, "error": "packet not found", "packet_uuid": uuid});
                (Error::not_found().into(), body)
            }
        };
        let mut response = error_response(&fault, body);
        response.headers_mut().insert(CONTENT_TYPE, content_type_header(JSON));
        // The vendor's scheme is a header, which no challenge describes.
        response.headers_mut().remove(WWW_AUTHENTICATE);
        response
    }
}

/// Renders an error that no handler made.
pub fn render(fault: HttpError) -> Response {
    let error = match fault {
        HttpError::Domain(error) if error.kind == Kind::NotFound => OpenSynapticError::unknown_path(),
        HttpError::Domain(error) => error.into(),
        fault => OpenSynapticError::Refused(fault),
    };
    error.into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn each_error_has_its_status_and_body() {
        let refused = |error: Error| OpenSynapticError::Refused(error.into());
        let cases = [
            (OpenSynapticError::unknown_path(), 404, json!({"error": "not found"})),
            (
                refused(Error::new(Kind::Unauthenticated, "admin token required")),
                401,
                json!({"error": "admin token required"}),
            ),
            (refused(Error::unavailable("no token")), 503, json!({"error": "no token"})),
            (
                OpenSynapticError::Refused(HttpError::MethodNotImplemented(Method::PATCH)),
                501,
                json!({"error": "Unsupported method ('PATCH')"}),
            ),
            (
                OpenSynapticError::no_packet_uuid(),
                400,
                json!({"ok": false, "error": "packet_uuid is required"}),
            ),
            (
                OpenSynapticError::Query(Error::unavailable("database not configured")),
                503,
                json!({"ok": false, "error": "database not configured"}),
            ),
            (
                OpenSynapticError::UnknownPacket("x%20y".to_owned()),
                404,
                json!({"ok": false, "error": "packet not found", "packet_uuid": "x%20y"}),
            ),
            (
                Error::unavailable("/data/x cannot be read").into(),
                500,
                json!({"ok": false, "error": "internal error"}),
            ),
            (Error::internal("a secret").into(), 500, json!({"ok": false, "error": "internal error"})),
            (Error::busy("too many queries").into(), 503, json!({"ok": false, "error": "too many queries"})),
            (Error::new(Kind::Timeout, "too slow").into(), 504, json!({"ok": false, "error": "too slow"})),
        ];
        for (error, status, expected) in cases {
            let place = format!("{error:?}");
            let is_busy = matches!(&error, OpenSynapticError::Query(error) if error.kind == Kind::Busy);
            let response = error.into_response();
            assert_eq!(response.status().as_u16(), status, "{place}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8", "{place}");
            assert!(!response.headers().contains_key(WWW_AUTHENTICATE), "{place}");
            assert!(!is_busy || response.headers().contains_key("retry-after"), "{place}");
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), expected, "{place}");
        }
    }
}
