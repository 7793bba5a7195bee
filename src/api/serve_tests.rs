//! Connections that make no progress are let go, those that do stay.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use super::{Incoming, PatientListener, serve_patiently};

const IDLE: Duration = Duration::from_millis(300);
/// Long enough for anything that is going to happen at all.
const SOON: Duration = Duration::from_secs(10);

async fn connect() -> TcpStream {
    let slow = || async {
        sleep(IDLE * 3).await;
        "done"
    };
    let routes = Router::new().route("/", get(|| async { "hello" })).route("/slow", get(slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listener = PatientListener { incoming: Incoming::new(listener, None).unwrap(), idle: IDLE };
    tokio::spawn(serve_patiently(listener, routes, std::future::pending()));
    TcpStream::connect(address).await.unwrap()
}

/// Everything until the server closes.
async fn read_to_close(socket: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is as good as a close.
    timeout(SOON, socket.read_to_end(&mut text)).await.expect("the server closes").unwrap_or_default();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let mut socket = connect().await;
    let started = Instant::now();
    assert_eq!(read_to_close(&mut socket).await, "");
    assert!(started.elapsed() >= IDLE);
}

#[tokio::test]
async fn a_head_sent_drop_by_drop_is_cut_off() {
    let mut socket = connect().await;
    let started = Instant::now();
    for drop in b"GET / HTTP/1.1\r\nx-long: ".iter().chain([b'x'; 10_000].iter()) {
        if socket.write_all(&[*drop]).await.is_err() {
            break;
        }
        sleep(IDLE / 20).await;
        assert!(started.elapsed() < SOON, "still connected");
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_then_the_idle_connection_closed() {
    let mut socket = connect().await;
    socket.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let answer = read_to_close(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
}

#[tokio::test]
async fn a_connection_in_use_stays() {
    let mut socket = connect().await;
    for _ in 0..4 {
        socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 1024];
        let read = timeout(SOON, socket.read(&mut answer)).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).ends_with("hello"));
        sleep(IDLE / 2).await;
    }
}
