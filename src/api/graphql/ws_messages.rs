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
    pub code: u16,
    pub reason: String,
}

impl CloseReason {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    pub fn going_away() -> Self {
        Self::new(1001, "The server is shutting down")
    }

    pub fn too_large() -> Self {
        Self::new(1009, "Message too large")
    }

    pub fn invalid(why: &str) -> Self {
        // A close frame has room for 123 bytes of reason.
        let end = why.floor_char_boundary(100.min(why.len()));
        Self::new(4400, format!("Invalid message: {}", &why[..end]))
    }

    pub fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub fn subprotocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub fn initialisation_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub fn subscriber_exists(id: &str) -> Self {
        let end = id.floor_char_boundary(60.min(id.len()));
        Self::new(4409, format!("Subscriber for {} already exists", &id[..end]))
    }

    pub fn too_many_initialisations() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }
}

/// Message from the client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    ConnectionInit {
        payload: Option<Map<String, Value>>,
    },
    Ping {
        payload: Option<Map<String, Value>>,
    },
    Pong {
        #[serde(rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    Subscribe {
        id: String,
        payload: GraphqlRequest,
    },
    Complete {
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
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a Map<String, Value>>,
    },
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
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
