//! Lets pages of the configured origins use the APIs from a browser (CORS, as the Fetch standard has it).
//!
//! A preflight of such a page is answered here, before any authentication, because browsers send none with it. Any other
//! OPTIONS is answered by its API. Cookies are never allowed, so a page can use tokens and keys, and no session.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::cors::CorsOrigins;

/// Methods that some API has.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// How long a browser may remember the answer to a preflight, seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
/// Pages may read every header of a response.
const ALL: HeaderValue = HeaderValue::from_static("*");

/// Middleware that answers preflights and names the origin in responses.
pub async fn allow_origins(
    State(origins): State<Arc<CorsOrigins>>,
    request: Request,
    next: Next,
) -> Response {
    if origins.is_empty() {
        return next.run(request).await;
    }
    let origin_header = request.headers().get(ORIGIN);
    let allowed =
        origin_header.filter(|origin| origin.to_str().is_ok_and(|origin| origins.allows(origin))).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &allowed {
        Some(_) if is_preflight => preflight(request.headers()),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, if origins.any { ALL } else { origin });
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ALL);
    }
    response
}

/// Allows every method, and the headers that are asked for.
fn preflight(request_headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    if let Some(names) = request_headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}

#[cfg(test)]
#[path = "cors_tests.rs"]
mod tests;
