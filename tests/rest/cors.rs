//! OPTIONS and the origins of pages, in every API of the HTTP listener.

use serde_json::Value;

use crate::support::{Client, Server};

const ORIGIN: &str = "https://app.example";

/// Paths, with what OPTIONS answers there, with a key of DataStone and without, unless its origin is allowed.
const PATHS: [(&str, u16); 14] = [
    ("/api/device/", 405),
    ("/api/device/1/", 405),
    ("/api/nothing/", 404),
    ("/sql", 405),
    ("/graphql", 405),
    ("/ingest", 405),
    ("/api/v2/organization/device/datastreams", 404),
    ("/api/v1/organization/nothing", 404),
    ("/oauth2/token", 404),
    ("/device/v1/devices", 404),
    ("/authentication/v1/oauth/token", 404),
    ("/api/v1/devices", 404),
    ("/api/data/packets", 501),
    ("/health", 501),
];

async fn options(client: &Client, path: &str, origin: &str, is_preflight: bool) -> (u16, Option<String>) {
    let mut headers = vec![("origin", origin)];
    if is_preflight {
        headers.push(("access-control-request-method", "GET"));
    }
    let answer = client.send("OPTIONS", path, &headers, "").await.with_headers(&["x-request-id"]);
    let answer = answer.without_header("access-control-allow-credentials");
    assert!(answer.status != 204 || answer.body == Value::Null, "{answer}");
    let allowed = answer.headers.get("access-control-allow-origin");
    (answer.status, allowed.map(|value| value.to_str().unwrap().to_owned()))
}

#[tokio::test]
async fn options_are_answered_by_each_api_unless_the_origin_is_allowed() {
    let closed = Server::start(&[]).await;
    let open = Server::start(&[("BASALT_CORS__ORIGINS", ORIGIN)]).await;
    for (path, status) in PATHS {
        for is_preflight in [false, true] {
            let found = options(&closed.client(), path, ORIGIN, is_preflight).await;
            assert_eq!(found, (status, None), "{path}: no origin is allowed");
            let stranger = closed.client().without_key();
            let found = options(&stranger, path, ORIGIN, is_preflight).await;
            assert_eq!(found, (status, None), "{path}: nobody is known");
            let found = options(&open.client(), path, "https://other.example", is_preflight).await;
            assert_eq!(found, (status, None), "{path}: another origin");
        }
        let origin = Some(ORIGIN.to_owned());
        let found = options(&open.client(), path, ORIGIN, false).await;
        assert_eq!(found, (status, origin.clone()), "{path}: no preflight");
        // Browsers send no credentials with a preflight.
        let found = options(&open.client().without_key(), path, ORIGIN, true).await;
        assert_eq!(found, (204, origin), "{path}: a preflight");
    }
    // An error can be read by the page too.
    let client = open.client().without_key();
    let answer = client.send("GET", "/api/device/", &[("origin", ORIGIN)], "").await;
    answer.with_header("access-control-allow-origin", ORIGIN).expect(401);
}
