//! How results are delivered: compressed for clients that accept it, and as files by a link.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Browser, Client, Server, rows};

/// Arrow is compressed by gzip for nobody else.
const GZIP: (&str, &str) = ("accept-encoding", "gzip, identity;q=0");
const LONG: &str =
    "SELECT value, 'the same text in every row' AS word FROM generate_series(1, 20000) ORDER BY value";

fn inflated(sent: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(sent).read_to_end(&mut text).expect("it is a whole gzip stream");
    text
}

fn encoding(headers: &HeaderMap) -> Option<&str> {
    headers.get("content-encoding").map(|value| value.to_str().unwrap())
}

/// A statement as a query string.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The body with and without gzip, which must say the same.
async fn both(client: &Client, method: &str, path: &str, accept: &str, body: &Value) -> (Vec<u8>, usize) {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let plain = [("accept", accept), ("content-type", "application/json")];
    let (status, headers, whole) = client.send_bytes(method, path, &plain, text.clone()).await.into_parts();
    assert_eq!((status, encoding(&headers)), (200, None), "{path}");
    let (status, headers, sent) =
        client.send_bytes(method, path, &[&plain[..], &[GZIP]].concat(), text).await.into_parts();
    assert_eq!((status, encoding(&headers)), (200, Some("gzip")), "{path}");
    assert!(headers["vary"].to_str().unwrap().to_ascii_lowercase().contains("accept-encoding"), "{path}");
    assert_eq!(inflated(&sent), whole, "{path}: {accept}");
    (whole, sent.len())
}

#[tokio::test]
async fn large_results_are_compressed_for_those_who_ask() {
    let (_server, client) = Server::with_client(&[]).await;
    let link = format!("/sql?q={}", encoded(LONG));
    for accept in ["application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"] {
        for (method, path, body) in
            [("GET", link.as_str(), Value::Null), ("POST", "/sql", json!({"query": LONG}))]
        {
            let (whole, sent) = both(&client, method, path, accept, &body).await;
            assert!(sent < whole.len() / 2, "{method} {accept}: {sent} of {}", whole.len());
        }
    }
    let query =
        json!({"query": "query ($sql: String!) { sql(query: $sql) { rows } }", "variables": {"sql": LONG}});
    both(&client, "POST", "/graphql", "application/json", &query).await;
    both(&client, "GET", "/api/schema/", "application/json", &Value::Null).await;
}

#[tokio::test]
async fn small_secret_and_compressed_answers_are_sent_as_they_are() {
    let (server, client) = Server::with_client(&[]).await;
    let args = ["user", "create", "sue", "--superuser", "--password-stdin"];
    server.data_dir.basalt_with(&args, &[], "correct horse\n").await.expect_success();
    let devices: String =
        (0..300).map(|at| format!("- {{name: device {at}, protocol: virtual}}\n")).collect();
    let input = json!({"format": "yaml", "text": format!("devices:\n{devices}"), "dryRun": true});
    let mutation = "mutation ($input: ImportInventoryInput!) { importInventory(input: $input) {
        report { problems { message } changes { noun name created } } errors { message } } }";
    let mutation = json!({"query": mutation, "variables": {"input": input}});
    let link = format!("/sql?q={}", encoded(LONG));
    let rows: [(&str, &str, &str, &str, Value, bool); 4] = [
        ("a short answer", "GET", "/api/system/", "application/json", Value::Null, false),
        ("csv", "GET", &link, "text/csv", Value::Null, true),
        ("parquet", "GET", &link, "application/vnd.apache.parquet", Value::Null, true),
        ("a mutation", "POST", "/graphql", "application/json", mutation, true),
    ];
    for (name, method, path, accept, body, is_large) in rows {
        let headers = [GZIP, ("accept", accept), ("content-type", "application/json")];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (_, headers, sent) = client.send_bytes(method, path, &headers, text).await.into_parts();
        assert_eq!(encoding(&headers), None, "{name}");
        assert_eq!(sent.len() > 8192, is_large, "{name}: {}", String::from_utf8_lossy(&sent));
    }
    let login = json!({"username": "sue", "password": "correct horse"}).to_string();
    let headers = [GZIP, ("content-type", "application/json")];
    let (status, headers, _) =
        client.without_key().send_bytes("POST", "/api/session/", &headers, login).await.into_parts();
    assert_eq!((status, encoding(&headers)), (200, None), "a session");
}

#[tokio::test]
async fn a_link_downloads_a_result_as_a_file() {
    let server = Server::start(&[]).await;
    let args = ["user", "create", "sue", "--staff", "--password-stdin"];
    server.data_dir.basalt_with(&args, &[], "correct horse\n").await.expect_success();
    let sue = Browser::log_in(&server, "sue", "correct horse").await;
    let client = server.client();
    let query = encoded("SELECT value FROM generate_series(1, 3) ORDER BY value");
    let rows = rows![
        "csv", "week", "text/csv", "attachment; filename=\"week.csv\"; filename*=UTF-8''week.csv";
        "json", "a.json", "application/json", "attachment; filename=\"a.json\"; filename*=UTF-8''a.json";
        "parquet", "w%C3%A4rme", "application/vnd.apache.parquet",
            "attachment; filename=\"w_rme.parquet\"; filename*=UTF-8''w%C3%A4rme.parquet";
    ];
    for (format, name, media, disposition) in rows {
        // What Accept says does not count: a browser asks for pages.
        let path = format!("/sql?q={query}&format={format}&download={name}");
        let (status, headers, body) =
            client.send_bytes("GET", &path, &[("accept", "text/html")], "").await.into_parts();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let found = (&headers["content-type"], &headers["content-disposition"]);
        assert_eq!(found, (&media.parse().unwrap(), &disposition.parse().unwrap()));
    }
    let (status, headers, rows) =
        sue.get(&format!("/sql?q={query}&format=csv&download=mine")).await.into_parts();
    assert_eq!((status, rows), (200, json!("value\n1\n2\n3\n")), "a session is enough");
    assert!(headers.contains_key("content-disposition"));
    let named = "/sql/queries/silent-streams?format=csv&download=silent";
    let (status, headers, body) = client.get(named).await.into_parts();
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        headers["content-disposition"],
        "attachment; filename=\"silent.csv\"; filename*=UTF-8''silent.csv"
    );
    for (parameters, field) in
        [("format=xml", "format"), ("download=..%2Fx", "download"), ("download=", "download")]
    {
        for path in
            [format!("/sql?q={query}&{parameters}"), format!("/sql/queries/silent-streams?{parameters}")]
        {
            let (status, headers, body) = client.get(&path).await.into_parts();
            assert_eq!(status, 400, "{path}: {body}");
            assert!(body["fields"][field].is_array(), "{path}: {body}");
            assert!(!headers.contains_key("content-disposition"), "{path}");
        }
    }
}
