//! The routes: one list over REST, and `/socket.io/`.
//!
//! As in the vendor's gateway, REST paths may be written in any case, and another method is an unknown route.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{Extensions, HeaderMap, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, RequestExt, Router};
use serde_json::json;
use tower::ServiceExt;

use super::handshake::{EngineRefusal, EngineRequest};
use super::registry::SharedSession;
use super::session::Transport;
use super::wire::PageView;
use super::{OnPremise, list_query, polling, websocket};
use crate::api::connection_limit::ConnectionState;
use crate::api::cors;
use crate::api::error::InstathingsError;
use crate::api::origin::PeerAddress;
use crate::api::pages;
use crate::app::cors::CorsOrigins;
use crate::app::session::network;
use crate::domain::{Error, Kind};

/// Path of the list.
pub const LIST: &str = "/device/v1/devices/{deviceId}/data";
/// Path of the engine, as clients write it. The slash at its end is removed before any routing.
pub const ENGINE: &str = "/socket.io/";

/// Path of the script with which pages speak to the engine.
const CLIENT: &str = "/socket.io/socket.io.js";

/// Returns method and path of every route but the script of the client. The engine refuses other methods itself, in its own words.
pub fn paths() -> Vec<(&'static str, String)> {
    let engine = polling::METHODS.map(|method| (method, ENGINE.to_owned()));
    [("GET", LIST.to_owned())].into_iter().chain(engine).collect()
}

/// Returns the routes, with the fixed segments of a path in any case.
pub fn routes(service: Arc<OnPremise>, origins: Arc<CorsOrigins>) -> Router {
    // With its own fallback, so that a preflight passes the layer too.
    let list = get(list).fallback(unknown_route).layer(from_fn_with_state(origins, cors::allow_origins));
    let routes = Router::new()
        .route(LIST, list)
        .route(ENGINE.trim_end_matches('/'), any(engine))
        .route(CLIENT, get(client))
        .method_not_allowed_fallback(unknown_route)
        .fallback(unknown_route)
        .with_state(service);
    let respelled = tower::service_fn(move |mut request: Request| {
        lowercase_list_path(request.uri_mut());
        routes.clone().oneshot(request)
    });
    Router::new().fallback_service(respelled)
}

async fn unknown_route() -> InstathingsError {
    Error::not_found().into()
}

/// `GET /device/v1/devices/{device}/data`: messages of a device.
async fn list(
    State(service): State<Arc<OnPremise>>,
    device: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
    uri: Uri,
) -> Result<Response, InstathingsError> {
    let Ok(Path(device)) = device else {
        let segment = uri.path().split('/').nth(4).unwrap_or_default();
        let message = format!("Failed to decode param '{segment}'");
        return Err(refusal(json!({"message": message}), "a path cannot be decoded"));
    };
    // In the vendor's router, a parameter has at least one character.
    if device.is_empty() {
        return Err(Error::not_found().into());
    }
    let query = list_query::parse(&device, query.as_deref().unwrap_or_default())
        .map_err(|mistakes| refusal(json!({"errors": mistakes}), "a parameter is not valid"))?;
    let page = service.source.list(&query).await.map_err(list_refusal)?;
    Ok(Json(PageView::from(&page)).into_response())
}

/// `GET /socket.io/socket.io.js`: the client for pages, where it is part of this build.
async fn client(headers: HeaderMap) -> Result<Response, InstathingsError> {
    Ok(pages::socket_client(&headers)?)
}

fn refusal(body: serde_json::Value, reason: &str) -> InstathingsError {
    InstathingsError { fault: Error::invalid(reason).into(), body: Some(Box::new(body)) }
}

/// The refusal of a list: in words when the list is too long for its order, because `start` and `end` can narrow it.
fn list_refusal(error: Error) -> InstathingsError {
    let body = (error.kind == Kind::TooLarge).then(|| Box::new(json!({"message": error.message})));
    InstathingsError { fault: error.into(), body }
}

/// `/socket.io/`: opens a session or serves a request of one. Pages of every origin may read the response.
async fn engine(State(service): State<Arc<OnPremise>>, request: Request) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = serve_engine(&service, request).await.unwrap_or_else(IntoResponse::into_response);
    allow_origin(response.headers_mut(), origin);
    response
}

