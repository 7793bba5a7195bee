//! `/graphql/ws`: upgrade and authentication of GraphQL over WebSocket. ws_connection.rs serves the connection.

use std::sync::Arc;

use axum::RequestExt;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use serde_json::{Map, Value};

use super::GraphqlService;
use super::operation::OperationRunner;
use super::ws_connection;
use super::ws_messages::{CloseReason, PROTOCOL};
use crate::api::caller;
use crate::api::cookies;
use crate::api::error::{ErrorReport, PlainError};
use crate::domain::Error;
use crate::domain::audit::RequestOrigin;

/// Maximum message size, bytes, beyond which the connection is cut. Shorter messages that are too long get an error.
const MAX_FRAME_BYTES: usize = 4 << 20;

/// Headers that may also come in the payload of `connection_init`, because browsers cannot set them.
const PAYLOAD_HEADERS: [HeaderName; 3] =
    [header::AUTHORIZATION, HeaderName::from_static("x-api-key"), cookies::CSRF_HEADER];

/// `GET /graphql/ws`.
pub async fn upgrade(
    State(graph): State<GraphqlService>,
    mut request: Request,
) -> Result<Response, PlainError> {
    let upgrade = request.extract_parts::<WebSocketUpgrade>().await;
    let upgrade =
        upgrade.map_err(|e| Error::invalid(format!("this endpoint is for WebSockets only: {e}")))?;
    let (parts, _) = request.into_parts();
    let door = WsHandshake { graph, headers: parts.headers, extensions: parts.extensions };
    let upgrade =
        upgrade.max_message_size(MAX_FRAME_BYTES).max_frame_size(MAX_FRAME_BYTES).protocols([PROTOCOL]);
    Ok(upgrade.on_upgrade(|socket: WebSocket| async move {
        let speaks = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
        let door = if speaks { Ok(door) } else { Err(CloseReason::subprotocol()) };
        ws_connection::serve(socket, door).await;
    }))
}

/// A client before authentication.
pub struct WsHandshake {
    pub graph: GraphqlService,
    headers: HeaderMap,
    extensions: Extensions,
}

impl WsHandshake {
    /// Authenticates the client by its headers or the payload of `connection_init`, which takes precedence. A session
    /// must send its CSRF token, because later operations can change data.
    ///
    /// # Errors
    /// 4403 if authentication fails.
    pub fn authenticate(&self, payload: Option<&Map<String, Value>>) -> Result<OperationRunner, CloseReason> {
        let headers = merge_headers(&self.headers, payload);
        match caller::live_credential(&self.graph.app, &Method::POST, &headers, &self.extensions) {
            Ok(standing) => Ok(OperationRunner { graph: self.graph.clone(), credential: standing }),
            Err(fault) => {
                self.audit_refusal(&ErrorReport::from_http(&fault));
                Err(CloseReason::forbidden())
            }
        }
    }

    /// Reports a refused client to the audit log.
    fn audit_refusal(&self, failure: &ErrorReport) {
        if let (Some(refusal), Some(origin)) = (failure.refusal, self.extensions.get::<Arc<RequestOrigin>>())
        {
            self.graph.app.note_refusal(origin, refusal);
        }
    }
}

/// Returns the headers, overridden by those in the payload.
fn merge_headers(headers: &HeaderMap, payload: Option<&Map<String, Value>>) -> HeaderMap {
    let mut merged = headers.clone();
    for (name, value) in payload.into_iter().flatten() {
        let name = PAYLOAD_HEADERS.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
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
            let merged = merge_headers(&headers, payload.as_object());
            let of = |name: &str| merged.get(name).map(|v| v.to_str().unwrap());
            assert_eq!((of("authorization"), of("x-api-key")), (authorization, api_key), "{name}");
            assert_eq!(of("cookie"), None, "{name}");
        }
    }
}
