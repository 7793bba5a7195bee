//! Hostile input: GraphQL documents and answers.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::AttackedServer;
use crate::support::{Client, WsClient, WsEvent};

/// Documents whose brackets a careless reader does not see, and those that cost validation too much.
fn documents() -> Vec<(&'static str, String)> {
    let (open, close) = ("[".repeat(5000), "]".repeat(5000));
    let arguments: String = (0..5000).map(|i| format!("x{i}:1 ")).collect();
    let few: String = (0..30).map(|i| format!("x{i}:1 ")).collect();
    let chain: String = (0..2800).map(|i| format!("fragment f{i} on Query{{...f{}}}", i + 1)).collect();
    let operations: String = (0..1500).map(|i| format!("query q{i}{{...w}}")).collect();
    let variables: String = (0..4000).map(|i| format!("a(b:$v{i})")).collect();
    vec![
        ("behind_a_carriage_return", format!("#\r{{a(x:{open}{close})}}")),
        ("behind_a_block_without_end", format!("{{a(x:[\"\"\"] y:{open}{close})}}")),
        ("objects", format!("#\r{{a(x:{}1{})}}", "{x:".repeat(5000), "}".repeat(5000))),
        ("types", format!("#\rquery($v:{open}Int{close}){{me{{kind}}}}")),
        ("blocks_that_never_end", format!("{{a(x:[\"\"\"{}\"])}}", "\\\"\"\"\"\"".repeat(15_000))),
        ("a_chain_of_fragments", format!("{{...f0}}{chain}fragment f2800 on Query{{me{{kind}}}}")),
        ("arguments", format!("{{a({arguments}){}}}", " a".repeat(9_000))),
        ("conflicts", format!("{{a({few}){}}}", " a".repeat(9_000))),
        ("operations", format!("{operations}fragment w on Query{{{variables}}}")),
    ]
}

async fn post(client: &Client, path: &str, body: &Value) -> (u16, Vec<u8>) {
    let headers = [("content-type", "application/json")];
    client.send_bytes("POST", path, &headers, body.to_string()).await.outcome()
}

#[tokio::test]
async fn documents_are_judged_as_the_parser_reads_them_at_every_door() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    for (name, document) in documents() {
        let body = json!({ "query": document });
        for path in ["/graphql", "/graphql/stream"] {
            let (status, bytes) = post(&client, path, &body).await;
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]);
            assert_eq!(status, 200, "{name} at {path}: {text}");
            assert!(text.contains("GRAPHQL_VALIDATION_FAILED"), "{name} at {path}: {text}");
            assert!(bytes.len() < 2000, "{name} at {path}: one error, not {} bytes of them", bytes.len());
        }
        let path: String = url::form_urlencoded::byte_serialize(document.as_bytes()).take(8000).collect();
        let status = client.send_bytes("GET", &format!("/graphql?query={path}"), &[], "").await.status;
        assert!((200..=431).contains(&status), "{name} at GET: {status}");
        let mut socket = WsClient::connect(&attacked.server.url, &attacked.server.key).await;
        socket.subscribe("1", &document).await;
        let event = socket.receive().await;
        let is_error = matches!(&event, WsEvent::Message(text) if text["type"] == "error");
        assert!(is_error, "{name} at the socket: {event:?}");
    }
    // By a link, which needs no more than somebody logged in: short, so that it fits the head of a request.
    let short = format!("#\r{{a(x:{}{})}}", "[".repeat(2000), "]".repeat(2000));
    let path: String = url::form_urlencoded::byte_serialize(short.as_bytes()).collect();
    let body = client.get(&format!("/graphql?query={path}")).await.ok();
    assert!(body.to_string().contains("nested more than 100"), "{body}");
    attacked.finish_below(700).await;
}

