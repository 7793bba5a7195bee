//! Tests of calls to the ingest node: what is sent, and what becomes of its responses. The node is a socket of this
//! process.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::domain::Kind;

const SECRET: &str = "a-secret-of-at-least-thirty-two-characters";

/// Requests that the fake node received, each with the number of its connection.
type Requests = Arc<Mutex<Vec<(usize, String)>>>;

/// A node that answers the requests one after the other and keeps its connections open.
async fn node(responses: Vec<&'static str>) -> (Url, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let requests = Requests::default();
    let received = requests.clone();
    tokio::spawn(async move {
        let mut responses = responses.into_iter();
        for connection in 0.. {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            loop {
                let mut text = String::new();
                // Every request of these tests ends in this word.
                while !text.ends_with("END") {
                    let mut bytes = [0; 4096];
                    let read = socket.read(&mut bytes).await.unwrap_or(0);
                    if read == 0 {
                        break;
                    }
                    text.push_str(&String::from_utf8_lossy(&bytes[..read]));
                }
                if text.is_empty() {
                    break;
                }
                received.lock().push((connection, text));
                let Some(response) = responses.next() else { return };
                socket.write_all(response.as_bytes()).await.unwrap();
            }
        }
    });
    (url, requests)
}

#[tokio::test]
async fn a_call_has_the_secret_and_its_connection_is_kept() {
    let response = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody";
    let (url, requests) = node(vec![response, response]).await;
    let client = OwnerClient::new(url, SECRET, None).unwrap();
    for body in ["first END", "second END"] {
        let owner: &dyn OwnerNode = &client;
        assert_eq!(owner.post("/node/states", body.into()).await.unwrap(), b"body");
    }
    let requests = requests.lock();
    assert_eq!(requests.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [0, 0]);
    let (_, request) = &requests[0];
    assert!(request.starts_with("POST /node/states HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {SECRET}\r\n")), "{request}");
    assert!(request.ends_with("\r\n\r\nfirst END"), "{request}");
}

#[tokio::test]
async fn refusals_are_unavailable_with_the_message_of_the_node() {
    let rows = [
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 27\r\n\r\n{\"detail\": \"wrong secret.\"}",
            "the ingest node refused: wrong secret.",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>",
            "the ingest node refused with status 502",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "the ingest node refused with status 302",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "the ingest node does not answer"),
    ];
    for (response, expected) in rows {
        let (url, _) = node(vec![response]).await;
        let client = OwnerClient::new(url, SECRET, None).unwrap();
        let error = client.post("/node/states", b"END".to_vec()).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Unavailable, expected));
    }
}

#[tokio::test]
async fn a_node_that_is_away_is_unavailable() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
    };
    let client = OwnerClient::new(url, SECRET, None).unwrap();
    let error = client.post("/node/states", Vec::new()).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Unavailable, "the ingest node does not answer"));
    assert!(!error.full_message().contains(SECRET));
}

#[tokio::test]
async fn a_node_that_falls_silent_is_given_up_before_the_time_of_a_call_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let client = OwnerClient::new(url, SECRET, None).unwrap();
    let arrival = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_u8().await.unwrap();
        // From now on time leaps to the end of whatever is waited for.
        tokio::time::pause();
        (socket, Instant::now())
    };
    let mut call = client.post("/node/states", Vec::new());
    let (_socket, silent_since) = tokio::select! {
        answer = &mut call => panic!("nobody has answered: {answer:?}"),
        arrived = arrival => arrived,
    };
    let error = call.await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Unavailable, "the ingest node does not answer"));
    let limit = (SILENCE_TIMEOUT + CALL_TIMEOUT) / 2;
    assert!(silent_since.elapsed() < limit, "a call that goes on may take longer");
}

#[test]
fn a_client_needs_a_secret_for_a_header_and_certificates() {
    let url = Url::parse("https://ingest.example:8002").unwrap();
    let rows = [
        ("a\nsecret", None, "cluster.secret"),
        (SECRET, Some("nothing"), "cluster.ca"),
        (SECRET, Some("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n"), "cluster.ca"),
    ];
    for (secret, ca, expected) in rows {
        let error = OwnerClient::new(url.clone(), secret, ca).err().unwrap();
        assert_eq!(error.fields[0].field, expected);
    }
}
