//! Tests which responses are compressed, and that streams stay streams.

use std::convert::Infallible;
use std::io::Read;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::routing::any;
use flate2::read::GzDecoder;
use futures::StreamExt;
use tower::ServiceExt;

use super::*;

const JSON: &str = "application/json";
const LARGE: usize = 10_000;

/// Response of a handler to a method.
#[derive(Clone)]
struct Case {
    method: Method,
    accepts: &'static str,
    headers: Vec<(axum::http::HeaderName, &'static str)>,
    status: StatusCode,
    bytes: usize,
    is_marked: bool,
}

fn case() -> Case {
    Case {
        method: Method::GET,
        accepts: "gzip, br",
        headers: vec![(CONTENT_TYPE, JSON)],
        status: StatusCode::OK,
        bytes: LARGE,
        is_marked: false,
    }
}

async fn answer(case: Case) -> Response {
    let shared_case = case.clone();
    let handler = move || async move {
        let mut response = (shared_case.status, "x".repeat(shared_case.bytes)).into_response();
        response.headers_mut().remove(CONTENT_TYPE);
        for (name, value) in shared_case.headers {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if shared_case.is_marked {
            response.extensions_mut().insert(Compressible);
        }
        response
    };
    let routes = Router::<()>::new().route("/", any(handler)).layer(from_fn(compress));
    let request = Request::builder().method(case.method).uri("/").header(ACCEPT_ENCODING, case.accepts);
    routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn with(change: impl FnOnce(&mut Case)) -> Case {
    let mut changed = case();
    change(&mut changed);
    changed
}

#[tokio::test]
async fn large_json_and_arrow_that_is_read_is_compressed() {
    let media = |media: &'static str| with(|case| case.headers = vec![(CONTENT_TYPE, media)]);
    let also = |name, value| with(|case| case.headers.push((name, value)));
    let rows = [
        ("json", case(), true),
        ("with a charset", media("application/json; charset=utf-8"), true),
        ("of GraphQL", media("application/graphql-response+json; charset=utf-8"), true),
        ("lines", media("application/x-ndjson"), true),
        (
            "arrow for those who want nothing else",
            Case { accepts: "gzip, identity;q=0", ..media("application/vnd.apache.arrow.stream") },
            true,
        ),
        ("csv", media("text/csv"), false),
        ("events", media("text/event-stream"), false),
        ("a page", media("text/html; charset=utf-8"), false),
        ("parquet", media("application/vnd.apache.parquet"), false),
        ("small", with(|case| case.bytes = 8192), false),
        ("just large enough", with(|case| case.bytes = 8193), true),
        ("compressed already", also(CONTENT_ENCODING, "zstd"), false),
        ("a part", also(CONTENT_RANGE, "bytes 0-1/2"), false),
        ("that sets a cookie", also(SET_COOKIE, "csrftoken=1"), false),
        ("created", with(|case| case.status = StatusCode::CREATED), false),
        ("refused", with(|case| case.status = StatusCode::BAD_REQUEST), false),
        ("a change", with(|case| case.method = Method::POST), false),
        ("a query", with(|case| (case.method, case.is_marked) = (Method::POST, true)), true),
    ];
    for (name, case, is_compressed) in rows {
        let bytes = case.bytes;
        let unasked = answer(Case { accepts: "br, gzip;q=0", ..case.clone() }).await;
        assert_eq!(unasked.headers().get(VARY).is_some(), is_compressed, "{name}");
        assert_eq!(unasked.body().size_hint().exact(), Some(bytes as u64), "{name}");
        let response = answer(case).await;
        let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
        assert_eq!(encoding == Some("gzip"), is_compressed, "{name}");
        if !is_compressed {
            continue;
        }
        assert_eq!(response.headers()[VARY], "Accept-Encoding", "{name}");
        assert!(!response.headers().contains_key(CONTENT_LENGTH), "{name}");
        let sent = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let mut text = String::new();
        GzDecoder::new(&*sent).read_to_string(&mut text).unwrap();
        assert!(sent.len() < bytes / 10 && text == "x".repeat(bytes), "{name}");
    }
}

#[test]
fn the_best_coding_is_what_the_client_prefers_and_arrow_needs() {
    let rows = [
        ("gzip, deflate", Some(Coding::Gzip), None),
        ("gzip, deflate, br, zstd", Some(Coding::Zstd), Some(Coding::Zstd)),
        ("gzip, zstd;q=0.5", Some(Coding::Gzip), Some(Coding::Zstd)),
        ("gzip, identity;q=0", Some(Coding::Gzip), Some(Coding::Gzip)),
        ("gzip, *;q=0", Some(Coding::Gzip), Some(Coding::Gzip)),
        ("gzip, identity;q=0.1, *;q=0", Some(Coding::Gzip), None),
        ("gzip, identity;Q=0.5, zstd;x=1", Some(Coding::Gzip), None),
        ("zstd;q=0, GZIP;q=0.1", Some(Coding::Gzip), None),
        ("*", None, None),
        ("", None, None),
    ];
    for (accepts, json, arrow) in rows {
        let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepts))]);
        let accepted = AcceptedCodings::of(&headers);
        assert_eq!((accepted.best(false), accepted.best(true)), (json, arrow), "{accepts}");
    }
}

