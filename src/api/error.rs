//! HTTP rendering of errors: the one place where a `Kind` becomes a status and a body.
//!
//! Four renderings: [`RestError`] has DataStone's fixed messages, [`PlainError`] (for `/sql`, `/ingest` and local
//! commands) the error's own message, [`GraphqlError`] that message in GraphQL's form, [`InstathingsError`] the reason
//! phrase of its status. Nothing is logged here: the response carries an [`ErrorReport`] that the outermost layer logs
//! once.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::audit::AccessDenial;
use crate::domain::{Error, FieldError, Kind};

/// A domain error, or one of the few errors that exist only in HTTP.
#[derive(Debug)]
pub enum HttpError {
    Domain(Error),
    /// `Accept` excludes every format of the response.
    NotAcceptable,
    /// The path exists, but not with this method.
    MethodNotAllowed(Method),
    /// No path of the API has this method.
    MethodNotImplemented(Method),
    /// The media type or encoding of the body is not supported.
    UnsupportedMediaType(String),
    /// The client sent its request too slowly.
    RequestTimeout,
    /// The CSRF token of a session is missing or wrong; the reason is worded as in Django.
    Csrf(&'static str),
    /// An `Idempotency-Key` was reused with another body.
    IdempotencyKeyReused(Error),
    /// The body is well-formed, but contradicts a profile or schema.
    Unprocessable(Error),
    /// The requested range begins after the end of a content of this size, bytes.
    RangeNotSatisfiable(u64),
    /// The content is none of those that `If-Match` names.
    PreconditionFailed,
}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        HttpError::Domain(error)
    }
}

/// An error in DataStone's form: fixed sentences, `{"detail": …}` or `{"<field>": ["…"]}`.
#[derive(Debug)]
pub struct RestError(pub HttpError);

/// An error with its own message: `{"detail": …}`, with `fields` beside it when fields are wrong.
#[derive(Debug)]
pub struct PlainError(pub HttpError);

/// An error of a GraphQL request: `{"errors": [{"message", "extensions": {"code"}}]}`.
#[derive(Debug)]
pub struct GraphqlError {
    pub fault: HttpError,
    /// Media type of the response, as the client accepts it.
    pub media: &'static str,
}

/// An error in Instathings's form: `{"message": "<reason phrase of the status>"}`, or a body of its own.
#[derive(Debug)]
pub struct InstathingsError {
    pub fault: HttpError,
    /// The body where it is not the reason phrase.
    pub body: Option<Box<Value>>,
}

impl<F: Into<HttpError>> From<F> for RestError {
    fn from(fault: F) -> Self {
        RestError(fault.into())
    }
}

impl<F: Into<HttpError>> From<F> for PlainError {
    fn from(fault: F) -> Self {
        PlainError(fault.into())
    }
}

impl<F: Into<HttpError>> From<F> for InstathingsError {
    fn from(fault: F) -> Self {
        InstathingsError { fault: fault.into(), body: None }
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let body = datastone_body(&self.0);
        error_response(&self.0, body)
    }
}

impl IntoResponse for PlainError {
    fn into_response(self) -> Response {
        let body = plain_body(&self.0);
        error_response(&self.0, body)
    }
}

impl IntoResponse for GraphqlError {
    fn into_response(self) -> Response {
        let message = match &self.fault {
            HttpError::Domain(error) if error.kind == Kind::Internal => "internal error".to_owned(),
            fault => http_detail(fault),
        };
        let code = match &self.fault {
            HttpError::Domain(error) => graphql_code(error.kind),
            _ => "BAD_REQUEST",
        };
        let mut error_json = json!({"message": message, "extensions": {"code": code}});
        if let HttpError::Domain(error) = &self.fault
            && !error.fields.is_empty()
        {
            error_json["extensions"]["fields"] = messages_by_field(&error.fields);
        }
        let mut response = error_response(&self.fault, json!({ "errors": [error_json] }));
        response.headers_mut().insert(CONTENT_TYPE, content_type_header(self.media));
        response
    }
}

