//! Tests of the status and body of each kind of error.

use axum::http::Method;
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{ErrorReport, HttpError, InstathingsError, PlainError, RestError};
use crate::domain::{Error, FieldError, Kind};

async fn shown(response: axum::response::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

fn two_fields() -> Error {
    Error::fields(vec![
        FieldError::new("name", "This field is required."),
        FieldError::new("port", "A valid integer is required."),
        FieldError::new("name", "This field must be unique."),
    ])
}

fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

#[tokio::test]
async fn each_kind_has_one_status_and_datastone_body() {
    let cases: Vec<(HttpError, u16, Value)> = vec![
        (Error::invalid("JSON parse error - x").into(), 400, detail("JSON parse error - x")),
        (
            two_fields().into(),
            400,
            json!({"name": ["This field is required.", "This field must be unique."], "port": ["A valid integer is required."]}),
        ),
        (Error::new(Kind::Unauthenticated, "Invalid API key.").into(), 401, detail("Invalid API key.")),
        (
            Error::forbidden("this needs the scope device:write").into(),
            403,
            detail("You do not have permission to perform this action."),
        ),
        (Error::new(Kind::NotFound, "no device `9`").into(), 404, detail("Not found.")),
        (Error::conflict("Device is disabled.").into(), 409, detail("Device is disabled.")),
        (Error::too_large("too large").into(), 413, detail("too large")),
        (Error::busy("queue is full").into(), 503, detail("queue is full")),
        (Error::unavailable("disk failed").into(), 503, detail("disk failed")),
        (Error::new(Kind::Timeout, "too slow").into(), 504, detail("too slow")),
        (Error::new(Kind::DeviceFault, "refused").into(), 502, detail("refused")),
        (
            Error::internal("secret").with_source("more secret").into(),
            500,
            json!({"error": "Server Error (500)"}),
        ),
        (HttpError::NotAcceptable, 406, detail("Could not satisfy the request Accept header.")),
        (HttpError::MethodNotAllowed(Method::PATCH), 405, detail("Method \"PATCH\" not allowed.")),
        (
            HttpError::UnsupportedMediaType("text/plain".into()),
            415,
            detail("Unsupported media type \"text/plain\" in request."),
        ),
        (HttpError::RequestTimeout, 408, detail("The request did not arrive in time.")),
    ];
    for (fault, status, body) in cases {
        let name = format!("{fault:?}");
        assert_eq!(shown(RestError(fault).into_response()).await, (status, body), "{name}");
    }
}

#[tokio::test]
async fn plain_errors_say_their_own_message() {
    let cases: Vec<(HttpError, u16, Value)> = vec![
        (
            Error::forbidden("this needs the scope value:read").into(),
            403,
            detail("this needs the scope value:read"),
        ),
        (Error::new(Kind::NotFound, "no query `x`").into(), 404, detail("no query `x`")),
        (HttpError::IdempotencyKeyReused(Error::conflict("other body")), 422, detail("other body")),
        (Error::new(Kind::Throttled, "too many keys").into(), 429, detail("too many keys")),
        (
            Error::field("ts", "row 3: not a time").into(),
            400,
            json!({"detail": "ts: row 3: not a time", "fields": {"ts": ["row 3: not a time"]}}),
        ),
        (Error::internal("secret").into(), 500, json!({"error": "Server Error (500)"})),
    ];
    for (fault, status, body) in cases {
        let name = format!("{fault:?}");
        assert_eq!(shown(PlainError(fault).into_response()).await, (status, body), "{name}");
    }
}

#[test]
fn refusals_carry_their_headers() {
    let header = |error: Error, name: &str| {
        let response = RestError::from(error).into_response();
        response.headers().get(name).map(|v| v.to_str().unwrap().to_owned())
    };
    assert_eq!(header(Error::new(Kind::Unauthenticated, "x"), "www-authenticate").as_deref(), Some("ApiKey"));
    assert_eq!(header(Error::busy("x"), "retry-after").as_deref(), Some("1"));
    assert_eq!(header(Error::unavailable("x"), "retry-after").as_deref(), Some("5"));
    assert_eq!(header(Error::not_found(), "retry-after"), None);
}

#[test]
fn causes_are_kept_for_the_log() {
    let response = RestError::from(Error::internal("cannot write").with_source("disk gone")).into_response();
    let failure = response.extensions().get::<ErrorReport>().unwrap();
    assert!(failure.is_our_fault);
    assert_eq!(&*failure.text, "Internal: cannot write: disk gone");
}

#[tokio::test]
async fn instathings_shows_the_reason_phrase_or_a_body_of_its_own() {
    let message = |text: &str| json!({ "message": text });
    let cases: [(HttpError, u16, &str); 9] = [
        (Error::invalid("x").into(), 400, "Bad Request"),
        (Error::new(Kind::Unauthenticated, "x").into(), 401, "Unauthorized"),
        (Error::forbidden("x").into(), 403, "Forbidden"),
        (Error::not_found().into(), 404, "Not Found"),
        (HttpError::MethodNotAllowed(Method::PUT), 405, "Method Not Allowed"),
        (HttpError::NotAcceptable, 406, "Not Acceptable"),
        (Error::throttled(3).into(), 429, "Too Many Requests"),
        (Error::internal("secret").into(), 500, "Internal Server Error"),
        (Error::busy("x").into(), 503, "Service Unavailable"),
    ];
    for (fault, status, text) in cases {
        assert_eq!(shown(InstathingsError::from(fault).into_response()).await, (status, message(text)));
    }
    let own =
        InstathingsError { fault: Error::invalid("x").into(), body: Some(Box::new(json!({"code": 1}))) };
    assert_eq!(shown(own.into_response()).await, (400, json!({"code": 1})));
}
