//! The on-premise interface of Instathings: REST, and socket.io 2 over polling and WebSockets, on a listener of its own with
//! messages in memory; `served` has those of a server.

mod bounds;
mod engine;
mod memory;
mod peers;
mod rest;
mod served;

use std::sync::Arc;
use std::time::Duration;

use basalt::api::connection_limit::ConnectionLimit;
use basalt::api::instathings::onpremise::{ERROR_FORMS, OnPremiseOptions, router};
use basalt::api::serve::{HttpApi, serve};
use futures::{SinkExt, StreamExt};
use memory::MemoryMessages;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::Client;

/// The device of the examples.
const DEVICE: &str = "9s9WdonY9";
/// 2026-04-28T12:00:00Z, in microseconds.
const NOON: i64 = 1_777_377_600_000_000;
/// How long the server may take for what it does at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A listener of the interface. Dropping it stops the server.
struct Gateway {
    messages: Arc<MemoryMessages>,
    url: String,
    ending: CancellationToken,
    connections: TaskTracker,
    client: Client,
}

impl Gateway {
    async fn start() -> Gateway {
        Gateway::start_with(2048).await
    }

    /// Starts one with at most so many connections and sessions.
    async fn start_with(connections: usize) -> Gateway {
        let (messages, ending) = (MemoryMessages::new(), CancellationToken::new());
        let tracker = TaskTracker::new();
        let options = OnPremiseOptions {
            sessions: connections,
            ending: ending.clone(),
            origins: Default::default(),
            connections: tracker.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let limit = ConnectionLimit::new("onpremise.connections", connections);
        let api = HttpApi { routes: router(messages.clone(), options), error_forms: ERROR_FORMS };
        tokio::spawn(serve(listener, None, api, limit, ending.clone().cancelled_owned()));
        let client = Client::new(&url, "").without_key();
        Gateway { messages, url, ending, connections: tracker, client }
    }

    fn client(&self) -> Client {
        self.client.clone()
    }

    /// Opens a session on polling and returns its id.
    async fn handshake(&self) -> String {
        let (status, body) = self.engine("GET", "EIO=3&transport=polling", "").await;
        assert_eq!(status, 200, "{body}");
        let (open, connected) = body.split_at(body.len() - 4);
        assert_eq!(connected, "2:40");
        let (length, packet) = open.split_once(':').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), packet.len());
        let open: Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
        assert_eq!(open["upgrades"], serde_json::json!(["websocket"]));
        open["sid"].as_str().unwrap().to_owned()
    }

    /// A request to `/socket.io/`: its status and body.
    async fn engine(&self, method: &str, query: &str, body: &str) -> (u16, String) {
        let path = format!("/socket.io/?{query}");
        let headers = [("content-type", "text/plain;charset=UTF-8")];
        let (status, bytes) =
            self.client().send_bytes(method, &path, &headers, body.to_owned()).await.outcome();
        (status, String::from_utf8(bytes).unwrap())
    }

    /// Polls a session.
    async fn poll(&self, sid: &str) -> (u16, String) {
        self.engine("GET", &format!("EIO=3&transport=polling&sid={sid}"), "").await
    }

    /// Sends packets of a session on polling.
    async fn post(&self, sid: &str, body: &str) -> (u16, String) {
        self.engine("POST", &format!("EIO=3&transport=polling&sid={sid}"), body).await
    }

    /// Opens a WebSocket, for a new session or for one on polling.
    async fn socket(&self, sid: Option<&str>) -> Result<Socket, u16> {
        Socket::open(&self.url.replacen("http", "ws", 1), sid).await
    }

    /// Opens a session on a WebSocket, past its first two packets.
    async fn connected_socket(&self) -> Socket {
        let mut socket = self.socket(None).await.expect("it upgrades");
        assert!(socket.receive().await.unwrap().starts_with("0{"));
        assert_eq!(socket.receive().await.as_deref(), Some("40"));
        socket
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

/// A WebSocket of a client.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens one, for a new session or for one on polling; fails with the status of a refusal.
    async fn open(url: &str, sid: Option<&str>) -> Result<Socket, u16> {
        let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
        match connect_async(format!("{url}/socket.io/?EIO=3&transport=websocket{sid}")).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn send(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).await.expect("it is open");
    }

    /// The next packet; `None` when the server has closed it.
    async fn receive(&mut self) -> Option<String> {
        loop {
            let message =
                tokio::time::timeout(ANSWER_TIMEOUT, self.0.next()).await.expect("it says something");
            match message {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(other)) => panic!("{other:?}"),
            }
        }
    }

    /// Closes it, and returns whether the server has closed it too.
    async fn close(mut self) -> bool {
        self.0.close(None).await.expect("it is open");
        let closing = async {
            while let Some(Ok(message)) = self.0.next().await {
                if message.is_close() {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(ANSWER_TIMEOUT, closing).await.expect("it ends")
    }

    /// So many packets.
    async fn receive_all(&mut self, count: usize) -> Vec<String> {
        let mut packets = Vec::with_capacity(count);
        while packets.len() < count {
            packets.push(self.receive().await.expect("it stays open"));
        }
        packets
    }
}
