//! Forwards requests of a query node to the ingest node, as the client sent them, and streams the responses back.
//!
//! A request keeps its method, target, headers and body. What belongs to one connection stays on it (headers.rs), and a
//! WebSocket is copied in both directions (websocket.rs). The forwarder is inside layers.rs, which has given the request
//! its id and the form of its errors and has removed one trailing slash; the slash is restored here.

mod connector;
mod headers;
mod websocket;

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use axum::http::{HeaderValue, Method, Version};
use axum::response::Response;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::{Position, Url};

use self::connector::OwnerConnector;
use self::websocket::WebSocketRequest;
use super::error_form::{DATASTONE, ErrorForm};
use super::layers::TrailingSlash;
use super::origin::{NODE_SECRET, PeerAddress};
use crate::domain::{Error, Result};

/// How long an unused connection is kept: less than the ingest node keeps it (serve.rs), so that a request rarely meets
/// one that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum number of unused connections.
const MAX_IDLE_CONNECTIONS: usize = 64;

/// Forwards requests to the ingest node. Clones share their connections.
#[derive(Clone)]
pub struct Forwarder {
    client: Client<OwnerConnector, Body>,
    scheme: Scheme,
    authority: Authority,
    /// By which the ingest node believes the client's address.
    secret: HeaderValue,
}

impl Forwarder {
    /// A forwarder to the HTTP listener with this URL, of which only scheme, host and port count, for a node that has the secret of
    /// the cluster. With `ca`, certificates in PEM, only these authorities are trusted; without it those of the public web.
    ///
    /// # Errors
    /// `Invalid` naming the configuration key when the URL is not one of HTTP with a host, a header cannot carry the secret, or
    /// `ca` holds no certificate.
    pub fn new(owner: &Url, secret: &str, ca: Option<&str>) -> Result<Forwarder> {
        let wrong =
            || Error::field("cluster.owner_http", "must be a URL such as https://ingest.example:8000");
        let scheme = match owner.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return Err(wrong()),
        };
        let authority = owner[Position::BeforeHost..Position::AfterPort].parse::<Authority>();
        let authority = authority.map_err(|e| wrong().with_source(e))?;
        let mut secret = HeaderValue::try_from(secret).map_err(|e| {
            Error::field("cluster.secret", "must be visible characters of ASCII").with_source(e)
        })?;
        secret.set_sensitive(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .build(OwnerConnector::new(ca)?);
        Ok(Forwarder { client, scheme, authority, secret })
    }

    /// Forwards a request and returns the response once its head has arrived. When the ingest node does not answer, the
    /// response is a 503 in the form of the path's errors.
    pub async fn forward(&self, request: Request) -> Response {
        let form = request.extensions().get::<ErrorForm>().copied().unwrap_or(DATASTONE);
        self.try_forward(request).await.unwrap_or_else(|error| form.render(error))
    }

    async fn try_forward(&self, mut request: Request) -> Result<Response> {
        let websocket = WebSocketRequest::take(&mut request);
        if websocket.is_none() && request.method() == Method::CONNECT {
            // Nothing but WebSockets is tunnelled.
            return Err(Error::not_found());
        }
        let outgoing = self.outgoing_request(request, websocket.as_ref())?;
        // The client tries another connection only while nothing of the request has been written.
        let response = self.client.request(outgoing).await.map_err(|e| no_answer().with_source(e))?;
        let mut response = response.map(Body::new);
        if websocket::is_accepted(&response) {
            let websocket = websocket.ok_or_else(no_answer)?;
            return Ok(websocket.accept(response));
        }
        if websocket.is_some_and(|websocket| websocket.is_stream()) && response.status().is_success() {
            // To an HTTP/2 client any success would mean that its WebSocket is open.
            return Err(Error::not_found());
        }
        headers::remove_hop_by_hop(response.headers_mut());
        Ok(response)
    }

    /// Builds the request to the ingest node.
    fn outgoing_request(&self, request: Request, websocket: Option<&WebSocketRequest>) -> Result<Request> {
        let had_slash = request.extensions().get::<TrailingSlash>().is_some();
        let client = request.extensions().get::<PeerAddress>().map(|peer| peer.0);
        let (parts, body) = request.into_parts();
        let uri = self.outgoing_uri(&parts.uri, had_slash)?;
        let body = if websocket.is_some() { Body::empty() } else { body };

        // Built anew, because extensions of the incoming connection mean nothing to the outgoing one.
        let mut outgoing = Request::new(body);
        *outgoing.version_mut() = Version::HTTP_11;
        *outgoing.method_mut() = parts.method;
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = parts.headers;
        let has_body = !outgoing.body().is_end_stream();
        let sent = outgoing.headers_mut();
        headers::remove_hop_by_hop(sent);
        headers::set_client_address(sent, client);
        sent.insert(NODE_SECRET, self.secret.clone());
        headers::join_cookies(sent);
        headers::complete_host(sent, parts.uri.authority());
        headers::frame_body(sent, has_body);
        if let Some(websocket) = websocket {
            websocket.add_handshake(&mut outgoing);
        }
        Ok(outgoing)
    }

    /// Returns the target at the ingest node: path and query as the client sent them.
    fn outgoing_uri(&self, uri: &Uri, had_slash: bool) -> Result<Uri> {
        let (path, slash) = (uri.path(), if had_slash { "/" } else { "" });
        let target = match uri.query() {
            Some(query) => format!("{path}{slash}?{query}"),
            None => format!("{path}{slash}"),
        };
        let target = PathAndQuery::try_from(target).map_err(|e| Error::not_found().with_source(e))?;
        let builder = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target);
        builder.build().map_err(|e| Error::not_found().with_source(e))
    }
}

fn no_answer() -> Error {
    Error::unavailable("the ingest node does not answer")
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
