//! Paths and methods on the main listener and on one of its own.

use serde_json::{Value, json};

use super::{NOBODY, create_device, stranger};
use crate::support::{Client, Server, rows};

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"];

fn missing() -> Value {
    json!({"error": "not found"})
}

/// What a path answers to GET on both listeners.
fn shared() -> Vec<(String, u16, Value)> {
    let health = || json!({"ok": true, "service": "web_user"});
    let no_id = || json!({"ok": false, "error": "packet_uuid is required"});
    let unknown = |id: &str| json!({"ok": false, "error": "packet not found", "packet_uuid": id});
    let mut rows = vec![
        ("/health".to_owned(), 200, health()),
        ("/health/".to_owned(), 404, missing()),
        ("/api/health".to_owned(), 200, health()),
        ("/api/health/".to_owned(), 404, missing()),
        ("/api/data/devices/".to_owned(), 404, missing()),
        ("/api/data/devices//".to_owned(), 404, missing()),
        ("/api/data/devices/1".to_owned(), 404, missing()),
        ("/api/data/devices/1/value/".to_owned(), 404, missing()),
        ("/api/data/sensors/".to_owned(), 404, missing()),
        ("/api/data/sensors/1/".to_owned(), 404, missing()),
        ("/api/data/packets/".to_owned(), 400, no_id()),
        ("/api/data/packets/?limit=1".to_owned(), 400, no_id()),
        ("/api/data/packets//".to_owned(), 400, no_id()),
        ("/api/data/packets///".to_owned(), 400, no_id()),
    ];
    // As given in the path, and as repeated.
    let upper = "A1B2C3D4-E5F6-7890-ABCD-EF1234567890";
    let ids = [
        ("x", "x"),
        ("x/", "x"),
        ("//x//", "x"),
        ("a/b", "a/b"),
        ("value/", "value"),
        ("1", "1"),
        ("%20", "%20"),
        ("a%2Fb%FF", "a%2Fb%FF"),
        ("caf%C3%A9", "caf%C3%A9"),
        (NOBODY, NOBODY),
        (upper, upper),
        ("00000000000000000000000000000000", "00000000000000000000000000000000"),
    ];
    rows.extend(ids.map(|(given, id)| (format!("/api/data/packets/{given}"), 404, unknown(id))));
    rows
}

#[tokio::test]
async fn both_listeners_answer_alike_to_every_method_and_each_its_own_way_beyond() {
    let server = Server::start(&[("BASALT_OPENSYNAPTIC_LISTEN", "127.0.0.1:0")]).await;
    let own = Client::new(&format!("http://{}", server.opensynaptic_address()), "").without_key();
    let main = stranger(&server);
    for (name, client) in [("main", &main), ("own", &own)] {
        for (path, status, body) in shared() {
            let (got, headers, found) = client.get(&path).await.into_parts();
            assert_eq!((got, found), (status, body), "{name} {path}");
            assert_eq!(headers["content-type"], "application/json; charset=utf-8", "{name} {path}");
            assert!(headers.contains_key("x-request-id"), "{name} {path}");
        }
    }
    // Beside DataStone's paths.
    let (_, streams) = create_device(&server.client(), "Press 1", &["RPM"]).await;
    let one = format!("/api/data/{}/", streams[0]);
    let detail = json!({"detail": "Not found."});
    server.client().get(&one).await.ok();
    server.client().get("/api/data/").await.ok();
    assert_eq!(server.client().get("/api/data/devicesx/").await.body, detail);
    assert_eq!(server.client().get("/api/nothing/").await.body, detail);
    // A listener of its own has nothing else.
    let others =
        ["/", "/users", "/api/config", "/api/device/", "/api/docs/", "/sql", "/graphql", "/metrics", &one];
    for path in others.into_iter().chain(["/healthz/", "/api/data/", "/api/data", "/api/docs/opensynaptic/"])
    {
        assert_eq!((own.get(path).await.status, own.get(path).await.body), (404, missing()), "{path}");
    }

    let packet = format!("/api/data/packets/{NOBODY}");
    let paths = [
        "/health",
        "/api/health",
        "/api/data/devices",
        "/api/data/devices/",
        "/api/data/packets",
        "/api/data/packets/",
        &packet,
        "/api/data/sensors",
    ];
    for (name, client, more) in
        [("main", &main, &[][..]), ("own", &own, &["/", "/api/device/", "/users"][..])]
    {
        for path in paths.iter().chain(more) {
            for method in METHODS {
                let (status, body) = client.send(method, path, &[], "").await.outcome();
                let place = format!("{name} {method} {path}: {status} {body}");
                match method {
                    "GET" => assert!(status < 500, "{place}"),
                    "POST" | "PUT" | "DELETE" => assert_eq!((status, &body), (404, &missing()), "{place}"),
                    _ => assert_eq!(status, 501, "{place}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn its_document_and_page_are_public_and_name_every_path() {
    let server = Server::start(&[]).await;
    let client = stranger(&server);
    let (status, headers, document) = client.get("/api/docs/opensynaptic/openapi.json").await.into_parts();
    assert_eq!((status, &headers["content-type"]), (200, &"application/json".parse().unwrap()));
    let paths: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    let expected = rows![
        "/api/data/devices"; "/api/data/packets"; "/api/data/packets/{uuid}"; "/api/data/sensors"; "/api/health";
        "/health";
    ];
    assert_eq!(paths, expected);
    let (status, headers, page) = client.get("/api/docs/opensynaptic/").await.into_parts();
    assert_eq!((status, &headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    let page = page.as_str().expect("a page").to_owned();
    assert!(expected.iter().all(|path| page.contains(&format!("<code>{path}</code>"))), "{page}");
    assert!(page.contains("href=\"/api/docs/opensynaptic/openapi.json\""), "{page}");
}
