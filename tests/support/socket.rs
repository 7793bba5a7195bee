//! A client of graphql-transport-ws, by hand, so that it can also do what no client should.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long the server may take to say something that it has to say.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);

pub const PROTOCOL: &str = "graphql-transport-ws";

/// A connection to `/graphql/ws`.
pub struct WsClient(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// Message or close of the server.
#[derive(Debug, Clone, PartialEq)]
pub enum WsEvent {
    Message(Value),
    Closed(u16, String),
}

impl WsClient {
    /// Opens one with these headers, having said nothing yet.
    pub async fn open(url: &str, headers: &[(&'static str, &str)]) -> WsClient {
        let url = format!("{}/graphql/ws", url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = connect_async(request).await.unwrap();
        WsClient(socket)
    }

    /// Opens one, acknowledged for a key.
    pub async fn connect(url: &str, key: &str) -> WsClient {
        let mut socket = WsClient::open(url, &[("sec-websocket-protocol", PROTOCOL)]).await;
        let payload = json!({ "Authorization": format!("ApiKey {key}") });
        socket.send_json(&json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.receive().await, WsEvent::Message(json!({ "type": "connection_ack" })));
        socket
    }

    pub async fn send_json(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Begins an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send_json(&json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    /// Returns the server's next event.
    pub async fn receive(&mut self) -> WsEvent {
        loop {
            let event =
                tokio::time::timeout(RECEIVE_TIMEOUT, self.0.next()).await.expect("it says something");
            match event {
                Some(Ok(Message::Text(text))) => {
                    return WsEvent::Message(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return WsEvent::Closed(frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) => return WsEvent::Closed(1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return WsEvent::Closed(1006, error.to_string()),
                None => return WsEvent::Closed(1006, "the connection has ended".to_owned()),
            }
        }
    }

    /// The data of the next answer to an operation, which has to be one without errors.
    pub async fn next_data(&mut self, id: &str) -> Value {
        let event = self.receive().await;
        let WsEvent::Message(message) = &event else { panic!("{event:?}") };
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)), "{message}");
        assert!(message["payload"].get("errors").is_none(), "{message}");
        message["payload"]["data"].clone()
    }

    /// The errors an operation ends with.
    pub async fn expect_failure(&mut self, id: &str) -> Vec<Value> {
        let event = self.receive().await;
        let WsEvent::Message(message) = &event else { panic!("{event:?}") };
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message}");
        message["payload"].as_array().expect("a list of errors").clone()
    }

    /// Closes the connection, and returns the code with which the server closes it too.
    pub async fn close(mut self) -> u16 {
        self.0.close(None).await.unwrap();
        self.wait_for_close().await.0
    }

    /// How the connection is closed; what is said before is passed over.
    pub async fn wait_for_close(&mut self) -> (u16, String) {
        loop {
            if let WsEvent::Closed(code, reason) = self.receive().await {
                return (code, reason);
            }
        }
    }
}
