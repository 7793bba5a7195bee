//! Tests of requests to devices: what is sent, where it goes, and how it ends. The servers are sockets of this
//! process.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server with a list of responses, the last of which repeats; it records the requests.
struct FakeServer {
    origin: String,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn server(ip: &str, answers: Vec<Vec<u8>>) -> FakeServer {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let keep = requests.clone();
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap_or(0);
            keep.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
            let answer = answers.next().unwrap_or_default();
            if answers.peek().is_none() {
                answers = vec![answer.clone()].into_iter().peekable();
            }
            let _ = socket.write_all(&answer).await;
            if answer.is_empty() {
                // An empty answer keeps the connection open.
                tokio::spawn(async move {
                    let _open = socket;
                    std::future::pending::<()>().await;
                });
            }
        }
    });
    FakeServer { origin, asked: requests }
}

impl FakeServer {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn status(status: u16, location: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Said\r\nlocation: {location}\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody"
    )
    .into_bytes()
}

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        url: url.to_owned(),
        method: HttpMethod::Get,
        headers: vec![("X-Token".to_owned(), "secret".to_owned())],
        login: Some(("me".to_owned(), "word".to_owned())),
        timeout: Duration::from_secs(30),
        max_bytes: 1000,
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new("127.0.0.1".parse().unwrap())
}

#[tokio::test]
async fn a_device_is_asked_as_its_settings_say() {
    let device = server("127.0.0.1", vec![ok("{}"), status(500, ""), status(404, "/elsewhere")]).await;
    let get = request(&format!("{}/a?b=1", device.origin));
    assert_eq!(fetcher().send(&get).await, Ok(HttpResponse { status: 200, body: b"{}".to_vec() }));
    let post = HttpRequest { method: HttpMethod::Post, login: None, headers: Vec::new(), ..get };
    assert_eq!(fetcher().send(&post).await, Ok(HttpResponse { status: 500, body: Vec::new() }));
    assert_eq!(fetcher().send(&post).await, Ok(HttpResponse { status: 404, body: Vec::new() }));
    let requests = device.asked();
    assert!(requests[0].starts_with("GET /a?b=1 HTTP/1.1\r\n"), "{}", requests[0]);
    // `me:word` in base64.
    assert!(
        requests[0].contains("x-token: secret\r\n")
            && requests[0].contains("authorization: Basic bWU6d29yZA==\r\n"),
        "{}",
        requests[0]
    );
    assert!(
        requests[1].starts_with("POST /a?b=1 HTTP/1.1\r\n") && !requests[1].contains("authorization"),
        "{}",
        requests[1]
    );
}

/// rest.md C15: such an answer was no JSON.
#[tokio::test]
async fn an_answer_that_is_compressed_although_nobody_asked_for_it_is_read() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(b"{\"n\":1}").unwrap();
    let body = gzip.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let device = server("127.0.0.1", vec![[head.as_bytes(), &body].concat()]).await;
    let answer = fetcher().send(&request(&device.origin)).await;
    assert_eq!(answer, Ok(HttpResponse { status: 200, body: b"{\"n\":1}".to_vec() }));
}

#[tokio::test]
async fn secrets_go_to_the_server_that_was_named_alone() {
    let other = server("127.0.0.1", vec![ok("there")]).await;
    let device =
        server("127.0.0.1", vec![status(302, "/b"), status(307, &format!("{}/c", other.origin))]).await;
    let answer = fetcher().send(&HttpRequest { method: HttpMethod::Post, ..request(&device.origin) }).await;
    assert_eq!(answer, Ok(HttpResponse { status: 200, body: b"there".to_vec() }));
    let own = device.asked();
    assert!(own[0].starts_with("POST / ") && own[1].starts_with("GET /b "), "{own:?}");
    assert!(own.iter().all(|request| request.contains("x-token: secret")), "{own:?}");
    let theirs = other.asked().concat();
    assert!(
        theirs.starts_with("GET /c ") && !theirs.contains("secret") && !theirs.contains("authorization"),
        "{theirs}"
    );
}

#[tokio::test]
async fn closed_addresses_are_reached_neither_directly_nor_by_a_redirect() {
    let closed = server("127.0.0.2", vec![ok("never")]).await;
    let device = server("127.0.0.1", vec![status(302, &closed.origin)]).await;
    for url in
        [&closed.origin, &device.origin, "http://10.0.0.1/", "http://169.254.169.254/", "file:///etc/passwd"]
    {
        assert_eq!(fetcher().send(&request(url)).await, Err(HttpError::NotAllowed), "{url}");
    }
    assert_eq!(closed.asked(), [""; 0]);
}

#[tokio::test]
async fn every_way_to_fail_has_its_kind() {
    let long = server("127.0.0.1", vec![ok(&"x".repeat(1001))]).await;
    let round = server("127.0.0.1", vec![status(302, "/again")]).await;
    let garbage = server("127.0.0.1", vec![b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()]).await;
    let cut = server("127.0.0.1", vec![b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec()]).await;
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let kind = |fault: Result<HttpResponse, HttpError>| match fault {
        Ok(_) => "an answer",
        Err(HttpError::NotAllowed) => "not allowed",
        Err(HttpError::Unreachable(_)) => "unreachable",
        Err(HttpError::Interrupted(_)) => "cut",
        Err(HttpError::Timeout) => "timeout",
        Err(HttpError::Malformed(_)) => "malformed",
    };
    let rows = [
        ("too_long", &long.origin, "malformed"),
        ("in_a_round", &round.origin, "malformed"),
        ("another_protocol", &garbage.origin, "malformed"),
        ("half_an_answer", &cut.origin, "cut"),
        ("nobody_there", &nobody, "unreachable"),
    ];
    for (name, url, expected) in rows {
        let answer = fetcher().send(&request(url)).await;
        assert_eq!(kind(answer.clone()), expected, "{name}: {answer:?}");
    }
    let silent = server("127.0.0.1", vec![Vec::new()]).await;
    let soon = HttpRequest { timeout: Duration::from_millis(50), ..request(&silent.origin) };
    assert_eq!(fetcher().send(&soon).await, Err(HttpError::Timeout));
}
