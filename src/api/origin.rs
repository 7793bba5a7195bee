//! Origin of a request, attached for the audit of its changes, and audit records of refused accesses.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;

use super::error::ErrorReport;
use super::layers::REQUEST_ID;
use crate::app::App;
use crate::domain::audit::RequestOrigin;

/// Address of the client.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

/// Header by which a node of the cluster proves itself when it hands a request on.
pub const NODE_SECRET: HeaderName = HeaderName::from_static("x-basalt-node");
/// Header with the address of the client of such a request.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Takes the address of the client from a node of the cluster that hands its request on. Nobody else is believed: attempts to log in
/// are limited by address, and the audit log names it.
fn believe_node(app: &App, request: &mut Request) {
    let Some(secret) = request.headers_mut().remove(NODE_SECRET) else { return };
    if !secret.to_str().is_ok_and(|secret| app.node.cluster.is_node(secret)) {
        return;
    }
    let address = request.headers().get(CLIENT_ADDRESS).and_then(|address| address.to_str().ok());
    if let Some(address) = address.and_then(|address| address.parse().ok()) {
        request.extensions_mut().insert(PeerAddress(address));
    }
}

/// Middleware that attaches the origin to a request, and records it in the audit log when it is refused.
pub async fn attach_origin_and_audit(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    believe_node(&app, &mut request);
    let address = request.extensions().get::<PeerAddress>().map(|peer| peer.0);
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let line = format!("{} {}", request.method(), request.uri().path());
    let origin = Arc::new(RequestOrigin::new(&line, address, id));
    request.extensions_mut().insert(origin.clone());
    let response = next.run(request).await;
    let failure = response.extensions().get::<ErrorReport>();
    if let Some(refusal) = failure.and_then(|failure| failure.refusal) {
        app.audit.note_refusal(&origin, refusal);
    }
    response
}
