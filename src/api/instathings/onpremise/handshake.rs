//! Parameters of a request to `/socket.io/`, checked in the order of the vendor's library, and its refusals.

use axum::http::Method;
use serde_json::json;
use url::form_urlencoded;

use super::session::Transport;
use crate::api::error::InstathingsError;
use crate::domain::Error;

/// A refusal of the engine, with the number and the text that clients expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineRefusal {
    TransportUnknown,
    SessionUnknown,
    BadHandshakeMethod,
    BadRequest,
}

impl From<EngineRefusal> for InstathingsError {
    fn from(refusal: EngineRefusal) -> Self {
        let (code, message) = match refusal {
            EngineRefusal::TransportUnknown => (0, "Transport unknown"),
            EngineRefusal::SessionUnknown => (1, "Session ID unknown"),
            EngineRefusal::BadHandshakeMethod => (2, "Bad handshake method"),
            EngineRefusal::BadRequest => (3, "Bad request"),
        };
        let body = Some(Box::new(json!({"code": code, "message": message})));
        InstathingsError { fault: Error::invalid(message).into(), body }
    }
}

/// A request to the engine. The version of the protocol is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineRequest {
    pub transport: Transport,
    /// Id of the session; without one the request opens a session.
    pub session: Option<String>,
}

impl EngineRequest {
    /// Reads the query of a request with this method.
    ///
    /// # Errors
    /// `TransportUnknown`; `BadHandshakeMethod` when anything but GET opens a session.
    pub fn parse(method: &Method, query: &str) -> Result<EngineRequest, EngineRefusal> {
        let (mut transport, mut session) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "transport" => {
                    transport = match &*value {
                        "polling" => Some(Transport::Polling),
                        "websocket" => Some(Transport::WebSocket),
                        _ => return Err(EngineRefusal::TransportUnknown),
                    };
                }
                "sid" if !value.is_empty() => session = Some(value.into_owned()),
                _ => {}
            }
        }
        let transport = transport.ok_or(EngineRefusal::TransportUnknown)?;
        if session.is_none() && method != Method::GET {
            return Err(EngineRefusal::BadHandshakeMethod);
        }
        Ok(EngineRequest { transport, session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        use EngineRefusal::{BadHandshakeMethod, TransportUnknown};
        use Transport::{Polling, WebSocket};
        let sound = |transport, session: Option<&str>| {
            Ok(EngineRequest { transport, session: session.map(str::to_owned) })
        };
        let rows = [
            ("GET", "", Err(TransportUnknown)),
            ("GET", "EIO=3", Err(TransportUnknown)),
            ("GET", "transport=flash", Err(TransportUnknown)),
            ("GET", "transport=", Err(TransportUnknown)),
            ("POST", "transport=x", Err(TransportUnknown)),
            ("POST", "transport=polling", Err(BadHandshakeMethod)),
            ("POST", "transport=polling&sid=", Err(BadHandshakeMethod)),
            ("GET", "EIO=3&transport=polling&t=N&b64=1", sound(Polling, None)),
            ("GET", "transport=polling", sound(Polling, None)),
            ("GET", "EIO=4&transport=websocket", sound(WebSocket, None)),
            ("POST", "transport=polling&sid=abc", sound(Polling, Some("abc"))),
            ("GET", "sid=a%2Fb&transport=websocket", sound(WebSocket, Some("a/b"))),
        ];
        for (method, query, expected) in rows {
            assert_eq!(EngineRequest::parse(&method.parse().unwrap(), query), expected, "{method} {query}");
        }
    }
}
