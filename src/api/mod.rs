//! Every HTTP surface: routes, wire types, and how errors look. Handlers translate and make one call into app/.
//!
//! Routes are written without the trailing slash that documented paths end in; layers.rs makes both one path.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::app::App;

pub mod caller;
pub mod control;
pub mod cookies;
pub mod error;
pub mod health;
pub mod ingest;
pub mod layers;
pub mod origin;
pub mod output;
pub mod payload;
pub mod rest;
pub mod serve;
pub mod sql;

/// The whole HTTP side of a server, ready to be served.
pub fn router(app: Arc<App>) -> Router {
    let routes = Router::new()
        .merge(health::routes())
        .merge(rest::routes(&app))
        .merge(sql::routes())
        .merge(ingest::routes())
        .merge(control::routes())
        .method_not_allowed_fallback(error::method_not_allowed)
        .fallback(error::unknown_path)
        .with_state(app.clone());
    layers::wrap(routes.layer(from_fn_with_state(app, origin::watch)))
}
