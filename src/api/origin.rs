//! Where a request comes from, known to whatever it changes; and the record of each access that is refused.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::error::Failure;
use super::layers::REQUEST_ID;
use crate::app::App;
use crate::domain::audit::Origin;

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Gives the request its origin, and tells the audit log when it is refused.
pub async fn watch(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<Peer>().map(|peer| peer.0);
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let line = format!("{} {}", request.method(), request.uri().path());
    let origin = Arc::new(Origin::new(&line, address, id));
    request.extensions_mut().insert(origin.clone());
    let response = next.run(request).await;
    let failure = response.extensions().get::<Failure>();
    if let Some(refusal) = failure.and_then(|failure| failure.refusal) {
        app.note_refusal(&origin, refusal);
    }
    response
}
