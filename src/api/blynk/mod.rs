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
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::error_form::{self, ErrorForm};
use super::layers::TrailingSlash;
use crate::app::App;

/// The form of errors of the organization API.
pub const ERROR_FORM: ErrorForm = ErrorForm(error::render);

/// The form of errors of the token endpoint.
pub const TOKEN_ERROR_FORM: ErrorForm = ErrorForm(error::render_of_token);

/// A path with its one method.
struct Endpoint {
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<Arc<App>>,
}

fn reading<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Endpoint {
    Endpoint { method: "GET", path, handler: get(handler) }
}

fn writing<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Endpoint {
    Endpoint { method: "POST", path, handler: post(handler) }
}

/// Every endpoint. The router and the list of routes for the description are both made of these.
fn endpoints() -> [Endpoint; 9] {
    [
        writing("/oauth2/token", token::issue),
        reading("/api/v2/organization/device/datastreams", reads::datastreams),
        reading("/api/v1/organization/device/datastreams/batch", reads::datastreams_of_many),
        reading("/api/v1/organization/device/datastream/history", reads::history),
        writing("/api/v1/organization/device/datastream", writes::update),
        writing("/api/v1/organization/device/datastreams", writes::update_many),
        writing("/api/v1/organization/product/devices/batch-update", writes::batch_update),
        writing("/api/v1/organization/device/import/batch", writes::import),
        writing("/api/v1/organization/device/datastream/property", writes::set_property),
    ]
}

/// Returns method and path of every route.
pub fn paths() -> Vec<(&'static str, String)> {
    endpoints().map(|endpoint| (endpoint.method, endpoint.path.to_owned())).into()
}

/// Returns the routes.
pub fn routes() -> Router<Arc<App>> {
    let routes = endpoints().into_iter();
    routes
        .fold(Router::new(), |router, endpoint| router.route(endpoint.path, endpoint.handler))
        // Set before the layer, which the fallback of the whole router would not pass.
        .method_not_allowed_fallback(error_form::method_not_allowed)
        .layer(middleware::from_fn(refuse_trailing_slash))
}

async fn refuse_trailing_slash(request: Request, next: Next) -> Response {
    match request.extensions().get::<TrailingSlash>() {
        Some(TrailingSlash) => error::not_found().into_response(),
        None => next.run(request).await,
    }
}
