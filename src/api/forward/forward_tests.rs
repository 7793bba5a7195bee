//! Tests of forwarding through the middleware of all routes to a server of this process.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::*;
use crate::api::error_form::ErrorForms;
use crate::api::layers;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Serves routes on a free port of this machine.
async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// The routes of a node that forwards everything to an owner.
fn forwarding(owner: SocketAddr) -> Router {
    let owner = Url::parse(&format!("http://{owner}")).unwrap();
    let forwarder = Forwarder::new(&owner, SECRET, None).unwrap();
    let forward = move |mut request: Request| {
        let forwarder = forwarder.clone();
        async move {
            request.extensions_mut().insert(PeerAddress(CLIENT));
            forwarder.forward(request).await
        }
    };
    layers::wrap(Router::new().fallback(forward), ErrorForms::uniform(DATASTONE))
}

/// An owner that answers with what it was sent.
async fn mirror(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let headers: serde_json::Map<String, Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(value.to_str().unwrap_or_default())))
        .collect();
    let received = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    let mut response = (StatusCode::IM_A_TEAPOT, received.to_string()).into_response();
    response.headers_mut().insert("keep-alive", "timeout=1".parse().unwrap());
    response.headers_mut().insert("x-own", "kept".parse().unwrap());
    response
}

async fn send(routes: &Router, request: Request) -> (Response<()>, String) {
    let (parts, body) = routes.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_arrives_as_it_was_sent_but_for_what_concerns_the_connection() {
    let routes = forwarding(serve(Router::new().fallback(mirror)).await);
    let targets =
        ["/", "/api/device/", "/api/device", "/api/io/a%2F/?x=1&y=%20", "/api/device/?", "//", "/a//"];
    for target in targets {
        let request = Request::builder().method("PATCH").uri(target);
        let request = request
            .header("host", "plant.example")
            .header("x-request-id", "my-id")
            .header("x-forwarded-for", "1.2.3.4")
            .header("connection", "keep-alive, X-Once")
            .header("x-once", "1")
            .header("te", "trailers")
            .header("cookie", "a=b")
            .header("cookie", "c=d")
            .header("origin", "https://plant.example");
        let (response, body) = send(&routes, request.body(Body::from("content")).unwrap()).await;
        assert_eq!(response.status().as_u16(), 418, "{target}");
        assert_eq!(response.headers()["x-own"], "kept");
        assert!(!response.headers().contains_key("keep-alive"));
        let received: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&received["method"], &received["body"]), (&json!("PATCH"), &json!("content")));
        assert_eq!(received["target"], target);
        let headers = &received["headers"];
        let expected = [
            ("host", json!("plant.example")),
            ("x-request-id", json!("my-id")),
            ("x-forwarded-for", json!("10.0.0.7")),
            ("cookie", json!("a=b; c=d")),
            ("origin", json!("https://plant.example")),
            ("te", Value::Null),
            ("x-once", Value::Null),
        ];
        for (name, value) in expected {
            assert_eq!(headers[name], value, "{name} of {target}");
        }
    }
}

#[tokio::test]
async fn the_host_of_http_2_and_the_body_of_a_get_arrive_too() {
    let routes = forwarding(serve(Router::new().fallback(mirror)).await);
    let body = Body::from_stream(stream::iter(["ab", "cd"].map(Ok::<_, Infallible>)));
    let request = Request::builder().uri("http://plant.example/x").body(body).unwrap();
    let received: Value = serde_json::from_str(&send(&routes, request).await.1).unwrap();
    assert_eq!((&received["target"], &received["body"]), (&json!("/x"), &json!("abcd")));
    assert_eq!(received["headers"]["host"], "plant.example");
}