#[tokio::test]
async fn zstd_is_sent_piece_by_piece_too() {
    let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<Bytes, Infallible>>();
    let permit = ENCODERS.try_acquire_many(ZSTD_SHARE).expect("fewer tests run at a time");
    let body = compressed(Body::from_stream(receiver), Encoder::new(Coding::Zstd), permit);
    let (mut body, mut sent) = (body.into_data_stream(), Vec::new());
    let piece = "a".repeat(SLICE_BYTES + 1);
    sender.unbounded_send(Ok(piece.clone().into())).unwrap();
    let decoded = |sent: &[u8]| {
        let mut text = Vec::new();
        // It ends early as long as the body does not.
        let _ = zstd::Decoder::new(sent).unwrap().read_to_end(&mut text);
        text
    };
    while decoded(&sent).len() < piece.len() {
        sent.extend_from_slice(&body.next().await.expect("it has not ended").unwrap());
    }
    drop(sender);
    while let Some(piece) = body.next().await {
        sent.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(zstd::decode_all(&*sent).expect("it is whole"), piece.as_bytes());
}

#[tokio::test]
async fn beyond_the_limit_of_encoders_responses_are_sent_as_they_are() {
    static ONE: Semaphore = Semaphore::const_new(1);
    let handler = || async { ([(CONTENT_TYPE, JSON)], "x".repeat(LARGE)) };
    let layer = from_fn(|request, next| compress_within(&ONE, request, next));
    let routes = Router::<()>::new().route("/", any(handler)).layer(layer);
    let answer = || {
        let request = Request::builder().uri("/").header(ACCEPT_ENCODING, "gzip").body(Body::empty());
        routes.clone().oneshot(request.unwrap())
    };
    let is_compressed = |response: &Response| response.headers().contains_key(CONTENT_ENCODING);
    let unread = answer().await.unwrap();
    assert!(is_compressed(&unread));
    let plain = answer().await.unwrap();
    assert!(!is_compressed(&plain) && plain.headers()[VARY] == "Accept-Encoding");
    drop(unread);
    assert!(is_compressed(&answer().await.unwrap()));
}

fn permit() -> SemaphorePermit<'static> {
    ENCODERS.try_acquire().expect("fewer tests run at a time")
}

/// Decodes what has come so far.
fn decode(sent: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    // It ends early as long as the body does not.
    let _ = GzDecoder::new(sent).read_to_end(&mut text);
    text
}

#[tokio::test]
async fn each_piece_is_sent_before_the_next_is_made() {
    let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<Bytes, Infallible>>();
    let encoder = Encoder::new(Coding::Gzip);
    let mut body = compressed(Body::from_stream(receiver), encoder, permit()).into_data_stream();
    let (mut sent, mut expected) = (Vec::new(), Vec::new());
    for piece in ["a".repeat(10), "b".repeat(3 * SLICE_BYTES + 1), "c".repeat(10)] {
        expected.extend_from_slice(piece.as_bytes());
        sender.unbounded_send(Ok(piece.into())).unwrap();
        while decode(&sent).len() < expected.len() {
            sent.extend_from_slice(&body.next().await.expect("it has not ended").unwrap());
        }
        assert_eq!(decode(&sent), expected);
    }
    drop(sender);
    while let Some(piece) = body.next().await {
        sent.extend_from_slice(&piece.unwrap());
    }
    let mut text = Vec::new();
    GzDecoder::new(&*sent).read_to_end(&mut text).expect("it is whole");
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_body_that_fails_ends_with_its_error() {
    let pieces = stream::iter([Ok(Bytes::from("begun")), Err(std::io::Error::other("broken"))]);
    let encoder = Encoder::new(Coding::Gzip);
    let mut body = compressed(Body::from_stream(pieces), encoder, permit()).into_data_stream();
    assert_eq!(decode(&body.next().await.unwrap().unwrap()), b"begun");
    assert!(body.next().await.unwrap().is_err());
    assert!(body.next().await.is_none(), "nothing that looks like an end");
}