fn allow_origin(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    if origin.is_some() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    let allowed = origin.unwrap_or_else(|| HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
}

async fn serve_engine(service: &Arc<OnPremise>, request: Request) -> Result<Response, InstathingsError> {
    let EngineRequest { transport, session } =
        EngineRequest::parse(request.method(), request.uri().query().unwrap_or_default())?;
    let session = match session {
        Some(id) => Some(service.sessions.get(&id).ok_or(EngineRefusal::SessionUnknown)?),
        None => None,
    };
    let address = client_address(request.extensions());
    match (transport, session) {
        (Transport::Polling, None) => polling::open(service, network(address)),
        (Transport::Polling, Some(session)) => {
            if session.read(|session| session.transport()) != Transport::Polling {
                return Err(EngineRefusal::BadRequest.into());
            }
            session.confirm();
            polling::serve(session, address, request).await
        }
        (Transport::WebSocket, session) => upgrade(service, session, address, request).await,
    }
}

/// Upgrades the connection, for a new session or to take one over.
async fn upgrade(
    service: &Arc<OnPremise>,
    session: Option<Arc<SharedSession>>,
    address: IpAddr,
    mut request: Request,
) -> Result<Response, InstathingsError> {
    let upgrade = request.extract_parts::<WebSocketUpgrade>().await;
    let upgrade = upgrade.map_err(|_| EngineRefusal::BadRequest)?;
    let upgrade = upgrade
        .max_message_size(websocket::MAX_MESSAGE_BYTES)
        .max_frame_size(websocket::MAX_MESSAGE_BYTES)
        .write_buffer_size(websocket::WRITE_BUFFER_BYTES);
    let is_new = session.is_none();
    let session = match session {
        Some(session) if session.update(|session| session.attach_probe()) => session,
        Some(_) => return Err(EngineRefusal::BadRequest.into()),
        None => service.broadcaster.open_session(network(address), Transport::WebSocket)?,
    };
    session.confirm();
    if let Some(connection) = request.extensions().get::<Arc<ConnectionState>>() {
        // One connection for each session: the limits of sessions bound how many of them do not make room for others.
        connection.set_authenticated();
    }
    let connection = service.connections.token();
    // Dropped with the callback if the connection ends before it is upgraded.
    let pending = PendingUpgrade(Some(session));
    Ok(upgrade.on_upgrade(move |socket| async move {
        if let Some(session) = pending.complete() {
            match is_new {
                true => websocket::serve_new(socket, session).await,
                false => websocket::serve_upgrade(socket, session).await,
            }
        }
        drop(connection);
    }))
}

/// Detaches a WebSocket from its session, unless it is upgraded.
struct PendingUpgrade(Option<Arc<SharedSession>>);

impl PendingUpgrade {
    /// Returns the session, which the WebSocket serves from now on.
    fn complete(mut self) -> Option<Arc<SharedSession>> {
        self.0.take()
    }
}

impl Drop for PendingUpgrade {
    fn drop(&mut self) {
        if let Some(session) = &self.0 {
            session.update(|session| session.end_socket());
        }
    }
}

fn client_address(extensions: &Extensions) -> IpAddr {
    extensions.get::<PeerAddress>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0)
}

/// Writes the fixed segments of the list's path in lower case.
fn lowercase_list_path(uri: &mut Uri) {
    let segments: Vec<&str> = uri.path().split('/').collect();
    let ["", device, version, devices, key, data] = segments[..] else { return };
    let path = format!(
        "/{}/{}/{}/{key}/{}",
        device.to_ascii_lowercase(),
        version.to_ascii_lowercase(),
        devices.to_ascii_lowercase(),
        data.to_ascii_lowercase()
    );
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let Ok(path_and_query) = PathAndQuery::try_from(text) else { return };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(path_and_query);
    *uri = Uri::from_parts(parts).expect("a path in lower case keeps a valid URI valid");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_for_its_order_says_so() {
        let body = |error| list_refusal(error).body.map(|body| *body);
        let reason = "20000 messages are too many for this order";
        assert_eq!(body(Error::too_large(reason)), Some(json!({"message": reason})));
        assert_eq!(body(Error::unavailable("the disk is full")), None);
    }

    #[test]
    fn only_the_fixed_segments_of_the_list_lose_their_case() {
        let rows = [
            ("/Device/V1/DEVICES/aBcDeFg/Data?Sort=-ts", "/device/v1/devices/aBcDeFg/data?Sort=-ts"),
            ("/device/v1/devices/%41%ff/data", "/device/v1/devices/%41%ff/data"),
            ("/Socket.io", "/Socket.io"),
            ("/A/B/C/D/E/F", "/A/B/C/D/E/F"),
        ];
        for (path, expected) in rows {
            let mut uri: Uri = path.parse().unwrap();
            lowercase_list_path(&mut uri);
            assert_eq!(uri.to_string(), expected);
        }
    }
}
