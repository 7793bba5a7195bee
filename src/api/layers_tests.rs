//! Tests of the middleware of all routes: paths, request ids, panics.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, Uri};
use axum::routing::get;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{without_trailing_slash, wrap};
use crate::api::error_form::{DATASTONE, ErrorForms};

fn routes() -> Router {
    let routes = Router::new()
        .route("/device", get(|| async { "list" }))
        .route("/io/{register}", get(|Path(register): Path<String>| async move { register }))
        .route("/panic", get(|| async { std::hint::black_box(None::<&str>).expect("broken on purpose") }));
    wrap(routes, ErrorForms::uniform(DATASTONE))
}

async fn send_request(path: &str, id: &str) -> (u16, String, String) {
    let request = Request::builder().uri(path).header("x-request-id", id).body(Body::empty()).unwrap();
    let response = routes().oneshot(request).await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, id, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn one_literal_slash_is_dropped() {
    let cases = [
        ("/", "/"),
        ("/api/device", "/api/device"),
        ("/api/device/", "/api/device"),
        ("/api/device/?limit=2", "/api/device?limit=2"),
        ("/api/device//", "/api/device//"),
        ("/api/io/a%2F/", "/api/io/a%2F"),
        ("/api/io/a%2F", "/api/io/a%2F"),
        ("http://host:1/api/device/?a=/", "http://host:1/api/device?a=/"),
        ("//", "//"),
    ];
    for (given, expected) in cases {
        let mut uri: Uri = given.parse().unwrap();
        assert_eq!(without_trailing_slash(&mut uri), given != expected, "{given}");
        assert_eq!(uri.to_string(), expected.parse::<Uri>().unwrap().to_string(), "{given}");
    }
}

#[tokio::test]
async fn paths_answer_with_and_without_the_slash() {
    for (path, status, body) in [
        ("/device", 200, "list"),
        ("/device/", 200, "list"),
        ("/device//", 404, ""),
        ("/io/D100%2F/", 200, "D100/"),
        ("/io/a%2Fb", 200, "a/b"),
    ] {
        let (got, _, text) = send_request(path, "x").await;
        assert_eq!((got, text.as_str()), (status, body), "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    assert_eq!(send_request("/device", "my-id.1").await.1, "my-id.1");
    for strange in ["has space", "", &"x".repeat(129), "quote\""] {
        let (_, id, _) = send_request("/nowhere", strange).await;
        assert_ne!(id, strange);
        assert_eq!(id.len(), 36, "a UUID: {id}");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let (status, id, body) = send_request("/panic", "p").await;
    assert_eq!((status, id.as_str(), body.as_str()), (500, "p", r#"{"error":"Server Error (500)"}"#));
}
