//! Checks of every request, in this order: 401, 429, 404, 405, 406, 403, then the operation with its 415, 400 and 404.
//! OPTIONS is an unknown path, and needs no caller to learn that.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

use super::rate::RequestRates;
use super::{Answer, caller, problem};
use crate::api::layers::TrailingSlash;
use crate::api::origin::PeerAddress;
use crate::app::App;

/// Shared state of requests.
pub struct Mk {
    app: Arc<App>,
    routes: Router,
    rates: RequestRates,
}

/// Operations that authenticate by what they are sent, or need no caller.
const PUBLIC: [(Method, &str); 4] = [
    (Method::POST, "/api/v1/devices/provision"),
    (Method::GET, "/api/v1/firmware/download"),
    (Method::GET, "/api/v3/api-docs"),
    (Method::GET, "/api/v3/api-docs.yaml"),
];

impl Mk {
    /// Creates the state of the platform's `routes`, with budgets from `mk.rate`.
    pub fn new(app: Arc<App>, routes: Router) -> Self {
        let rates = RequestRates::new(app.settings().compat.mk.rate);
        Self { app, routes, rates }
    }
}

/// Whether a request needs no caller. Links with a signature are among these.
pub fn is_public(method: &Method, path: &str) -> bool {
    let is_head = *method == Method::HEAD;
    PUBLIC
        .iter()
        .any(|(known, public)| *public == path && (known == method || (is_head && *known == Method::GET)))
}

/// Serves a request of the platform.
pub async fn serve(mk: &Mk, request: Request) -> Response {
    let slash = if request.extensions().get::<TrailingSlash>().is_some() { "/" } else { "" };
    let path = format!("{}{slash}", request.uri().path());
    let answered = admit(mk, request, &path).await;
    problem::with_instance(answered.unwrap_or_else(IntoResponse::into_response), &path)
}

async fn admit(mk: &Mk, mut request: Request, path: &str) -> Answer {
    let now = mk.app.now();
    let address = request.extensions().get::<PeerAddress>().map(|peer| peer.0);
    if request.method() == Method::OPTIONS {
        mk.rates.count_network(address, now)?;
        return Err(problem::no_resource_at(path));
    }
    if is_public(request.method(), path) {
        mk.rates.count_network(address, now)?;
    } else {
        let found = caller::authenticate(&mk.app, request.headers(), request.extensions()).await;
        match &found {
            Ok(caller) => mk.rates.count_caller(&caller.principal, now)?,
            Err(_) => mk.rates.count_network(address, now)?,
        }
        request.extensions_mut().insert(found?);
    }
    if request.extensions().get::<TrailingSlash>().is_some() {
        return Err(problem::no_resource_at(path));
    }
    match mk.routes.clone().oneshot(request).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}
