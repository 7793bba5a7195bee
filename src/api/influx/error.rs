//! Errors in InfluxDB's two forms: `{"error": …}` of 1.x and `{"code", "message"}` of 2.x.

use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::api::error::{HttpError, error_response};
use crate::api::error_form::ErrorForm;
use crate::api::sender;
use crate::domain::Kind;

/// Form of errors below `/write`, `/query` and `/ping`.
pub const ERROR_FORM_V1: ErrorForm = ErrorForm(|fault| InfluxError::new(Version::V1, fault).into_response());
/// Form of errors below `/api/v2/write`.
pub const ERROR_FORM_V2: ErrorForm = ErrorForm(|fault| InfluxError::new(Version::V2, fault).into_response());

/// Version of the API that a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// An error of a request.
#[derive(Debug)]
pub struct InfluxError {
    version: Version,
    fault: HttpError,
}

impl InfluxError {
    /// Wraps an error for the form of a version. One of a rate limit becomes a full queue, because senders drop data at a 429.
    pub fn new(version: Version, fault: impl Into<HttpError>) -> Self {
        Self { version, fault: sender::retryable(fault.into()) }
    }

    /// The word of InfluxDB 2.x for the kind of the error.
    fn code(&self) -> &'static str {
        match &self.fault {
            HttpError::Domain(error) => match error.kind {
                Kind::Invalid | Kind::Gone => "invalid",
                Kind::Unauthenticated => "unauthorized",
                Kind::Forbidden | Kind::LimitReached => "forbidden",
                Kind::NotFound => "not found",
                Kind::Conflict => "conflict",
                Kind::TooLarge => "request too large",
                Kind::Busy | Kind::Throttled | Kind::Unavailable | Kind::Timeout => "unavailable",
                Kind::DeviceFault | Kind::Internal => "internal error",
            },
            HttpError::MethodNotAllowed(_) | HttpError::MethodNotImplemented(_) => "method not allowed",
            _ => "invalid",
        }
    }
}

impl IntoResponse for InfluxError {
    fn into_response(self) -> Response {
        let message = sender::message(&self.fault);
        let body = match self.version {
            Version::V1 => json!({"error": message}),
            Version::V2 => json!({"code": self.code(), "message": message}),
        };
        let mut response = error_response(&self.fault, body);
        if response.headers().contains_key(WWW_AUTHENTICATE) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;
    use crate::domain::Error;

    #[tokio::test]
    async fn each_error_has_its_status_and_body() {
        let rows = [
            (Kind::Invalid, 400, "invalid"),
            (Kind::Unauthenticated, 401, "unauthorized"),
            (Kind::Forbidden, 403, "forbidden"),
            (Kind::NotFound, 404, "not found"),
            (Kind::TooLarge, 413, "request too large"),
            (Kind::Throttled, 503, "unavailable"),
            (Kind::Busy, 503, "unavailable"),
            (Kind::Unavailable, 503, "unavailable"),
        ];
        for (kind, status, code) in rows {
            for version in [Version::V1, Version::V2] {
                let response = InfluxError::new(version, Error::new(kind, "why")).into_response();
                assert_eq!(response.status().as_u16(), status, "{kind:?}");
                assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{kind:?}");
                let bytes = response.into_body().collect().await.unwrap().to_bytes();
                let expected = match version {
                    Version::V1 => json!({"error": "why"}),
                    Version::V2 => json!({"code": code, "message": "why"}),
                };
                assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), expected, "{kind:?}");
            }
        }
    }
}
