//! Blynk's organization API: wire types and translation only.
//!
//! Its routes, and what lies below their prefixes, answer in its own form of errors. A trailing slash is another path.

mod body;
mod caller;
mod error;
#[cfg(test)]
mod fuzz_tests;
mod parameter;
mod query;
mod reads;
mod skipped_rows;
mod token;
mod wire;
mod writes;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use self::error::BlynkError;
use super::error::HttpError;
use super::layers::TrailingSlash;
use crate::app::App;

/// Returns the routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/oauth2/token", post(token::issue))
        .route("/api/v2/organization/device/datastreams", get(reads::datastreams))
        .route("/api/v1/organization/device/datastreams/batch", get(reads::datastreams_of_many))
        .route("/api/v1/organization/device/datastream/history", get(reads::history))
        .route("/api/v1/organization/device/datastream", post(writes::update))
        .route("/api/v1/organization/device/datastreams", post(writes::update_many))
        .route("/api/v1/organization/product/devices/batch-update", post(writes::batch_update))
        .route("/api/v1/organization/device/import/batch", post(writes::import))
        .route("/api/v1/organization/device/datastream/property", post(writes::set_property))
        .route("/api/v1/organization/{*rest}", any(unknown_path))
        .route("/api/v2/{*rest}", any(unknown_path))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(refuse_trailing_slash))
}

async fn unknown_path() -> BlynkError {
    error::not_found()
}

/// OPTIONS is an unknown path: this API has no CORS.
async fn method_not_allowed(method: Method) -> BlynkError {
    match method {
        Method::OPTIONS => error::not_found(),
        method => BlynkError(HttpError::MethodNotAllowed(method)),
    }
}

async fn refuse_trailing_slash(request: Request, next: Next) -> Response {
    match request.extensions().get::<TrailingSlash>() {
        Some(TrailingSlash) => error::not_found().into_response(),
        None => next.run(request).await,
    }
}
