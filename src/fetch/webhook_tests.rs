//! Tests of POSTs: what is sent, where it goes, and how it ends. The servers are sockets of this process.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

/// A server that gives every request the same response, or none when it is empty; it tells what it received.
async fn server(ip: &str, answer: String) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut text = String::new();
            while !text.contains("\"end\"") {
                let mut some = [0; 4096];
                let count = socket.read(&mut some).await.unwrap_or(0);
                if count == 0 {
                    break;
                }
                text.push_str(&String::from_utf8_lossy(&some[..count]));
            }
            let _ = sender.send(text);
            let _ = socket.write_all(answer.as_bytes()).await;
            if answer.is_empty() {
                open.push(socket);
            }
        }
    });
    (origin, received)
}

fn status(status: u16, location: &str) -> String {
    format!(
        "HTTP/1.1 {status} Said\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

fn response(status: u16) -> WebhookResponse {
    WebhookResponse { status, retry_after: None }
}

#[test]
fn a_server_says_when_to_come_again_in_seconds_or_by_a_date() {
    for (text, expected) in [
        ("120", Some(RetryAfter::Seconds(120))),
        (" 0 ", Some(RetryAfter::Seconds(0))),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(RetryAfter::At(Micros(784_111_777_000_000)))),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("99999999999999999999", None),
    ] {
        assert_eq!(parse_retry_after(text), expected, "{text}");
    }
}

fn request(url: &str) -> WebhookRequest {
    WebhookRequest {
        url: url.to_owned(),
        body: "{\"a\":\"end\"}".to_owned(),
        headers: vec![("x-signature", "sha256=00".to_owned())],
        timeout: Duration::from_secs(30),
    }
}

fn fetcher(networks: &str) -> Fetcher {
    Fetcher::new(networks.parse().unwrap())
}

#[tokio::test]
async fn a_document_arrives_with_its_headers() {
    let (origin, mut received) = server("127.0.0.1", status(204, "/")).await;
    let answer = fetcher("127.0.0.0/8").post(&request(&format!("{origin}/hook?key=1"))).await;
    assert_eq!(answer, Ok(response(204)));
    let text = received.recv().await.unwrap();
    assert!(text.starts_with("POST /hook?key=1 HTTP/1.1\r\n"), "{text}");
    for part in ["x-signature: sha256=00", "content-type: application/json", "\r\n\r\n{\"a\":\"end\"}"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn what_a_server_answers_is_told_and_only_redirects_with_the_body_are_followed() {
    let (target, mut received) = server("127.0.0.1", status(200, "/")).await;
    for (code, followed) in [(200, false), (301, false), (303, false), (307, true), (308, true), (500, false)]
    {
        let (origin, mut first) = server("127.0.0.1", status(code, &format!("{target}/next"))).await;
        let answer = fetcher("127.0.0.0/8").post(&request(&origin)).await;
        assert_eq!(answer, Ok(response(if followed { 200 } else { code })), "{code}");
        assert!(first.recv().await.unwrap().ends_with("\"end\"}"));
        let text = followed.then(|| received.try_recv().unwrap());
        assert!(text.is_none_or(|text| text.starts_with("POST /next ") && text.ends_with("\"end\"}")));
    }
}

#[tokio::test]
async fn closed_addresses_get_nothing_by_a_redirect_either() {
    let (inner, mut received) = server("127.0.0.2", status(200, "/")).await;
    let (outer, _told) = server("127.0.0.1", status(307, &inner)).await;
    let only_outer = fetcher("127.0.0.1");
    assert_eq!(only_outer.post(&request(&inner)).await, Err(HttpError::NotAllowed));
    assert_eq!(only_outer.post(&request(&outer)).await, Err(HttpError::NotAllowed));
    assert_eq!(fetcher("false").post(&request(&outer)).await, Err(HttpError::NotAllowed));
    assert_eq!(only_outer.post(&request("ftp://a.example")).await, Err(HttpError::NotAllowed));
    assert_eq!(only_outer.post(&request("no URL")).await, Err(HttpError::NotAllowed));
    assert!(received.try_recv().is_err(), "the closed server was asked");
}

#[tokio::test]
async fn loops_and_silence_end() {
    let (silent, _first) = server("127.0.0.1", String::new()).await;
    let short = WebhookRequest { timeout: Duration::from_millis(50), ..request(&silent) };
    assert_eq!(fetcher("127.0.0.1").post(&short).await, Err(HttpError::Timeout));
    let (circle, _second) = server("127.0.0.1", status(307, "/again")).await;
    let answer = fetcher("127.0.0.1").post(&request(&circle)).await;
    assert_eq!(answer, Err(HttpError::Malformed("too many redirects".to_owned())));
}
