//! The pages for people: what is served, and each of them used in a real Chromium.

mod journeys;
mod kiosk;
mod large;
mod plant;
mod setup;
mod transfer;
mod ui;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{PASSWORD, Server, WsClient, run_python};

/// Program that finds mistakes of accessibility.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web/node_modules/axe-core/axe.min.js");

/// A server with two streams of some values, and the id of the first.
async fn server() -> (Server, i64) {
    server_with(&[]).await
}

/// A server with these variables and two streams of some values, and the id of the first.
async fn server_with(env: &[(&str, &str)]) -> (Server, i64) {
    let (server, client) = Server::with_client(env).await;
    let (_, a) = stream_of(&client, "a", "fp64").await;
    let (_, b) = stream_of(&client, "b", "fp64").await;
    let line = |n: i64| {
        let ts = 1_777_377_600 + n;
        json!({"stream_id": a, "ts": ts, "value": n as f64 / 2.0}).to_string() + "\n"
    };
    let other = json!({"stream_id": b, "ts": 1_777_377_600, "value": 7.25}).to_string();
    client.ingest(NDJSON, (0..25).map(line).collect::<String>() + &other).await.ok();
    (server, a)
}

/// Types, the rules of the folder, and what the scripts compute.
#[test]
fn what_their_scripts_compute_is_right() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
    let output = std::process::Command::new("npm").args(["test", "--prefix", dir]).output().unwrap();
    let output_text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "tests/run.sh prepares web/: {}", String::from_utf8_lossy(&output_text));
}

