//! All API surfaces: routes, wire types and error rendering. Handlers translate and make one call into app/.
//!
//! Routes are written without the trailing slash that documented paths end in; layers.rs removes it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

use self::error_form::{DATASTONE, ErrorForms, PathForm};
use self::openapi::route::{Route, Section};
use self::openapi::vendor::{self, VendorApi};
use crate::app::App;

pub mod accept;
mod accounted_buffer;
pub mod base_path;
pub mod bearer;
pub mod blynk;
pub mod body_drain;
pub mod byte_range;
pub mod caller;
pub mod certificate_files;
pub mod cluster;
pub mod compression;
pub mod connection_limit;
pub mod control;
pub mod cookies;
pub mod cors;
pub mod error;
pub mod error_form;
pub mod flight;
pub mod forward;
pub mod graphql;
pub mod grpc_connection;
pub mod health;
pub mod incoming;
pub mod influx;
pub mod ingest;
pub mod instathings;
pub mod layers;
pub mod listener_tls;
pub mod metrics;
pub mod mk;
pub mod mqtt;
pub mod named_queries;
pub mod openapi;
pub mod opensynaptic;
pub mod origin;
pub mod otlp;
pub mod pages;
mod part_file_name;
pub mod payload;
pub mod pg;
pub mod pinned_certificate;
pub mod prometheus;
pub mod query_node;
pub mod rest;
pub mod result_delivery;
pub mod result_encoder;
mod send_queue;
mod sender;
pub mod serve;
pub mod sql;
mod sql_params;
pub mod tasks;
pub mod time_text;
pub mod tls;

/// The forms of errors on the main listener, by path. Each API has its own, and DataStone's is that of all other paths.
pub const ERROR_FORMS: ErrorForms = ErrorForms {
    paths: &[
        PathForm::exact("/write", influx::ERROR_FORM_V1),
        PathForm::exact("/query", influx::ERROR_FORM_V1),
        PathForm::exact("/ping", influx::ERROR_FORM_V1),
        PathForm::exact("/api/v2/write", influx::ERROR_FORM_V2),
        PathForm::exact("/api/v1/write", prometheus::ERROR_FORM),
        PathForm::exact("/v1/metrics", otlp::ERROR_FORM),
        PathForm::exact("/api/v1/organization/", blynk::ERROR_FORM),
        PathForm::exact("/api/v2/", blynk::ERROR_FORM),
        PathForm::exact("/api/v1", mk::ERROR_FORM),
        PathForm::exact("/api/schemas", mk::ERROR_FORM),
        PathForm::exact("/api/v3", mk::ERROR_FORM),
        PathForm::exact("/objects", mk::ERROR_FORM),
        PathForm::exact("/media", mk::ERROR_FORM),
        PathForm::exact("/oauth2/token", blynk::TOKEN_ERROR_FORM),
        PathForm::exact("/api/data/devices", opensynaptic::ERROR_FORM),
        PathForm::exact("/api/data/packets", opensynaptic::ERROR_FORM),
        PathForm::exact("/api/data/sensors", opensynaptic::ERROR_FORM),
        PathForm::exact("/health", opensynaptic::ERROR_FORM),
        PathForm::exact("/api/health", opensynaptic::ERROR_FORM),
        PathForm::any_case("/authentication", instathings::ERROR_FORM),
        PathForm::any_case("/device", instathings::ERROR_FORM),
        PathForm::any_case("/devices", instathings::ERROR_FORM),
        PathForm::any_case("/wss", instathings::ERROR_FORM),
    ],
    default: DATASTONE,
};

/// The route table, from which both the OpenAPI document and the router are built.
fn sections() -> Vec<Section> {
    let mut sections = rest::sections();
    sections.extend([health::section(), openapi::section()]);
    sections
}

/// The API of a vendor whose document is a file of `schema/`.
macro_rules! vendor {
    ($name:literal, $routes:path) => {
        VendorApi {
            name: $name,
            document: || include_str!(concat!("../../schema/openapi-", $name, ".json")).into(),
            routes: $routes,
        }
    };
}

/// The other vendors' APIs, with their documents.
pub const VENDOR_APIS: [VendorApi; 8] = [
    vendor!("blynk", blynk::paths),
    vendor!("influxdb", influx::paths),
    vendor!("instathings", instathings::cloud::paths),
    vendor!("instathings-onpremise", instathings::onpremise::paths),
    vendor!("opensynaptic", opensynaptic::paths),
    vendor!("otlp", otlp::paths),
    vendor!("prometheus", prometheus::paths),
    VendorApi { name: "mk", document: || mk::document().into(), routes: mk::paths },
];

/// Builds the router of all HTTP routes with their middleware.
pub fn router(app: Arc<App>) -> Router {
    let described = sections().into_iter().flat_map(|section| section.routes);
    let routes = described_routes(described, &app)
        .merge(graphql::http::routes(&app))
        .merge(sql_routes())
        // The APIs of other vendors answer as theirs do.
        .layer(from_fn(compression::compress))
        .merge(ingest::routes())
        .merge(influx::routes())
        .merge(prometheus::routes())
        .merge(otlp::routes())
        .merge(metrics::routes())
        .merge(pages::routes())
        .merge(control::routes())
        .merge(opensynaptic::routes())
        .merge(vendor::routes(&VENDOR_APIS))
        .merge(blynk::routes())
        .merge(mk::object::routes())
        .merge(mk::export_file::routes())
        .merge(mk::media_file::routes())
        .method_not_allowed_fallback(error_form::method_not_allowed)
        .fallback(error_form::unknown_path)
        .with_state(app.clone());
    let routes = mk::mount(routes, &app);
    let routes = instathings::cloud::mount(routes, &app);
    with_middleware(routes, app)
}

/// The routes of SQL, which a query node has too.
fn sql_routes() -> Router<Arc<App>> {
    sql::routes().merge(named_queries::routes())
}

fn described_routes(routes: impl IntoIterator<Item = Route>, app: &Arc<App>) -> Router<Arc<App>> {
    routes.into_iter().fold(Router::new(), |router, route| route.add_to(router, app))
}

fn with_middleware(routes: Router, app: Arc<App>) -> Router {
    let origins = Arc::new(app.settings().cors.clone());
    let base = app.settings().base_path.clone();
    let routes = routes.layer(from_fn_with_state(app, origin::attach_origin_and_audit));
    let routes = layers::wrap(routes.layer(from_fn_with_state(origins, cors::allow_origins)), ERROR_FORMS);
    base_path::below(routes, &base)
}
