//! All API surfaces: routes, wire types and error rendering. Handlers translate and make one call into app/.
//!
//! Routes are written without the trailing slash that documented paths end in; layers.rs removes it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use self::openapi::route::Section;
use self::openapi::vendor::{self, VendorDocument};
use crate::app::App;

pub mod accept;
pub mod bearer;
pub mod blynk;
pub mod body_drain;
pub mod caller;
pub mod connection_limit;
pub mod control;
pub mod cookies;
pub mod error;
pub mod flight;
pub mod graphql;
pub mod health;
pub mod incoming;
pub mod ingest;
pub mod instathings;
pub mod layers;
pub mod metrics;
pub mod named_queries;
pub mod openapi;
pub mod opensynaptic;
pub mod origin;
pub mod pages;
pub mod payload;
pub mod pg;
pub mod rest;
pub mod result_encoder;
pub mod serve;
pub mod sql;
mod sql_params;
pub mod tls;

/// The route table, from which both the OpenAPI document and the router are built.
fn sections() -> Vec<Section> {
    let mut sections = rest::sections();
    sections.extend([health::section(), openapi::section()]);
    sections
}

/// The documents of the other vendors' APIs.
fn vendor_documents() -> Vec<VendorDocument> {
    vec![opensynaptic::document()]
}

/// Builds the router of all HTTP routes with their middleware.
pub fn router(app: Arc<App>) -> Router {
    let described = sections().into_iter().flat_map(|section| section.routes);
    let routes = described
        .fold(Router::new(), |router, route| route.add_to(router, &app))
        .merge(graphql::http::routes(&app))
        .merge(sql::routes())
        .merge(named_queries::routes())
        .merge(ingest::routes())
        .merge(metrics::routes())
        .merge(pages::routes())
        .merge(control::routes())
        .merge(opensynaptic::routes())
        .merge(vendor::routes(vendor_documents()))
        .merge(blynk::routes())
        .method_not_allowed_fallback(error::method_not_allowed)
        .fallback(error::unknown_path)
        .with_state(app.clone());
    let routes = instathings::cloud::beside(routes, &app);
    layers::wrap(routes.layer(from_fn_with_state(app, origin::attach_origin_and_audit)))
}
