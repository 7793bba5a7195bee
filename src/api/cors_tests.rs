//! Tests of preflights and of the headers in responses.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower::ServiceExt;

use super::allow_origins;
use crate::app::cors::CorsOrigins;

/// Answer about an origin: status, allowed origin, methods, headers.
type Answer<'a> = (u16, Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// Setting, method, origin, other headers, answer.
type Row<'a> = (&'a str, &'a str, Option<&'a str>, &'a [(&'a str, &'a str)], Answer<'a>);

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

#[tokio::test]
async fn only_listed_origins_are_allowed() {
    let preflight = &[
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization, content-type"),
    ][..];
    let requested = Some("authorization, content-type");
    let listed = "https://a.example, http://b:1";
    let rows: [Row<'_>; 10] = [
        ("", "GET", Some("https://a.example"), &[], (200, None, None, None)),
        ("", "OPTIONS", Some("https://a.example"), preflight, (405, None, None, None)),
        (listed, "GET", None, &[], (200, None, None, None)),
        (listed, "GET", Some("http://b:1"), &[], (200, Some("http://b:1"), None, None)),
        (listed, "GET", Some("http://b"), &[], (200, None, None, None)),
        (
            listed,
            "OPTIONS",
            Some("http://b:1"),
            preflight,
            (204, Some("http://b:1"), Some(METHODS), requested),
        ),
        (listed, "OPTIONS", Some("http://b:1"), &[], (405, Some("http://b:1"), None, None)),
        (listed, "OPTIONS", Some("http://c"), preflight, (405, None, None, None)),
        ("*", "GET", Some("null"), &[], (200, Some("*"), None, None)),
        ("*", "OPTIONS", Some("http://c"), &preflight[..1], (204, Some("*"), Some(METHODS), None)),
    ];
    for (setting, method, origin, headers, expected) in rows {
        let origins: CorsOrigins = setting.parse().unwrap();
        let is_set = !origins.is_empty();
        let routes = Router::new().route("/x", get(|| async { "x" }));
        let routes = routes.layer(from_fn_with_state(Arc::new(origins), allow_origins));
        let request = Request::builder().method(method).uri("/x");
        let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        let found = (
            response.status().as_u16(),
            header("access-control-allow-origin"),
            header("access-control-allow-methods"),
            header("access-control-allow-headers"),
        );
        let place = format!("{setting}: {method} of {origin:?} with {headers:?}");
        assert_eq!(found, expected, "{place}");
        assert_eq!(header("access-control-expose-headers"), expected.1.map(|_| "*"), "{place}");
        assert_eq!(header("access-control-allow-credentials"), None, "{place}");
        let varies = response.headers().get_all("vary").iter().any(|value| value == "Origin");
        assert_eq!(varies, is_set, "{place}");
    }
}
