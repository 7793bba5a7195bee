//! Origin of a request, attached for the audit of its changes, and audit records of refused accesses.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::error::ErrorReport;
use super::layers::REQUEST_ID;
use crate::app::App;
use crate::domain::audit::RequestOrigin;

/// Address of the client.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

/// Middleware that attaches the origin to a request, and records it in the audit log when it is refused.
pub async fn attach_origin_and_audit(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<PeerAddress>().map(|peer| peer.0);
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let line = format!("{} {}", request.method(), request.uri().path());
    let origin = Arc::new(RequestOrigin::new(&line, address, id));
    request.extensions_mut().insert(origin.clone());
    let response = next.run(request).await;
    let failure = response.extensions().get::<ErrorReport>();
    if let Some(refusal) = failure.and_then(|failure| failure.refusal) {
        app.note_refusal(&origin, refusal);
    }
    response
}
