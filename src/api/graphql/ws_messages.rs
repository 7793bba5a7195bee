//! Messages and close codes of the graphql-transport-ws protocol.
//!
//! <https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md>

use async_graphql::{Response, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request::GraphqlRequest;

/// Subprotocol that a client must offer.
pub const PROTOCOL: &str = "graphql-transport-ws";

/// Close code and reason sent by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// Close code of RFC 6455 or of the subprotocol (44xx).
    pub code: u16,
    /// Text for the developer, at most 123 bytes.
    pub reason: String,
}

impl CloseReason {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// 1001: the server stops.
    pub fn going_away() -> Self {
        Self::new(1001, "The server is shutting down")
    }

    /// 1009: the message exceeds the maximum frame size.
    pub fn too_large() -> Self {
        Self::new(1009, "Message too large")
    }

    /// 4400: the message is not one of the subprotocol; `why` is cut to 100 bytes.
    pub fn invalid(why: &str) -> Self {
        // A close frame has room for 123 bytes of reason.
        let end = why.floor_char_boundary(100.min(why.len()));
        Self::new(4400, format!("Invalid message: {}", &why[..end]))
    }

    /// 4401: an operation came before the connection was acknowledged.
    pub fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    /// 4403: the credentials are wrong.
    pub fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    /// 4406: the client does not offer `graphql-transport-ws`.
    pub fn subprotocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    /// 4408: no `connection_init` came in time.
    pub fn initialisation_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    /// 4409: an operation with this id is running; the id is cut to 60 bytes.
    pub fn subscriber_exists(id: &str) -> Self {
        let end = id.floor_char_boundary(60.min(id.len()));
        Self::new(4409, format!("Subscriber for {} already exists", &id[..end]))
    }

    /// 4429: a second `connection_init`.
    pub fn too_many_initialisations() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }
}

/// Message from the client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Opens the connection; must be the first message.
    ConnectionInit {
        /// Credentials, under the names of the HTTP headers; they take precedence over those.
        payload: Option<Map<String, Value>>,
    },
    /// Asks for a `Pong`.
    Ping {
        /// Any object, which the `Pong` returns.
        payload: Option<Map<String, Value>>,
    },
    /// Answers a ping, or shows that the client is there.
    Pong {
        /// Any object; ignored, but checked to be one.
        #[serde(rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    /// Starts an operation of any kind.
    Subscribe {
        /// Id of the operation, chosen by the client; not empty.
        id: String,
        /// Query, variables and operation name, as over HTTP.
        payload: GraphqlRequest,
    },
    /// Stops an operation.
    Complete {
        /// Id of the operation.
        id: String,
    },
}

impl ClientMessage {
    /// Parses a client message.
    ///
    /// # Errors
    /// The close reason of an invalid message.
    pub fn parse(text: &str) -> Result<ClientMessage, CloseReason> {
        let message: ClientMessage =
            serde_json::from_str(text).map_err(|e| CloseReason::invalid(&e.to_string()))?;
        match &message {
            ClientMessage::Subscribe { id, .. } | ClientMessage::Complete { id } if id.is_empty() => {
                Err(CloseReason::invalid("the id is empty"))
            }
            _ => Ok(message),
        }
    }
}

/// Message to the client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a> {
    /// The credentials are accepted.
    ConnectionAck,
    /// Answers a ping.
    Pong {
        /// The object of the ping, if it had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a Map<String, Value>>,
    },
    /// A response of an operation.
    Next {
        /// Id of the operation.
        id: &'a str,
        /// Data and errors.
        payload: &'a Response,
    },
    /// The operation was refused; nothing follows it.
    Error {
        /// Id of the operation.
        id: &'a str,
        /// The reasons, at least one.
        payload: &'a [ServerError],
    },
    /// The operation has ended.
    Complete {
        /// Id of the operation.
        id: &'a str,
    },
}

impl ServerMessage<'_> {
    /// Serializes the message as JSON.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("answers have only what JSON has")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_4400() {
        let rows = [
            ("no_json", "subscribe"),
            ("no_object", "[]"),
            ("no_type", "{}"),
            ("an_unknown_type", r#"{"type":"start","id":"1","payload":{"query":"{me}"}}"#),
            ("no_id", r#"{"type":"subscribe","payload":{"query":"{me}"}}"#),
            ("an_empty_id", r#"{"type":"subscribe","id":"","payload":{"query":"{me}"}}"#),
            ("a_number_as_id", r#"{"type":"subscribe","id":1,"payload":{"query":"{me}"}}"#),
            ("no_query", r#"{"type":"subscribe","id":"1","payload":{}}"#),
            ("no_payload", r#"{"type":"subscribe","id":"1"}"#),
            (
                "variables_that_are_a_list",
                r#"{"type":"subscribe","id":"1","payload":{"query":"{me}","variables":[]}}"#,
            ),
            ("a_payload_that_is_a_text", r#"{"type":"connection_init","payload":"ApiKey x"}"#),
            ("nothing_to_complete", r#"{"type":"complete"}"#),
            ("long", &format!(r#"{{"type":"{}"}}"#, "\u{fc}".repeat(500))),
        ];
        for (name, text) in rows {
            let close = ClientMessage::parse(text).unwrap_err();
            assert_eq!(close.code, 4400, "{name}");
            assert!(close.reason.len() <= 123, "{name}: {}", close.reason);
        }
    }

    #[test]
    fn messages_are_read() {
        let rows = [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":{"Authorization":"ApiKey x"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"pong","payload":null}"#,
            r#"{"type":"complete","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{me}","operationName":null,"variables":null,"extensions":{}}}"#,
        ];
        for text in rows {
            assert!(ClientMessage::parse(text).is_ok(), "{text}");
        }
    }
}