#[tokio::test]
async fn bodies_are_streamed_in_both_directions() {
    let echo = |request: Request| async move { Response::new(request.into_body()) };
    let routes = forwarding(serve(Router::new().fallback(echo)).await);
    let (pieces, body) = futures::channel::mpsc::unbounded::<Result<Bytes, Infallible>>();
    let request = Request::builder().method("POST").uri("/").body(Body::from_stream(body)).unwrap();
    pieces.unbounded_send(Ok(Bytes::from_static(b"first"))).unwrap();
    let response = routes.oneshot(request).await.unwrap();
    let mut received = response.into_body().into_data_stream();
    // The second piece is sent only after the first has come back.
    assert_eq!(received.next().await.unwrap().unwrap(), "first");
    pieces.unbounded_send(Ok(Bytes::from_static(b"second"))).unwrap();
    assert_eq!(received.next().await.unwrap().unwrap(), "second");
    drop(pieces);
    assert!(received.next().await.is_none());
}

#[tokio::test]
async fn a_head_has_the_length_that_the_owner_says() {
    let owner = Router::new().route("/", get(|| async { "12345" }));
    let routes = forwarding(serve(owner).await);
    let request = Request::builder().method("HEAD").uri("/").body(Body::empty()).unwrap();
    let (response, body) = send(&routes, request).await;
    assert_eq!(response.headers()[CONTENT_LENGTH], "5");
    assert_eq!(body, "");
}

/// Accepts an upgrade and sends back what it receives.
async fn echo_upgrade(mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut socket = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        let mut bytes = [0; 64];
        loop {
            let read = socket.read(&mut bytes).await.unwrap();
            if read == 0 {
                break;
            }
            socket.write_all(&bytes[..read]).await.unwrap();
        }
    });
    let headers = request.headers();
    let is_complete = headers["connection"] == "upgrade" && headers["sec-websocket-key"] == "a-key";
    assert!(is_complete && headers["upgrade"] == "websocket", "{headers:?}");
    let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    let response = response.header("connection", "upgrade").header("upgrade", "websocket");
    response.header("sec-websocket-accept", "its-answer").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_websocket_is_copied_in_both_directions_until_it_ends() {
    let owner = serve(Router::new().fallback(echo_upgrade)).await;
    let node = serve(forwarding(owner)).await;
    let mut socket = TcpStream::connect(node).await.unwrap();
    let handshake = "GET /graphql/ws/ HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, Upgrade\r\n\
                     upgrade: websocket\r\nsec-websocket-key: a-key\r\n\r\n";
    socket.write_all(handshake.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    for line in ["connection: upgrade", "upgrade: websocket", "sec-websocket-accept: its-answer"] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
    for message in ["one", "two"] {
        socket.write_all(message.as_bytes()).await.unwrap();
        let mut back = [0; 3];
        socket.read_exact(&mut back).await.unwrap();
        assert_eq!(back, message.as_bytes());
    }
    socket.shutdown().await.unwrap();
    assert_eq!(socket.read(&mut [0; 8]).await.unwrap(), 0, "the owner has ended too");
}

#[tokio::test]
async fn an_owner_that_is_away_is_a_503_in_the_form_of_the_path() {
    let away = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let request = Request::builder().method("POST").uri("/api/device/").body(Body::from("x")).unwrap();
    let (response, body) = send(&forwarding(away), request).await;
    assert_eq!(response.status().as_u16(), 503);
    assert_eq!(response.headers()["retry-after"], "5");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body, json!({"detail": "the ingest node does not answer"}));
}

#[tokio::test]
async fn a_tunnel_is_refused() {
    let routes = forwarding(serve(Router::new().fallback(mirror)).await);
    let request = Request::builder().method("CONNECT").uri("db.plant.example:5432");
    let (response, _) = send(&routes, request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status().as_u16(), 404);
}

#[test]
fn a_forwarder_needs_a_url_of_http_and_certificates() {
    let rows = [
        ("http://127.0.0.1:8000", None, ""),
        ("https://[::1]:8000/", None, ""),
        ("ftp://plant.example", None, "cluster.owner_http"),
        ("https://plant.example", Some("nothing"), "cluster.ca"),
    ];
    for (url, ca, expected) in rows {
        let error = Forwarder::new(&Url::parse(url).unwrap(), SECRET, ca).err();
        let field = error.map_or_else(String::new, |error| error.fields[0].field.to_string());
        assert_eq!(field, expected, "{url}");
    }
}
