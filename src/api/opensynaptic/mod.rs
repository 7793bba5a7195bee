//! The data-query API of OpenSynaptic: devices, packets and sensors of one organization, read-only.
//!
//! The main listener serves its paths beside the other APIs, and a listener of its own, if there is one, serves them
//! alone. As in the vendor's server, a path with another ending is another path, only GET finds any, and a parameter
//! that cannot be read is ignored.

mod error;
mod query;
mod routes;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

pub use self::routes::paths;
use super::error_form::{self, ErrorForm, ErrorForms};
use super::{cors, layers, origin};
use crate::app::App;

/// The form of errors of the API.
pub const ERROR_FORM: ErrorForm = ErrorForm(error::render);

/// The forms of errors on a listener that serves nothing else.
pub const ERROR_FORMS: ErrorForms = ErrorForms::uniform(ERROR_FORM);

/// Returns the routes for the main listener.
pub fn routes() -> Router<Arc<App>> {
    routes::checked(routes::endpoints())
}

/// Builds the router of a listener that serves nothing else.
pub fn router(app: Arc<App>) -> Router {
    let alone = routes::endpoints().fallback(error_form::unknown_path);
    let routes = routes::checked(alone).with_state(app.clone());
    let origins = Arc::new(app.settings().cors.clone());
    let routes = routes.layer(from_fn_with_state(app, origin::attach_origin_and_audit));
    layers::wrap(routes.layer(from_fn_with_state(origins, cors::allow_origins)), ERROR_FORMS)
}
