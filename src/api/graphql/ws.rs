//! `/graphql/ws`: upgrades the connection for GraphQL over WebSocket, which ws_connection.rs then serves.

use axum::RequestExt;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::response::Response;

use super::GraphqlService;
use super::ws_connection;
use super::ws_handshake::WsHandshake;
use super::ws_messages::{CloseReason, PROTOCOL};
use crate::api::error::PlainError;
use crate::domain::Error;

/// Maximum message size, bytes, beyond which the connection is cut. Shorter messages that are too long get an error.
const MAX_FRAME_BYTES: usize = 4 << 20;

/// `GET /graphql/ws`.
pub async fn upgrade(
    State(graph): State<GraphqlService>,
    mut request: Request,
) -> Result<Response, PlainError> {
    let upgrade = request.extract_parts::<WebSocketUpgrade>().await;
    let upgrade =
        upgrade.map_err(|e| Error::invalid(format!("this endpoint is for WebSockets only: {e}")))?;
    let (parts, _) = request.into_parts();
    let handshake = WsHandshake::new(graph, parts.headers, parts.extensions);
    let upgrade =
        upgrade.max_message_size(MAX_FRAME_BYTES).max_frame_size(MAX_FRAME_BYTES).protocols([PROTOCOL]);
    Ok(upgrade.on_upgrade(|socket: WebSocket| async move {
        let speaks = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
        let handshake = if speaks { Ok(handshake) } else { Err(CloseReason::subprotocol()) };
        ws_connection::serve(socket, handshake).await;
    }))
}
