//! The MK platform's REST API: wire types and translation only.
//!
//! Its paths are those below `/api/v1`, except Blynk's, and `/api/schemas` and `/api/v3`. They are told apart here and
//! not by the router of the other interfaces, because every answer below them, also to an unknown path, passes the checks
//! of `gate.rs` and has the form of `problem.rs`. A trailing slash is another path.
//!
//! A file for each noun has a [`Section`]: its operations, each with right, handler and description. Router, checks of
//! rights and OpenAPI document are all made of these.

mod alert_notifications;
mod alert_rules;
mod alerts;
mod annotation_classes;
mod annotations;
mod api_keys;
mod base_url;
mod billing;
mod body;
mod caller;
mod cameras;
mod capture_rules;
mod captures;
mod command;
mod components;
mod config_artefact;
mod dashboards;
mod desired_state_binding;
mod device_groups;
mod devices;
mod document_noun;
mod documents;
mod dvr_clips;
mod endpoint;
mod event_row;
mod events;
pub mod export_file;
mod exports;
mod field_names;
mod fields;
mod firmware;
mod gate;
mod health;
mod idempotency;
mod live;
mod location;
pub mod media_file;
mod notification_channels;
mod noun;
pub mod object;
mod openapi;
mod openapi_document;
mod operation_docs;
mod pack_body;
mod packs;
mod page;
mod path;
mod problem;
mod profiles;
mod provisioning;
mod quarantine;
mod query;
mod rate;
mod reading_document;
mod reading_views;
mod readings;
mod reference_pairs;
mod row_filter;
mod schemas;
mod sensors;
mod sites;
mod version_key;
mod wire;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::ServiceExt;

use self::endpoint::{EndpointChecks, Section};
use self::gate::Mk;
pub use self::openapi_document::{paths, text as document};
use self::problem::MkError;
use super::error_form::ErrorForm;
use crate::app::App;

/// The form of errors that no handler made.
pub const ERROR_FORM: ErrorForm = ErrorForm(problem::render);

/// The result of an operation.
type Answer = Result<Response, MkError>;

/// Every group of operations.
fn sections() -> Vec<Section> {
    vec![
        devices::section(),
        components::section(),
        sensors::section(),
        device_groups::section(),
        sites::section(),
        profiles::section(),
        packs::section(),
        schemas::section(),
        health::section(),
        readings::section(),
        quarantine::section(),
        alert_rules::section(),
        alerts::section(),
        events::section(),
        exports::section(),
        api_keys::section(),
        provisioning::section(),
        config_artefact::section(),
        desired_state_binding::section(),
        command::section(),
        firmware::section(),
        billing::section(),
        annotations::section(),
        annotation_classes::section(),
        reference_pairs::section(),
        dashboards::section(),
        notification_channels::section(),
        alert_notifications::section(),
        cameras::section(),
        captures::section(),
        capture_rules::section(),
        dvr_clips::section(),
        live::section(),
        openapi::section(),
    ]
}

/// Returns a router that serves the platform's paths, and all others by `main`.
pub fn mount(main: Router, app: &Arc<App>) -> Router {
    let mk = Arc::new(Mk::new(app.clone(), routes(app)));
    let chosen = tower::service_fn(move |request: Request| {
        let (mk, main) = (mk.clone(), main.clone());
        async move { Ok::<_, Infallible>(serve(&mk, main, request).await) }
    });
    Router::new().fallback_service(chosen)
}

async fn serve(mk: &Mk, main: Router, request: Request) -> Response {
    if path::is_own(request.uri().path()) {
        return gate::serve(mk, request).await;
    }
    match main.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn routes(app: &Arc<App>) -> Router {
    let endpoints = sections().into_iter().flat_map(|section| section.endpoints);
    let checks = EndpointChecks::new(app.clone());
    endpoints
        .fold(Router::new(), |router, endpoint| endpoint.add_to(router, &checks))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::no_resource)
        .with_state(app.clone())
}
