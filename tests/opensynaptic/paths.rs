//! Paths and methods on the main listener and on one of its own.

use serde_json::{Value, json};

use super::{JSON_TYPE, NOBODY, create_device, stranger};
use crate::support::{Client, Server, rows};

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"];

fn missing() -> Value {
    json!({"error": "not found"})
}

/// Answers of paths to GET on both listeners.
fn shared() -> Vec<(String, u16, Value)> {
    let health = json!({"ok": true, "service": "web_user"});
    let no_id = json!({"ok": false, "error": "packet_uuid is required"});
    let unknown = |id: &str| json!({"ok": false, "error": "packet not found", "packet_uuid": id});
    let mut rows = Vec::new();
    for (paths, status, body) in rows![
        "/health /api/health", 200, health;
        "/health/ /api/health/ /api/data/devices/ /api/data/devices// /api/data/devices/1 /api/data/devices/1/value/ \
         /api/data/sensors/ /api/data/sensors/1/", 404, missing();
        "/api/data/packets/ /api/data/packets/?limit=1 /api/data/packets// /api/data/packets///", 400, no_id;
    ] {
        rows.extend(paths.split(' ').map(|path| (path.to_owned(), status, body.clone())));
    }
    // As given in the path, and as repeated.
    let upper = "A1B2C3D4-E5F6-7890-ABCD-EF1234567890";
    let plain = "00000000000000000000000000000000";
    let ids = rows![
        "x", "x"; "x/", "x"; "//x//", "x"; "a/b", "a/b"; "value/", "value"; "1", "1"; "%20", "%20";
        "a%2Fb%FF", "a%2Fb%FF"; "caf%C3%A9", "caf%C3%A9"; NOBODY, NOBODY; upper, upper; plain, plain;
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
            let found = client.get(&path).await.about(name).with_header("content-type", JSON_TYPE);
            found.with_headers(&["x-request-id"]).is(status, &body);
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
    let paths = rows![
        "/health"; "/api/health"; "/api/data/devices"; "/api/data/devices/"; "/api/data/packets"; "/api/data/packets/";
        packet.as_str(); "/api/data/sensors";
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
    let document = client.get("/api/docs/opensynaptic/openapi.json").await;
    let document = document.with_header("content-type", "application/json").ok();
    let paths: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    let expected = rows![
        "/api/data/devices"; "/api/data/packets"; "/api/data/packets/{uuid}"; "/api/data/sensors"; "/api/health";
        "/health";
    ];
    assert_eq!(paths, expected);
    let page = client.get("/api/docs/opensynaptic/").await;
    let page = page.with_header("content-type", "text/html; charset=utf-8").ok();
    let page = page.as_str().expect("a page");
    assert!(expected.iter().all(|path| page.contains(&format!("<code>{path}</code>"))), "{page}");
    assert!(page.contains("href=\"/api/docs/opensynaptic/openapi.json\""), "{page}");
}
