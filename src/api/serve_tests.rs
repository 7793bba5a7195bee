//! Tests that connections without progress are closed and others stay.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    AcceptedConnections, ConnectionLimit, OverflowPolicy, serve_connection, serve_with_idle_timeout,
    track_request,
};
use crate::api::ERROR_FORMS;

const IDLE: Duration = Duration::from_millis(300);
/// Long enough for anything that happens at all.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that are under way between client and server at most.
const SOCKET_BUFFER_BYTES: usize = 64 << 10;

fn routes() -> Router {
    let slow = || async {
        sleep(IDLE * 3).await;
        "done"
    };
    Router::new().route("/", get(|| async { "hello" })).route("/slow", get(slow))
}

/// Serves one connection in memory, so that the clock can be paused; returns the client's end.
fn connect() -> DuplexStream {
    let (client, server) = tokio::io::duplex(SOCKET_BUFFER_BYTES);
    let peer = SocketAddr::from(([10, 0, 0, 1], 50_000));
    let permit = ConnectionLimit::new("http.connections", 10).try_acquire(peer.ip()).unwrap();
    let routes = routes().layer(from_fn(track_request));
    tokio::spawn(serve_connection((server, peer, permit), IDLE, routes, CancellationToken::new()));
    client
}

/// Starts a server with this connection limit and idle timeout.
async fn listen(connections: usize, idle: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limit = ConnectionLimit::new("http.connections", connections);
    let incoming = AcceptedConnections::new(listener, None, limit, OverflowPolicy::Refuse(ERROR_FORMS));
    tokio::spawn(serve_with_idle_timeout(incoming, idle, routes(), std::future::pending()));
    address
}

/// Reads until the server closes.
async fn read_to_close(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    // A reset counts as a close.
    timeout(TEST_TIMEOUT, socket.read_to_end(&mut text))
        .await
        .expect("the server closes")
        .unwrap_or_default();
    String::from_utf8(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let mut socket = connect();
    let started = Instant::now();
    assert_eq!(read_to_close(&mut socket).await, "");
    assert_eq!(started.elapsed(), IDLE);
}

#[tokio::test(start_paused = true)]
async fn a_head_sent_drop_by_drop_is_cut_off() {
    let mut socket = connect();
    let started = Instant::now();
    for drop in b"GET / HTTP/1.1\r\nx-long: ".iter().chain([b'x'; 10_000].iter()) {
        if socket.write_all(&[*drop]).await.is_err() {
            break;
        }
        sleep(IDLE / 20).await;
        assert!(started.elapsed() < TEST_TIMEOUT, "still connected");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_waited_for_and_then_the_idle_connection_closed() {
    let mut socket = connect();
    socket.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let answer = read_to_close(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_in_use_stays() {
    let mut socket = connect();
    for _ in 0..4 {
        socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 1024];
        let read = timeout(TEST_TIMEOUT, socket.read(&mut answer)).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).ends_with("hello"));
        sleep(IDLE / 2).await;
    }
}

#[tokio::test]
async fn who_says_nothing_makes_room_for_a_newcomer() {
    let address = listen(2, TEST_TIMEOUT * 6).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut other = TcpStream::connect(address).await.unwrap();
    let mut newcomer = TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    newcomer.write_all(request).await.unwrap();
    assert!(read_to_close(&mut newcomer).await.ends_with("hello"));
    assert_eq!(read_to_close(&mut silent).await, "", "the oldest is closed");
    other.write_all(request).await.unwrap();
    assert!(read_to_close(&mut other).await.ends_with("hello"), "the other stays");
}

#[tokio::test(start_paused = true)]
async fn a_head_without_end_is_refused_before_it_takes_memory() {
    let mut socket = connect();
    socket.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut sent = 0;
    while sent < 1 << 20 && socket.write_all(&[b'x'; 8192]).await.is_ok() {
        sent += 8192;
    }
    let answer = read_to_close(&mut socket).await;
    // Closing with unread bytes resets the connection, which may lose the response.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

/// With every place taken by a request, a newcomer is refused in the form of the path that it asks for.
#[tokio::test]
async fn a_refused_connection_is_told_so_in_the_form_of_its_path() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limit = ConnectionLimit::new("http.connections", 1);
    let holder = limit.try_acquire(address.ip()).unwrap();
    holder.state().set_authenticated_and_busy();
    let _incoming = AcceptedConnections::new(listener, None, limit, OverflowPolicy::Refuse(ERROR_FORMS));
    let message = "all 1 connections are taken (http.connections)";
    let datastone = || json!({"detail": message});
    let rows = [
        ("GET /api/device/ HTTP/1.1\r\nhost: x\r\n\r\n", datastone()),
        ("GET /api/v2/x?a=b HTTP/1.1\r\nhost: x\r\n\r\n", json!({"error": {"message": message}})),
        ("POST http://x/Device/v1/x HTTP/1.1\r\n\r\n", json!({"message": "Service Unavailable"})),
        ("GET /api/data/packets HTTP/1.1\r\n", json!({"ok": false, "error": message})),
        ("GET /api/v2/a-line-without-end", datastone()),
        ("nonsense\n", datastone()),
        ("", datastone()),
    ];
    for (request, expected) in rows {
        let mut newcomer = TcpStream::connect(address).await.unwrap();
        newcomer.write_all(request.as_bytes()).await.unwrap();
        let answer = read_to_close(&mut newcomer).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request}: {answer}"));
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{request}: {head}");
        for line in ["retry-after: 1", "connection: close", &format!("content-length: {}", body.len())] {
            assert!(head.lines().any(|found| found == line), "{request}: {line} in {head}");
        }
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected, "{request}");
    }
}
