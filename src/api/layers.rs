//! Middleware of all routes: request id, log line, body draining, panics, time limit, trailing slash, form of errors.
//!
//! Nothing here knows a route. Body limits belong to whoever reads a body (payload.rs), connections to serve.rs.

use std::any::Any;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower::{Layer, ServiceExt};
use tower_http::catch_panic::{CatchPanicLayer, ResponseForPanic};
use tracing::Instrument;
use uuid::Uuid;

use super::body_drain;
use super::error::ErrorReport;
use super::error_form::{ErrorForm, ErrorForms};
use crate::domain::{Error, Kind};

/// Header of a request's id in log and response: the client's own if it is plain and of at most 128 characters, else a UUID.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest time from the end of a request's head to the start of its response, body upload included. Queries have their
/// own, shorter limit; this one is a safety net for everything else.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

/// Extension of a request whose path had a trailing slash, for the APIs in which that is another path.
#[derive(Debug, Clone, Copy)]
pub struct TrailingSlash;

/// Wraps finished routes. The result is a router with a single catch-all route, because the trailing slash must be
/// removed before any routing. What fails outside of handlers has the form of its path in `forms`.
pub fn wrap(routes: Router, forms: ErrorForms) -> Router {
    let served = tower::service_fn(move |request: Request| serve(routes.clone(), forms, request));
    Router::new()
        .fallback_service(served)
        .layer(middleware::from_fn(body_drain::drain_unread_body))
        .layer(middleware::from_fn(identify_and_log))
}

/// Removes the trailing slash: `/api/device/` and `/api/device` are one path, and routes are written without it. Only
/// one slash is removed, and only a literal one: `%2F` belongs to its segment. Returns whether there was one.
fn without_trailing_slash(uri: &mut Uri) -> bool {
    let path = uri.path();
    let Some(shorter) = path.strip_suffix('/').filter(|p| !p.is_empty() && !p.ends_with('/')) else {
        return false;
    };
    let text = match uri.query() {
        Some(query) => format!("{shorter}?{query}"),
        None => shorter.to_owned(),
    };
    let Ok(path_and_query) = PathAndQuery::try_from(text) else { return false };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(path_and_query);
    *uri = Uri::from_parts(parts).expect("a shorter path keeps a valid URI valid");
    true
}

/// Serves a request without its trailing slash, within the time limit. A panic becomes an error.
async fn serve(routes: Router, forms: ErrorForms, mut request: Request) -> Result<Response, Infallible> {
    if without_trailing_slash(request.uri_mut()) {
        request.extensions_mut().insert(TrailingSlash);
    }
    let form = forms.of_path(request.uri().path());
    request.extensions_mut().insert(form);
    let guarded = CatchPanicLayer::custom(form).layer(routes);
    let response = tokio::time::timeout(REQUEST_TIMEOUT, guarded.oneshot(request)).await;
    Ok(match response {
        Ok(Ok(response)) => response.into_response(),
        Ok(Err(never)) => match never {},
        Err(_) => form.render(Error::new(Kind::Timeout, "The request took too long and was ended.")),
    })
}

impl ResponseForPanic for ErrorForm {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send>) -> Response {
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        self.render(Error::internal("a request panicked").with_source(message.unwrap_or_default()))
    }
}

/// Sets the request id, runs the request in a span with that id, and writes its one log line.
async fn identify_and_log(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let shown_id = id.to_str().unwrap_or_default();
    let span = tracing::info_span!("request", id = shown_id);

    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis());
    span.in_scope(|| match response.extensions().get::<ErrorReport>() {
        Some(failure) if failure.is_our_fault => {
            tracing::error!(%method, path, status, ms, error = &*failure.text, "request failed");
        }
        Some(failure) => {
            tracing::debug!(%method, path, status, ms, error = &*failure.text, "request refused")
        }
        None => tracing::debug!(%method, path, status, ms, "request"),
    });
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Returns the caller's own id when it is short and plain enough for a log, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(b);
    let header =
        headers.get(REQUEST_ID).filter(|v| (1..=128).contains(&v.len()) && v.as_bytes().iter().all(is_plain));
    header.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::new_v4().to_string()).expect("a UUID is visible ASCII")
    })
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
