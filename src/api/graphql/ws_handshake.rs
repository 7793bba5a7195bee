//! Authentication of a WebSocket client, by the headers of its upgrade or by the payload of `connection_init`.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value};

use super::GraphqlService;
use super::operation::OperationRunner;
use super::ws_messages::CloseReason;
use crate::api::caller;
use crate::api::cookies;
use crate::api::error::ErrorReport;
use crate::domain::audit::RequestOrigin;

/// Headers that may also come in the payload of `connection_init`, because browsers cannot set them.
const PAYLOAD_HEADERS: [HeaderName; 3] =
    [header::AUTHORIZATION, HeaderName::from_static("x-api-key"), cookies::CSRF_HEADER];

/// A client before authentication.
pub struct WsHandshake {
    /// The schema with its limits.
    pub graph: GraphqlService,
    headers: HeaderMap,
    extensions: Extensions,
}

impl WsHandshake {
    /// Keeps the headers and extensions of the upgrade request until the client authenticates.
    pub fn new(graph: GraphqlService, headers: HeaderMap, extensions: Extensions) -> Self {
        Self { graph, headers, extensions }
    }

    /// Authenticates the client by its headers or the payload of `connection_init`, which takes precedence. A session
    /// must send its CSRF token, because later operations can change data.
    ///
    /// # Errors
    /// 4403 if authentication fails.
    pub fn authenticate(&self, payload: Option<&Map<String, Value>>) -> Result<OperationRunner, CloseReason> {
        let headers = merge_headers(&self.headers, payload);
        match caller::live_credential(&self.graph.app, &Method::POST, &headers, &self.extensions) {
            Ok(credential) => Ok(OperationRunner { graph: self.graph.clone(), credential }),
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
            self.graph.app.audit.note_refusal(origin, refusal);
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
