//! Errors: a `google.rpc.Status` with its message, in the form of the request.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::api::error::{HttpError, error_response};
use crate::api::error_form::ErrorForm;
use crate::api::sender;
use crate::app::ingest::otlp::metrics::Encoding;
use crate::app::ingest::otlp::response;

/// Form of errors that no handler made: JSON, because the form of the request is not known.
pub const ERROR_FORM: ErrorForm = ErrorForm(|fault| ExportError::new(Encoding::Json, fault).into_response());

/// An error of a request.
#[derive(Debug)]
pub struct ExportError {
    encoding: Encoding,
    fault: HttpError,
}

impl ExportError {
    /// Wraps an error for a response in this encoding. One of a rate limit becomes a full queue: senders drop data at a 429.
    pub fn new(encoding: Encoding, fault: impl Into<HttpError>) -> Self {
        Self { encoding, fault: sender::retryable(fault.into()) }
    }
}

impl IntoResponse for ExportError {
    fn into_response(self) -> Response {
        let status = response::status(self.encoding, &sender::message(&self.fault));
        let (mut parts, _) = error_response(&self.fault, Value::Null).into_parts();
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.encoding.media_type()));
        Response::from_parts(parts, Body::from(status))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::domain::{Error, Kind};

    #[tokio::test]
    async fn each_error_has_its_status_and_the_form_of_the_request() {
        let rows = [
            (Kind::Invalid, 400),
            (Kind::Unauthenticated, 401),
            (Kind::Forbidden, 403),
            (Kind::TooLarge, 413),
            (Kind::Throttled, 503),
            (Kind::Busy, 503),
        ];
        for (kind, status) in rows {
            for (encoding, expected) in
                [(Encoding::Protobuf, &b"\x12\x03why"[..]), (Encoding::Json, br#"{"message":"why"}"#)]
            {
                let response = ExportError::new(encoding, Error::new(kind, "why")).into_response();
                assert_eq!(response.status().as_u16(), status, "{kind:?}");
                assert_eq!(response.headers()["content-type"], encoding.media_type(), "{kind:?}");
                assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{kind:?}");
                assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), expected, "{kind:?}");
            }
        }
    }
}
