//! The on-premise interface of Instathings: the messages of a device over REST, and what is stored over socket.io 2
//! (Engine.IO 3).
//!
//! It has no authentication, so it serves the messages of one organization only, and every bound is per network. No kept
//! crate speaks this version of the protocol as its clients expect (docs/interfaces.md), so it is written here: a codec
//! (`packet.rs`, `payload.rs`) and a state machine (`session.rs`) without I/O, and the transports around them.

mod broadcast;
mod events;
#[cfg(test)]
mod fuzz_tests;
mod handshake;
pub mod host;
mod list_query;
mod outbox;
mod packet;
mod payload;
mod polling;
mod registry;
mod routes;
mod session;
mod websocket;
mod wire;

use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::broadcast::Broadcaster;
use self::registry::SessionRegistry;
pub use self::routes::paths;
use crate::api::error_form::ErrorForms;
use crate::api::instathings::ERROR_FORM;
use crate::api::layers;
use crate::app::cors::CorsOrigins;
use crate::app::onpremise::MessageSource;

/// The forms of errors on a listener that serves nothing else.
pub const ERROR_FORMS: ErrorForms = ErrorForms::uniform(ERROR_FORM);

/// Options from the server around the interface.
pub struct OnPremiseOptions {
    /// Maximum number of socket.io sessions. One network may have at most as many as it leaves free for others.
    pub sessions: usize,
    /// Cancelled when the server stops: sessions end then, and no more are opened.
    pub ending: CancellationToken,
    /// Origins whose pages may read the list; the engine lets all of them in.
    pub origins: CorsOrigins,
    /// Tracks the WebSockets, so that the server can wait for them.
    pub connections: TaskTracker,
}

/// The parts that all requests share.
pub struct OnPremise {
    source: Arc<dyn MessageSource>,
    sessions: Arc<SessionRegistry>,
    broadcaster: Arc<Broadcaster>,
    connections: TaskTracker,
}

/// Builds the router of the interface with its middleware.
pub fn router(source: Arc<dyn MessageSource>, options: OnPremiseOptions) -> Router {
    let sessions = Arc::new(SessionRegistry::new(options.sessions));
    let broadcaster = Broadcaster::new(sessions.clone(), source.clone(), options.ending);
    let service = OnPremise { source, sessions, broadcaster, connections: options.connections };
    layers::wrap(routes::routes(Arc::new(service), Arc::new(options.origins)), ERROR_FORMS)
}