#[tokio::test]
async fn answers_of_sql_are_counted_by_their_bytes() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let (part, whole) = ("x".repeat(200), "y".repeat(100));
    let texts = format!(
        "{{ sql(query: \"SELECT replace('{part}', 'x', '{whole}') AS t FROM generate_series(1, 50000)\") {{ rowCount rows }} }}"
    );
    let texts = texts.as_str();
    let cells = "{ sql(query: \"SELECT value AS a, value AS b, value AS c, value AS d, value AS e, value AS f, \
                 value AS g, value AS h FROM generate_series(1, 99999)\") { rowCount rows } }";
    let asking = (0..4).flat_map(|_| [texts, cells]).map(|query| {
        let client = client.clone();
        async move { post(&client, "/graphql", &json!({ "query": query })).await }
    });
    for (status, bytes) in futures::future::join_all(asking).await {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]);
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("TOO_LARGE") || text.contains("BUSY"), "{text}");
    }
    let body = json!({"query": "{ sql(query: \"SELECT value AS v FROM generate_series(1, 50000)\") { rowCount rows } }"});
    let (status, bytes) = post(&client, "/graphql", &body).await;
    let body: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!((status, &body["data"]["sql"]["rowCount"]), (200, &json!(50_000)));
    attacked.finish_below(1200).await;
}

#[tokio::test]
async fn variables_are_counted_as_often_as_they_are_used() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let ones = |count: usize| format!("[{}1]", "1,".repeat(count));
    let aliases: String =
        (0..100).map(|i| format!("a{i}: sql(query: \"SELECT 1\", params: $p) {{ rowCount }} ")).collect();
    let used = format!(
        "{{\"query\": {}, \"variables\": {{\"p\": {}}}}}",
        json!(format!("query($p: JSON) {{ {aliases} }}")),
        ones(100_000)
    );
    let unused = format!(
        "{{\"query\": \"query($p: JSON) {{ me {{ kind }} }}\", \"variables\": {{\"p\": {}}}}}",
        ones(4_900_000)
    );
    for (name, body, expected) in [("used", used, 200), ("unused", unused, 413)] {
        let headers = [("content-type", "application/json")];
        let (status, bytes) = client.send_bytes("POST", "/graphql", &headers, body).await.outcome();
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]);
        assert_eq!(status, expected, "{name}: {text}");
        assert!(text.contains("TOO_LARGE"), "{name}: {text}");
    }
    attacked.finish_below(800).await;
}

/// Answers of some megabytes each, for readers that read nothing: what is held for them stays in the account, so that
/// only so many are made, and others go on being answered.
#[tokio::test]
async fn slow_readers_hold_no_more_than_their_share() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let text = "x".repeat(1000);
    let query =
        format!("{{ sql(query: \"SELECT '{text}' AS t FROM generate_series(1, 10000)\") {{ rows }} }}");
    let one = json!({ "query": query });
    let batch = json!([one, one, one]);
    let (_, bytes) = post(&client, "/graphql", &one).await;
    assert!(bytes.len() > 10_000_000, "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(500)]));
    let mut readers = Vec::new();
    for index in 0..24 {
        let body = if index % 3 == 0 { batch.to_string() } else { one.to_string() };
        readers.push(silent(&client, &body).await);
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    // A small one of the same caller, and of everybody else, is answered beside them.
    let (status, bytes) =
        post(&client, "/graphql", &json!({"query": "{ me { kind } streams { nodes { name } } }"})).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    assert!(!String::from_utf8_lossy(&bytes).contains("errors"), "{}", String::from_utf8_lossy(&bytes));
    let other = attacked.server.client_with(&["--scope", "value:read"]).await;
    let (_, bytes) = post(&other, "/graphql", &one).await;
    assert!(
        bytes.len() > 10_000_000,
        "another caller: {}",
        String::from_utf8_lossy(&bytes[..bytes.len().min(500)])
    );
    drop(readers);
    attacked.finish_below(800).await;
}

/// A connection that has sent a request and read the first bytes of its answer at most.
async fn silent(client: &Client, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(client.address()).await.expect("a connection");
    let key = client.key().expect("a key");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: ApiKey {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.expect("it is read");
    let mut some = [0_u8; 16];
    // One that has to wait for its turn says nothing yet.
    let _ = tokio::time::timeout(Duration::from_millis(50), socket.read(&mut some)).await;
    socket
}