impl IntoResponse for InstathingsError {
    fn into_response(self) -> Response {
        let reason = http_status(&self.fault).canonical_reason().unwrap_or_default();
        let body = self.body.map_or_else(|| json!({"message": reason}), |body| *body);
        let mut response = error_response(&self.fault, body);
        if let Some(scheme) = response.headers_mut().get_mut(WWW_AUTHENTICATE) {
            *scheme = HeaderValue::from_static("Bearer");
        }
        response
    }
}

/// Builds a GraphQL response of `bytes` bytes. `is_run` is false when the request itself is invalid and the media type
/// lets the status say so.
pub fn graphql_response(media: &'static str, is_run: bool, bytes: usize, body: Body) -> Response {
    let code = if is_run { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut response = (code, body).into_response();
    response.headers_mut().insert(CONTENT_TYPE, content_type_header(media));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}

/// Returns a content type in UTF-8.
pub fn content_type_header(media: &'static str) -> HeaderValue {
    let named = HeaderValue::from_maybe_shared(format!("{media}; charset=utf-8"));
    named.unwrap_or(HeaderValue::from_static(media))
}

/// Report on a failed request that the outermost layer logs; carried in the response's extensions.
#[derive(Debug, Clone)]
pub struct ErrorReport {
    pub is_our_fault: bool,
    /// The message and all its causes, for the log only.
    pub text: Arc<str>,
    /// The kind of refused access, if it is one.
    pub refusal: Option<AccessDenial>,
}

impl ErrorReport {
    /// Reports a domain error: its message with all causes, and whether it is a refused access.
    pub fn from_domain(error: &Error) -> Self {
        let text = with_causes(error).into();
        Self { is_our_fault: error.kind.is_our_fault(), text, refusal: AccessDenial::from_error(error) }
    }

    /// Reports an error of HTTP: a domain error in it as itself, any other as the client's fault.
    pub fn from_http(fault: &HttpError) -> Self {
        match fault {
            HttpError::Domain(error)
            | HttpError::IdempotencyKeyReused(error)
            | HttpError::Unprocessable(error) => ErrorReport::from_domain(error),
            other => {
                let refusal = matches!(other, HttpError::Csrf(_)).then_some(AccessDenial::Csrf);
                ErrorReport { is_our_fault: false, text: http_detail(other).into(), refusal }
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
        Kind::Gone => StatusCode::GONE,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Busy | Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Kind::DeviceFault => StatusCode::BAD_GATEWAY,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns the status of an error.
pub fn http_status(fault: &HttpError) -> StatusCode {
    match fault {
        HttpError::Domain(error) => status(error.kind),
        HttpError::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        HttpError::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        HttpError::MethodNotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
        HttpError::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        HttpError::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        HttpError::Csrf(_) => StatusCode::FORBIDDEN,
        HttpError::IdempotencyKeyReused(_) | HttpError::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
        HttpError::RangeNotSatisfiable(_) => StatusCode::RANGE_NOT_SATISFIABLE,
        HttpError::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
    }
}

/// Returns the `extensions.code` that a GraphQL client gets for an error kind.
pub fn graphql_code(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "INVALID",
        Kind::Unauthenticated => "UNAUTHENTICATED",
        Kind::Forbidden => "FORBIDDEN",
        Kind::NotFound => "NOT_FOUND",
        Kind::Conflict => "CONFLICT",
        Kind::Gone => "GONE",
        Kind::LimitReached => "LIMIT_REACHED",
        Kind::TooLarge => "TOO_LARGE",
        Kind::Busy => "BUSY",
        Kind::Throttled => "THROTTLED",
        Kind::Timeout => "TIMEOUT",
        Kind::DeviceFault => "DEVICE_FAULT",
        Kind::Unavailable => "UNAVAILABLE",
        Kind::Internal => "INTERNAL",
    }
}

fn datastone_body(fault: &HttpError) -> Value {
    match fault {
        HttpError::Domain(error) => match error.kind {
            Kind::Forbidden => json!({"detail": "You do not have permission to perform this action."}),
            Kind::NotFound => json!({"detail": "Not found."}),
            Kind::Internal => json!({"error": "Server Error (500)"}),
            Kind::Invalid if !error.fields.is_empty() => messages_with_advice(&error.fields),
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Conflict
            | Kind::Gone
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

fn plain_body(fault: &HttpError) -> Value {
    match fault {
        HttpError::Domain(error) if error.kind == Kind::Internal => json!({"error": "Server Error (500)"}),
        HttpError::Domain(error) if !error.fields.is_empty() => {
            json!({"detail": error.message, "fields": messages_by_field(&error.fields)})
        }
        HttpError::Domain(error) => json!({"detail": error.message}),
        other => json!({"detail": http_detail(other)}),
    }
}

/// Returns what an error says of itself, for APIs that put it into a body of their own.
pub fn http_detail(fault: &HttpError) -> String {
    match fault {
        HttpError::NotAcceptable => "Could not satisfy the request Accept header.".into(),
        HttpError::MethodNotAllowed(method) => format!("Method \"{method}\" not allowed."),
        HttpError::MethodNotImplemented(method) => format!("Unsupported method ('{method}')"),
        HttpError::UnsupportedMediaType(media) => format!("Unsupported media type \"{media}\" in request."),
        HttpError::RequestTimeout => "The request did not arrive in time.".into(),
        HttpError::Csrf(why) => format!("CSRF Failed: {why}"),
        HttpError::RangeNotSatisfiable(size) => format!("The content has {size} bytes."),
        HttpError::PreconditionFailed => "The content is none of those that If-Match names.".into(),
        HttpError::Domain(error)
        | HttpError::IdempotencyKeyReused(error)
        | HttpError::Unprocessable(error) => error.message.clone(),
    }
}

/// Builds the response to a client that has the content with this tag already (RFC 9110, section 15.4.5).
pub fn not_modified(tag: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    response.headers_mut().extend(HeaderValue::try_from(tag).ok().map(|tag| (ETAG, tag)));
    response
}

/// Builds the response to an error: status, body, headers, and what is logged.
pub fn error_response(fault: &HttpError, body: Value) -> Response {
    let code = http_status(fault);
    let mut response = (code, Json(body)).into_response();
    if let Some(seconds) = retry_after(fault) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let HttpError::RangeNotSatisfiable(size) = fault
        && let Ok(value) = HeaderValue::try_from(format!("bytes */{size}"))
    {
        response.headers_mut().insert(CONTENT_RANGE, value);
    }
    if code == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("ApiKey"));
    }
    response.extensions_mut().insert(ErrorReport::from_http(fault));
    response
}

/// Seconds after which the same request may succeed.
fn retry_after(fault: &HttpError) -> Option<u64> {
    match fault {
        HttpError::Domain(error) => error.retry_after_s.or(match error.kind {
            Kind::Busy => Some(1),
            Kind::Unavailable => Some(5),
            Kind::Throttled => Some(60),
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::Gone
            | Kind::LimitReached
            | Kind::TooLarge
            | Kind::Timeout
            | Kind::DeviceFault
            | Kind::Internal => None,
        }),
        HttpError::NotAcceptable
        | HttpError::MethodNotAllowed(_)
        | HttpError::MethodNotImplemented(_)
        | HttpError::UnsupportedMediaType(_)
        | HttpError::RequestTimeout
        | HttpError::Csrf(_)
        | HttpError::IdempotencyKeyReused(_)
        | HttpError::Unprocessable(_)
        | HttpError::RangeNotSatisfiable(_)
        | HttpError::PreconditionFailed => None,
    }
}

/// Like [`messages_by_field`], with advice in `detail`:
/// `{"register": ["Invalid register \"D1\"."], "detail": "Use …"}`.
fn messages_with_advice(fields: &[FieldError]) -> Value {
    let mut body = messages_by_field(fields);
    let advice: Vec<&str> = fields.iter().filter_map(|field| field.advice.as_deref()).collect();
    if !advice.is_empty() {
        body["detail"] = advice.join(" ").into();
    }
    body
}

/// `{"field": ["message", …], …}`, messages of one field in the order they were found.
fn messages_by_field(fields: &[FieldError]) -> Value {
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

/// Response of a readiness probe: 200, or 503 when `is_ready` is false.
pub fn readiness(is_ready: bool, body: impl Serialize) -> Response {
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(body)).into_response()
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
