//! The Instathings cloud: 15 REST endpoints, and a WebSocket of what happens in a project. A project is an organization.
//!
//! Its paths are the vendor's, which are spelled in any case, so they are found here (`path.rs`) and not by the router of
//! the other interfaces. `gate.rs` makes the checks that every request passes, in the vendor's order.

mod actions;
mod archive;
mod body;
mod certificate;
mod control;
mod data;
mod data_query;
mod device_changes;
mod device_list;
mod device_view;
mod frame_ring;
mod gate;
mod log_batches;
mod logs;
mod mistakes;
mod path;
mod project_feed;
mod protocols;
mod rate;
mod socket;
mod token;
mod types;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

use self::project_feed::ProjectFeeds;
use self::rate::RequestRates;
use crate::api::error::InstathingsError;
use crate::app::App;
use crate::domain::Principal;

/// Shared state of requests.
pub struct Cloud {
    app: Arc<App>,
    rates: RequestRates,
    feeds: Arc<ProjectFeeds>,
}

/// The caller of a request, and its project.
pub struct ProjectCaller {
    principal: Arc<Principal>,
    /// Slug of the organization.
    project: String,
}

/// The result of an endpoint.
type Answer = Result<Response, InstathingsError>;

/// Returns method and path of every route.
pub fn paths() -> Vec<(&'static str, String)> {
    let sockets = [socket::PATH, socket::ROOT].map(|path| ("GET", path.to_owned()));
    path::routes().into_iter().chain(sockets).collect()
}

/// Returns a router that serves the paths of the Instathings cloud, and all others by `main`.
pub fn mount(main: Router, app: &Arc<App>) -> Router {
    let rates = RequestRates::new(app.settings().compat.instathings.rate);
    let cloud = Arc::new(Cloud { app: app.clone(), rates, feeds: ProjectFeeds::new(app.clone()) });
    let chosen = tower::service_fn(move |request: Request| {
        let (cloud, main) = (cloud.clone(), main.clone());
        async move { Ok::<_, Infallible>(serve(cloud, main, request).await) }
    });
    Router::new().fallback_service(chosen)
}

async fn serve(cloud: Arc<Cloud>, main: Router, request: Request) -> Response {
    if socket::is_asked_for(&request) {
        return socket::open(&cloud, request).await.unwrap_or_else(IntoResponse::into_response);
    }
    if path::is_own(request.uri().path()) {
        return gate::serve(cloud, request).await;
    }
    match main.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
