//! How an error looks on the wire: the one place where a `Kind` becomes a status and a body.
//!
//! Three renderings of the same faults: [`RestError`] speaks DataStone's constants, [`PlainError`] (for `/sql`,
//! `/ingest` and the local door) says the error's own message, [`GraphError`] the same as GraphQL has it. Nothing is logged here: the response carries a
//! [`Failure`] that the outermost layer logs once.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::graphql::errors;
use crate::domain::audit::Refusal;
use crate::domain::{Error, FieldError, Kind};

/// What went wrong: a domain error, or one of the few faults that exist only in HTTP.
#[derive(Debug)]
pub enum Fault {
    Core(Error),
    /// `Accept` leaves no form we can answer in.
    NotAcceptable,
    /// The path exists, the method on it does not.
    MethodNotAllowed(Method),
    /// The body is of a type, or in an encoding, that is not read here.
    UnsupportedMedia(String),
    /// The client sent its request too slowly.
    SlowRequest,
    /// A session did not say its CSRF token; why, in the framework's words.
    Csrf(&'static str),
    /// An `Idempotency-Key` came back with another body.
    KeyReused(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Core(error)
    }
}

/// A fault as DataStone says it: fixed sentences, `{"detail": …}` or `{"<field>": ["…"]}`.
#[derive(Debug)]
pub struct RestError(pub Fault);

/// A fault that says its own message: `{"detail": …}`, with `fields` beside it when fields are wrong.
#[derive(Debug)]
pub struct PlainError(pub Fault);

/// A fault of a GraphQL request: `{"errors": [{"message", "extensions": {"code"}}]}`.
#[derive(Debug)]
pub struct GraphError {
    pub fault: Fault,
    /// The media type that the client understands.
    pub media: &'static str,
}

impl<F: Into<Fault>> From<F> for RestError {
    fn from(fault: F) -> Self {
        RestError(fault.into())
    }
}

impl<F: Into<Fault>> From<F> for PlainError {
    fn from(fault: F) -> Self {
        PlainError(fault.into())
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let body = datastone_body(&self.0);
        respond(&self.0, body)
    }
}

impl IntoResponse for PlainError {
    fn into_response(self) -> Response {
        let body = plain_body(&self.0);
        respond(&self.0, body)
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let message = match &self.fault {
            Fault::Core(error) if error.kind == Kind::Internal => "internal error".to_owned(),
            fault => http_detail(fault),
        };
        let code = match &self.fault {
            Fault::Core(error) => errors::code(error.kind),
            _ => "BAD_REQUEST",
        };
        let mut told = json!({"message": message, "extensions": {"code": code}});
        if let Fault::Core(error) = &self.fault
            && !error.fields.is_empty()
        {
            told["extensions"]["fields"] = by_field(&error.fields);
        }
        let mut response = respond(&self.fault, json!({ "errors": [told] }));
        response.headers_mut().insert(CONTENT_TYPE, of_media(self.media));
        response
    }
}

/// A GraphQL answer of so many bytes; `is_run` is false when the request itself is wrong and the client can tell by the
/// status.
pub fn graph_answer(media: &'static str, is_run: bool, bytes: usize, body: Body) -> Response {
    let code = if is_run { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut response = (code, body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, of_media(media));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}

fn of_media(media: &'static str) -> HeaderValue {
    let named = HeaderValue::from_maybe_shared(format!("{media}; charset=utf-8"));
    named.unwrap_or(HeaderValue::from_static(media))
}

/// What the outermost layer logs about a refused request; travels in the response's extensions.
#[derive(Debug, Clone)]
pub struct Failure {
    pub is_our_fault: bool,
    /// The message and every cause under it, for the log only.
    pub text: Arc<str>,
    /// What kind of refused access it is, if it is one.
    pub refusal: Option<Refusal>,
}

impl Failure {
    pub fn of(error: &Error) -> Self {
        let text = with_causes(error).into();
        Self { is_our_fault: error.kind.is_our_fault(), text, refusal: Refusal::of(error) }
    }

    pub fn of_fault(fault: &Fault) -> Self {
        match fault {
            Fault::Core(error) | Fault::KeyReused(error) => Failure::of(error),
            other => {
                let refusal = matches!(other, Fault::Csrf(_)).then_some(Refusal::Csrf);
                Failure { is_our_fault: false, text: http_detail(other).into(), refusal }
            }
        }
    }
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden | Kind::LimitReached => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Busy | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::DeviceFault => StatusCode::BAD_GATEWAY,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn datastone_body(fault: &Fault) -> Value {
    match fault {
        Fault::Core(error) => match error.kind {
            Kind::Forbidden => json!({"detail": "You do not have permission to perform this action."}),
            Kind::NotFound => json!({"detail": "Not found."}),
            Kind::Internal => json!({"error": "Server Error (500)"}),
            Kind::Invalid if !error.fields.is_empty() => advising(&error.fields),
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Conflict
            | Kind::LimitReached
            | Kind::TooLarge
            | Kind::Throttled
            | Kind::Busy
            | Kind::Timeout
            | Kind::DeviceFault
            | Kind::Unavailable => json!({"detail": error.message}),
        },
        other => json!({"detail": http_detail(other)}),
    }
}

fn plain_body(fault: &Fault) -> Value {
    match fault {
        Fault::Core(error) if error.kind == Kind::Internal => json!({"error": "Server Error (500)"}),
        Fault::Core(error) if !error.fields.is_empty() => {
            json!({"detail": error.message, "fields": by_field(&error.fields)})
        }
        Fault::Core(error) => json!({"detail": error.message}),
        other => json!({"detail": http_detail(other)}),
    }
}

fn http_detail(fault: &Fault) -> String {
    match fault {
        Fault::NotAcceptable => "Could not satisfy the request Accept header.".into(),
        Fault::MethodNotAllowed(method) => format!("Method \"{method}\" not allowed."),
        Fault::UnsupportedMedia(media) => format!("Unsupported media type \"{media}\" in request."),
        Fault::SlowRequest => "The request did not arrive in time.".into(),
        Fault::Csrf(why) => format!("CSRF Failed: {why}"),
        Fault::Core(error) | Fault::KeyReused(error) => error.message.clone(),
    }
}

fn respond(fault: &Fault, body: Value) -> Response {
    let code = match fault {
        Fault::Core(error) => status(error.kind),
        Fault::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Fault::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        Fault::UnsupportedMedia(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Fault::SlowRequest => StatusCode::REQUEST_TIMEOUT,
        Fault::Csrf(_) => StatusCode::FORBIDDEN,
        Fault::KeyReused(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut response = (code, Json(body)).into_response();
    if let Some(seconds) = retry_after(fault) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if code == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey"));
    }
    response.extensions_mut().insert(Failure::of_fault(fault));
    response
}

/// Seconds after which the same request may pass.
fn retry_after(fault: &Fault) -> Option<u64> {
    match fault {
        Fault::Core(error) => error.retry_after_s.or(match error.kind {
            Kind::Busy => Some(1),
            Kind::Unavailable => Some(5),
            Kind::Throttled => Some(60),
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::LimitReached
            | Kind::TooLarge
            | Kind::Timeout
            | Kind::DeviceFault
            | Kind::Internal => None,
        }),
        Fault::NotAcceptable
        | Fault::MethodNotAllowed(_)
        | Fault::UnsupportedMedia(_)
        | Fault::SlowRequest
        | Fault::Csrf(_)
        | Fault::KeyReused(_) => None,
    }
}

/// The same, with what advice there is beside the fields: `{"register": ["Invalid register \"D1\"."], "detail": "Use …"}`.
fn advising(fields: &[FieldError]) -> Value {
    let mut body = by_field(fields);
    let advice: Vec<&str> = fields.iter().filter_map(|field| field.advice.as_deref()).collect();
    if !advice.is_empty() {
        body["detail"] = advice.join(" ").into();
    }
    body
}

/// `{"field": ["message", …], …}`, messages of one field in the order they were found.
fn by_field(fields: &[FieldError]) -> Value {
    let mut grouped = Map::new();
    for FieldError { field, message, .. } in fields {
        let messages = grouped.entry(field.as_ref()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(messages) = messages {
            messages.push(Value::from(message.as_str()));
        }
    }
    Value::Object(grouped)
}

fn with_causes(error: &Error) -> String {
    let mut text = format!("{:?}: {}", error.kind, error.message);
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Answer of a readiness probe: 200, or 503 when `is_ready` is false.
pub fn readiness(is_ready: bool, body: impl Serialize) -> Response {
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(body)).into_response()
}

/// For paths that exist under another method; the router adds `Allow`.
pub async fn method_not_allowed(method: Method) -> RestError {
    RestError(Fault::MethodNotAllowed(method))
}

/// For paths that do not exist.
pub async fn unknown_path() -> RestError {
    RestError::from(Error::not_found())
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
