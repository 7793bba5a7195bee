//! WebSockets of forwarded requests: the handshake is translated to HTTP/1.1, and once the ingest node accepts it, bytes
//! are copied in both directions.
//!
//! A client of HTTP/1.1 upgrades its connection (RFC 6455); one of HTTP/2 opens a stream by CONNECT (RFC 8441).

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::headers;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// A client's request for a WebSocket.
pub struct WebSocketRequest {
    client: OnUpgrade,
    /// Whether it is a stream of an HTTP/2 connection.
    is_stream: bool,
}

impl WebSocketRequest {
    /// Takes the upgrade of a request that asks for a WebSocket.
    pub fn take(request: &mut Request) -> Option<WebSocketRequest> {
        let protocol = request.extensions().get::<Protocol>();
        let is_stream = request.method() == Method::CONNECT
            && protocol.is_some_and(|protocol| protocol.as_str().eq_ignore_ascii_case("websocket"));
        let is_upgrade = request.method() == Method::GET
            && has_token(request.headers(), "connection", "upgrade")
            && has_token(request.headers(), "upgrade", "websocket");
        (is_stream || is_upgrade)
            .then(|| WebSocketRequest { client: hyper::upgrade::on(&mut *request), is_stream })
    }

    /// Whether the client uses HTTP/2.
    pub fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Adds what asks for the upgrade in HTTP/1.1.
    pub fn add_handshake(&self, request: &mut Request) {
        let headers = request.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, WEBSOCKET);
        if !self.is_stream {
            return;
        }
        // HTTP/2 has no key. The one made here is answered to this node alone.
        let key = BASE64_STANDARD.encode(rand::random::<[u8; 16]>());
        if let Ok(key) = HeaderValue::try_from(key) {
            headers.insert(SEC_WEBSOCKET_KEY, key);
        }
        headers.entry(SEC_WEBSOCKET_VERSION).or_insert(HeaderValue::from_static("13"));
        *request.method_mut() = Method::GET;
    }

    /// Passes on that the ingest node accepts, and starts to copy.
    pub fn accept(self, mut response: Response) -> Response {
        let owner = hyper::upgrade::on(&mut response);
        tokio::spawn(copy(self.client, owner));
        let (mut parts, _) = response.into_parts();
        headers::remove_hop_by_hop(&mut parts.headers);
        if self.is_stream {
            parts.status = StatusCode::OK;
            parts.headers.remove(SEC_WEBSOCKET_ACCEPT);
        } else {
            parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(UPGRADE, WEBSOCKET);
        }
        Response::from_parts(parts, Body::empty())
    }
}

/// Whether a response switches to another protocol.
pub fn is_accepted(response: &Response) -> bool {
    response.status().as_u16() == 101
}

/// Whether a header that is a list has this item, in any case.
fn has_token(headers: &HeaderMap, name: &str, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// Copies in both directions until both sides have ended. A side that stays silent is closed by the limit of idle
/// connections of the listener (serve.rs).
async fn copy(client: OnUpgrade, owner: OnUpgrade) {
    let (client, owner) = match tokio::try_join!(client, owner) {
        Ok(both) => both,
        Err(error) => return tracing::trace!(%error, "a forwarded WebSocket was not opened"),
    };
    let (mut client, mut owner) = (TokioIo::new(client), TokioIo::new(owner));
    if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut owner).await {
        tracing::trace!(%error, "a forwarded WebSocket broke off");
    }
}

#[cfg(test)]
#[path = "websocket_tests.rs"]
mod tests;
