//! Clients that are slow, strange or refused, by hand.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::NDJSON;
use crate::hostile::AttackedServer;
use crate::support::until;

/// Sends the head of a request and so many bytes of its body, and no more.
async fn begin(address: &str, head: &str, sent: usize) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(format!("{head}Host: x\r\n\r\n").as_bytes()).await.unwrap();
    // It may be refused meanwhile.
    let _ = socket.write_all(&vec![b' '; sent]).await;
    socket
}

#[tokio::test]
async fn strangers_and_slow_callers_leave_room_for_others() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let address = client.address().to_owned();
    // Before, 51 of these held all the memory that bodies have.
    let login =
        "POST /api/session/ HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n";
    let mut sockets = Vec::new();
    for _ in 0..60 {
        sockets.push(begin(&address, login, 1 << 20).await);
    }
    let short = "POST /api/session/ HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n";
    for _ in 0..200 {
        sockets.push(begin(&address, short, 50_000).await);
    }
    // One caller with a key, slowly, as much as it gets.
    let slow = attacked.server.create_key(&["--scope", "value:write"]).await;
    let ingest = format!(
        "POST /ingest HTTP/1.1\r\nAuthorization: ApiKey {slow}\r\nContent-Type: {NDJSON}\r\nContent-Length: 60000000\r\n"
    );
    for _ in 0..12 {
        sockets.push(begin(&address, &ingest, 50_000_000).await);
    }
    // Others go on meanwhile, also with large bodies.
    let body = json!({ "query": format!("SELECT '{}'", "x".repeat(9 << 20)) });
    for _ in 0..3 {
        let (status, answer) = client.post("/sql", &body).await.outcome();
        assert_ne!(status, 503, "{answer}");
    }
    client.ingest(NDJSON, vec![b' '; 30 << 20]).await.about("nothing to write, but read").ok();
    drop(sockets);
    attacked.finish_below(1000).await;
}

/// Security review 12: strangers' bodies there were one caller's, of 336 MiB.
#[tokio::test]
async fn bodies_of_devices_that_provision_themselves_share_what_strangers_have_and_logins_are_short() {
    let attacked = AttackedServer::start(&[]).await;
    let client = attacked.server.client().without_key();
    let head = "POST /api/v1/devices/provision HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n";
    let mut sockets = Vec::new();
    for _ in 0..30 {
        sockets.push(begin(client.address(), head, 59_000).await);
    }
    let long = json!({"token": "x".repeat(50_000), "csr": "y"});
    // Short ones take what is left of the share of one address.
    let short = head.replace("60000", "9000");
    let mut is_refused = false;
    for _ in 0..60 {
        sockets.push(begin(client.address(), &short, 8000).await);
        is_refused = client.post("/api/v1/devices/provision", &long).await.status == 503;
        if is_refused {
            break;
        }
    }
    assert!(is_refused, "one address holds more than its share");
    drop(sockets);
    until!("it is free again", Duration::from_secs(15);
        client.post("/api/v1/devices/provision", &long).await.status != 503);
    // A login is short.
    let long = json!({ "username": "x".repeat(100_000), "password": "y" });
    client.post("/api/session/", &long).await.expect(413);
    client.post("/api/session/", &json!({ "username": "nobody", "password": "y" })).await.expect(401);
    attacked.finish().await;
}

/// The status of the next answer and whether it closes, its body read.
async fn answer(socket: &mut TcpStream) -> (u16, bool) {
    let mut bytes = Vec::new();
    let reading = async {
        loop {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
                if body.len() >= length {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    return (status, head.contains("connection: close"));
                }
            }
            let mut more = [0; 4096];
            let read = socket.read(&mut more).await.expect("it answers");
            assert!(read > 0, "closed without an answer: {text}");
            bytes.extend_from_slice(&more[..read]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("it answers in time")
}

#[tokio::test]
async fn after_a_refusal_the_next_request_is_answered_or_the_connection_said_to_close() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let key = attacked.server.create_key(&["--scope", "data:read"]).await;
    let known = format!("Authorization: ApiKey {key}\r\n");
    for (name, line, headers, expected) in [
        ("no_key", "POST /api/device/", "", 401),
        ("a_wrong_key", "POST /ingest", "Authorization: ApiKey x\r\n", 401),
        ("no_scope", "POST /api/device/", &*known, 403),
        ("no_path", "POST /nowhere/", &*known, 404),
        ("no_method", "PUT /api/device/", &*known, 403),
        ("no_method_of_ours", "POST /healthz/", "", 405),
        ("no_type", "POST /ingest", "Authorization: ApiKey KEY\r\nContent-Type: text/html\r\n", 415),
    ] {
        let headers = headers.replace("KEY", client.key().unwrap());
        for length in [1_000, 200_000, 3_000_000] {
            let head = format!("{line} HTTP/1.1\r\n{headers}Content-Length: {length}\r\n");
            let mut socket = begin(client.address(), &head, 0).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = socket.write_all(&vec![b'x'; length]).await;
            let (status, closes) = answer(&mut socket).await;
            assert_eq!(status, expected, "{name} of {length}");
            assert!(length > 262_144 || !closes, "{name} of {length} is short enough to be read");
            if !closes {
                socket.write_all(b"GET /healthz/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
                assert_eq!(answer(&mut socket).await.0, 200, "{name} of {length}");
            }
        }
    }
    attacked.finish().await;
}