#[tokio::test]
async fn they_are_public_run_nothing_but_their_own_files_and_are_linked_by_the_root() {
    let (server, _) = server().await;
    let client = server.client().without_key();
    for (path, script) in [("/ui/sql", "app.js"), ("/graphiql/", "graphiql.js")] {
        let (status, headers, page) = client.get(path).await.into_parts();
        assert_eq!((status, &headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
        assert_eq!(headers["cache-control"], "no-cache", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        for rule in
            ["default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        let page = page.as_str().unwrap();
        let address = page.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let is_script = address.starts_with("/pages/") && address.ends_with(script);
        assert!(is_script, "{address}: was it built without Node.js?");
        let (status, headers, _) = client.get(address).await.into_parts();
        let found = (status, &headers["content-type"]);
        assert_eq!(found, (200, &"text/javascript; charset=utf-8".parse().unwrap()));
        assert!(headers["cache-control"].to_str().unwrap().contains("immutable"), "{headers:?}");
        let of_another_build = address.replacen("/pages/", "/pages/0", 1);
        client.get(&of_another_build).await.expect(404);
    }
    let tabs = client.get("/graphiql/queries").await.body;
    let are_named =
        tabs.as_array().unwrap().iter().all(|tab| tab["query"].is_string() && tab["name"].is_string());
    assert!(are_named, "{tabs}");

    let (status, headers, page) = client.get("/").await.into_parts();
    assert_eq!((status, &headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    let page = page.as_str().unwrap().to_owned();
    let links: Vec<_> = page.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(links, ["ui/", "ui/sql", "graphiql", "api/docs/", "readyz", "healthz"]);
    for link in links {
        client.get(&format!("/{link}")).await.ok();
    }
}

/// Addresses on this server that a page links or loads.
fn targets_of(page: &str) -> impl Iterator<Item = &str> {
    let attributes = ["href=\"", "src=\""].into_iter();
    let targets = attributes.flat_map(move |name| page.split(name).skip(1));
    let targets = targets.filter_map(|rest| rest.split('"').next());
    targets.filter(|target| !target.starts_with('#') && !target.starts_with("data:"))
}

#[tokio::test]
async fn below_the_path_of_a_proxy_every_link_leads_somewhere() {
    let (server, _) = server_with(&[("BASALT_HTTP__BASE_PATH", "/basalt")]).await;
    let client = server.client().without_key();
    let mut targets = BTreeSet::new();
    let pages =
        ["/", "/ui/", "/ui/devices/1", "/graphiql/", "/api/docs/", "/api/docs/mk/", "/api/docs/blynk/"];
    for page in pages {
        // A proxy may leave the path or remove it.
        for path in [format!("/basalt{page}"), page.to_owned()] {
            let html = client.get(&path).await.ok();
            let found: Vec<_> = targets_of(html.as_str().unwrap()).map(str::to_owned).collect();
            assert!(!found.is_empty(), "{path}");
            targets.extend(found);
        }
    }
    for target in targets {
        assert!(target.starts_with("/basalt/"), "{target}");
        client.get(&target).await.ok();
    }
    for document in ["/basalt/api/schema/", "/basalt/api/docs/blynk/openapi.json", "/api/v3/api-docs"] {
        client.get(document).await.has(200, json!({"servers": [{"url": "/basalt"}]}));
    }
}

/// Returns what a browser sees of a page, having asked nobody else and complained of nothing.
async fn visit(server: &Server, page: &str, who: [&str; 2]) -> Value {
    let seen = run_python("browse_pages.py", &[page, &server.url, who[0], who[1]]).await;
    check_manners(&server.url, &seen);
    assert!(seen["looks"]["width"].as_u64().unwrap() <= 400, "it fits a phone: {}", seen["looks"]);
    assert_eq!(seen["looks"]["back"], "rgb(22, 25, 29)", "dark when asked for");
    seen
}

/// A page asks nobody but the server at `base` and complains of nothing.
fn check_manners(base: &str, seen: &Value) {
    let own = |url: &str| ["data:", "blob:", &format!("{base}/")].iter().any(|own| url.starts_with(own));
    let foreign: Vec<_> = list(&seen["requests"]).into_iter().filter(|url| !own(url)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert_eq!(seen["complaints"], json!([]), "{seen}");
}

/// The address of a server as the browser knows it.
fn plant_url(server: &Server) -> String {
    server.url.replace("127.0.0.1", "plant.test")
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn graphiql_shows_the_tabs_which_run_as_they_stand_and_asks_with_the_key() {
    let (server, stream) = server().await;
    let seen = visit(&server, "graphiql", [&server.key, &stream.to_string()]).await;
    let tabs = server.client().get("/graphiql/queries").await.body;
    assert_eq!(list(&seen["tabs"]).len(), tabs.as_array().unwrap().len(), "{seen}");
    assert_eq!(seen["unknown"], 0, "nothing is asked before there is a key");
    assert!(seen["answer"].as_str().unwrap().contains("\"value\": 12"), "{seen}");
    assert_eq!(list(&seen["keys"]), ["ApiKey"], "{seen}");
    assert!(seen["docs"].as_str().unwrap().contains("query: Query"), "{seen}");
    assert!(list(&seen["requests"]).contains(&format!("{}/graphql/ws", server.url).as_str()), "{seen}");

    let client = server.client();
    for tab in tabs.as_array().unwrap() {
        let query = tab["query"].as_str().unwrap();
        if query.contains("\nsubscription ") {
            let mut socket = WsClient::connect(&server.url, &server.key).await;
            socket.subscribe("1", query).await;
            socket.next_data("1").await;
            continue;
        }
        let answer = client.post("/graphql", &json!({ "query": query })).await;
        let answer = answer.about(&tab["name"]).has(200, json!({"errors": null}));
        assert!(!answer.to_string().contains("\"code\""), "{}: {answer}", tab["name"]);
    }
}

#[tokio::test]
async fn who_has_a_name_and_a_password_logs_in_and_out() {
    let (server, _) = server().await;
    server.create_user("ann", &["--superuser"]).await;
    let seen = visit(&server, "session", ["ann", PASSWORD]).await;
    assert_eq!(seen["refused"], "Invalid username or password.");
    assert_eq!((&seen["rows"], &seen["name"]), (&json!(2), &json!("ann")), "{seen}");
    let is_clean = !seen["address"].as_str().unwrap().contains('?');
    assert!(is_clean, "nothing of the form is in the address: {seen}");
    let me = seen["me"].as_str().unwrap();
    assert!(me.contains("\"user\"") && me.contains("\"ann\""), "{me}");
    assert_eq!(seen["left"], json!([0, 0]), "what was shown is gone: {seen}");
    assert_eq!(seen["cookies"], json!([]));
}
