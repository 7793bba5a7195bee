//! Tests of two requests on one connection, of which the first is refused before its body is read.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that refuses every POST unread.
async fn serve() -> TcpStream {
    let refuse = post(|| async { StatusCode::UNAUTHORIZED });
    let routes = Router::new().route("/refused", refuse).route("/hello", get(|| async { "hello" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes.layer(from_fn(drain_unread_body))).await });
    TcpStream::connect(address).await.unwrap()
}

/// Reads the head of the next response, with any bytes that follow it.
async fn answer(socket: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), socket.read(&mut bytes)).await;
    let read = read.expect("it answers").unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).to_lowercase()
}

/// Sends a head and `body` bytes without waiting for the response, and then another request.
async fn ask_twice(head: &str, body: usize) -> (String, Option<String>) {
    let mut socket = serve().await;
    socket.write_all(format!("POST /refused HTTP/1.1\r\nHost: x\r\n{head}\r\n").as_bytes()).await.unwrap();
    let (mut read, mut write) = socket.split();
    let sending = async {
        // Fails if the server has closed the connection, as it may.
        let _ = write.write_all(&vec![b'x'; body]).await;
    };
    let mut bytes = vec![0; 4096];
    let reading = async { read.read(&mut bytes).await.unwrap_or(0) };
    let ((), count) = tokio::join!(sending, reading);
    let first = String::from_utf8_lossy(&bytes[..count]).to_lowercase();
    if first.contains("connection: close") {
        return (first, None);
    }
    socket.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let second = answer(&mut socket).await;
    (first, Some(second))
}

#[tokio::test]
async fn the_next_request_is_answered_or_the_answer_says_close() {
    for (name, head, body, closes) in [
        ("none", "Content-Length: 0\r\n", 0, false),
        ("short", "Content-Length: 100\r\n", 100, false),
        ("as_long_as_is_read", "Content-Length: 262144\r\n", 262_144, false),
        ("longer", "Content-Length: 20000000\r\n", 20_000_000, true),
        ("never_sent", "Content-Length: 100\r\n", 0, true),
        ("asks_first", "Content-Length: 100\r\nExpect: 100-continue\r\n", 0, true),
    ] {
        let (first, second) = ask_twice(head, body).await;
        assert!(first.starts_with("http/1.1 401"), "{name}: {first}");
        assert_eq!(second.is_none(), closes, "{name}: {first}");
        assert!(second.is_none_or(|second| second.starts_with("http/1.1 200")), "{name}");
    }
}
