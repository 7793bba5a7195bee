//! `/graphql/ws`: GraphQL over a WebSocket. Here is who may come in; ws_socket.rs is what happens then.

use std::sync::Arc;

use axum::RequestExt;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use serde_json::{Map, Value};

use super::Graph;
use super::operation::Asker;
use super::ws_messages::{Close, PROTOCOL};
use super::ws_socket;
use crate::api::caller;
use crate::api::cookies;
use crate::api::error::{Failure, PlainError};
use crate::domain::Error;
use crate::domain::audit::Origin;

/// Past this many bytes of a message a connection is cut. Shorter ones that are too long are told so.
const CUT_BYTES: usize = 4 << 20;

/// Headers that a browser cannot set are taken from the payload of `connection_init` as well.
const OF_PAYLOAD: [HeaderName; 3] =
    [header::AUTHORIZATION, HeaderName::from_static("x-api-key"), cookies::CSRF_HEADER];

/// `GET /graphql/ws`.
pub async fn upgrade(State(graph): State<Graph>, mut request: Request) -> Result<Response, PlainError> {
    let upgrade = request.extract_parts::<WebSocketUpgrade>().await;
    let upgrade = upgrade.map_err(|e| Error::invalid(format!("this is for WebSockets: {e}")))?;
    let (parts, _) = request.into_parts();
    let door = Door { graph, headers: parts.headers, extensions: parts.extensions };
    let upgrade = upgrade.max_message_size(CUT_BYTES).max_frame_size(CUT_BYTES).protocols([PROTOCOL]);
    Ok(upgrade.on_upgrade(|socket: WebSocket| async move {
        let speaks = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
        let door = if speaks { Ok(door) } else { Err(Close::subprotocol()) };
        ws_socket::serve(socket, door).await;
    }))
}

/// What is known of a client before it says who it is.
pub struct Door {
    pub graph: Graph,
    headers: HeaderMap,
    extensions: Extensions,
}

impl Door {
    /// Who comes in, by what the headers say or the payload of `connection_init`, which goes before them. A session has to
    /// say its CSRF token, for what comes later can change things.
    ///
    /// # Errors
    /// 4403 for whoever is unknown.
    pub fn enter(&self, payload: Option<&Map<String, Value>>) -> Result<Asker, Close> {
        let headers = merged(&self.headers, payload);
        match caller::standing(&self.graph.app, &Method::POST, &headers, &self.extensions) {
            Ok(standing) => Ok(Asker { graph: self.graph.clone(), standing }),
            Err(fault) => {
                self.note(&Failure::of_fault(&fault));
                Err(Close::forbidden())
            }
        }
    }

    /// Tells the audit log who was not let in.
    fn note(&self, failure: &Failure) {
        if let (Some(refusal), Some(origin)) = (failure.refusal, self.extensions.get::<Arc<Origin>>()) {
            self.graph.app.note_refusal(origin, refusal);
        }
    }
}

/// The headers, in their place what the payload says of them.
fn merged(headers: &HeaderMap, payload: Option<&Map<String, Value>>) -> HeaderMap {
    let mut merged = headers.clone();
    for (name, value) in payload.into_iter().flatten() {
        let name = OF_PAYLOAD.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
        let value = value.as_str().and_then(|text| HeaderValue::from_str(text).ok());
        if let (Some(name), Some(value)) = (name, value) {
            if name != cookies::CSRF_HEADER {
                merged.remove(header::AUTHORIZATION);
                merged.remove("x-api-key");
            }
            merged.insert(name, value);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_payload_goes_before_the_headers() {
        let rows = [
            ("of_the_headers", json!({}), Some("ApiKey h"), None),
            ("of_the_payload", json!({"Authorization": "ApiKey p"}), Some("ApiKey p"), None),
            ("in_any_case", json!({"AUTHORIZATION": "ApiKey p"}), Some("ApiKey p"), None),
            ("the_other_header", json!({"X-API-Key": "p"}), None, Some("p")),
            ("what_is_no_text", json!({"Authorization": 5}), Some("ApiKey h"), None),
            ("what_is_no_header", json!({"Authorization": "a\nb"}), Some("ApiKey h"), None),
            ("other_headers_are_not_taken", json!({"Cookie": "sessionid=x"}), Some("ApiKey h"), None),
        ];
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("ApiKey h"))]);
        for (name, payload, authorization, api_key) in rows {
            let merged = merged(&headers, payload.as_object());
            let of = |name: &str| merged.get(name).map(|v| v.to_str().unwrap());
            assert_eq!((of("authorization"), of("x-api-key")), (authorization, api_key), "{name}");
            assert_eq!(of("cookie"), None, "{name}");
        }
    }
}
