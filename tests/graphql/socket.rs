//! graphql-transport-ws and graphql-sse as their specifications have them: what a client may say, and how it is told off.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rest::with_stream;
use crate::support::{PROTOCOL, Server, WsClient, WsEvent, rows};

async fn fresh(server: &Server) -> WsClient {
    WsClient::open(&server.url, &[("sec-websocket-protocol", PROTOCOL)]).await
}

fn init(key: &str) -> Value {
    json!({ "type": "connection_init", "payload": { "Authorization": format!("ApiKey {key}") } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_closes_with_its_code_and_credentials_come_in_headers_or_in_the_first_message() {
    let server = Server::start(&[]).await;
    let init = init(&server.key).to_string();
    let endless = json!({ "type": "subscribe", "id": "1", "payload": { "query": "subscription { values { cursor } }" } });
    let endless = endless.to_string();
    let long = format!("{{\"type\":\"ping\",\"payload\":{{\"x\":\"{}\"}}}}", "y".repeat(2 << 20));
    let wrong =
        json!({ "type": "connection_init", "payload": { "Authorization": "ApiKey nothing" } }).to_string();
    let rows: [(&str, &[&str], u16); 9] = [
        ("no_json", &["hello"], 4400),
        ("an_unknown_type", &[&init, r#"{"type":"start"}"#], 4400),
        ("an_operation_before_the_acknowledgement", &[&endless], 4401),
        ("a_wrong_key", &[&wrong], 4403),
        ("no_key", &[r#"{"type":"connection_init"}"#], 4403),
        ("an_id_that_is_taken", &[&init, &endless, &endless], 4409),
        ("initialised_twice", &[&init, &init], 4429),
        ("a_message_without_end", &[&init, &long], 1009),
        ("nothing_at_all", &[], 4408),
    ];
    for (name, texts, expected) in rows {
        let mut socket = fresh(&server).await;
        for text in texts {
            socket.send_text(text).await;
        }
        let (code, reason) = socket.wait_for_close().await;
        assert_eq!(code, expected, "{name}: {reason}");
    }
    let mut socket = WsClient::open(&server.url, &[]).await;
    assert_eq!(socket.wait_for_close().await.0, 4406, "without the subprotocol");

    let key = format!("ApiKey {}", server.key);
    for (name, headers, payload, is_let_in) in rows![
        "in_the_headers", vec![("authorization", key.as_str())], json!({}), true;
        "of_the_other_name", vec![("x-api-key", server.key.as_str())], json!({}), true;
        "in_the_message", vec![], json!({ "authorization": key }), true;
        "the_message_goes_before", vec![("authorization", "ApiKey wrong")], json!({ "Authorization": key }), true;
        "also_when_it_is_wrong", vec![("authorization", key.as_str())], json!({ "Authorization": "ApiKey x" }), false;
        "nowhere", vec![], json!({}), false;
    ] {
        let headers = [vec![("sec-websocket-protocol", PROTOCOL)], headers].concat();
        let mut socket = WsClient::open(&server.url, &headers).await;
        socket.send_json(&json!({ "type": "connection_init", "payload": payload })).await;
        match socket.receive().await {
            WsEvent::Message(message) => {
                assert!(is_let_in && message["type"] == "connection_ack", "{name}: {message}")
            }
            WsEvent::Closed(code, _) => assert!(!is_let_in && code == 4403, "{name}: {code}"),
        }
    }
    let leaving = fresh(&server).await;
    assert_eq!(leaving.close().await, 1005, "the answer to a client that closes without a code");
}

/// A browser sends its cookies whoever's page it shows: only the page of the server knows the CSRF token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_says_its_csrf_token_and_ends_its_sockets_with_it() {
    let server = Server::start(&[]).await;
    let mut ada = server.person("ada", &["--staff"]).await;
    let (cookie, token) = (ada.cookies(), ada.cookie("csrftoken"));
    let headers = [("sec-websocket-protocol", PROTOCOL), ("cookie", cookie.as_str())];
    let mut foreign = WsClient::open(&server.url, &headers).await;
    foreign.send_json(&json!({ "type": "connection_init" })).await;
    assert_eq!(foreign.wait_for_close().await.0, 4403);
    let mut socket = WsClient::open(&server.url, &headers).await;
    socket.send_json(&json!({ "type": "connection_init", "payload": { "X-CSRFToken": token } })).await;
    assert_eq!(socket.receive().await, WsEvent::Message(json!({ "type": "connection_ack" })));
    socket.subscribe("1", "subscription { values { cursor } }").await;
    socket.next_data("1").await;
    ada.send("DELETE", "/api/session/", &Value::Null).await.expect(204);
    assert_eq!(socket.expect_failure("1").await[0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(socket.wait_for_close().await.0, 4403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_asked_over_one_socket_a_hundred_operations_at_once() {
    let (server, _, _, stream) = with_stream("pump", "fp64").await;
    let mut socket = WsClient::connect(&server.url, &server.key).await;
    socket.send_json(&json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.receive().await, WsEvent::Message(json!({ "type": "pong", "payload": { "n": 1 } })));
    // A query is answered once and then complete; its id is free again.
    for _ in 0..2 {
        let payload = json!({
            "query": "query A($id: Int!) { stream(rowId: $id) { rowId } } query B { __typename }",
            "operationName": "A",
            "variables": { "id": stream },
        });
        socket.send_json(&json!({ "type": "subscribe", "id": "q", "payload": payload })).await;
        assert_eq!(socket.next_data("q").await, json!({ "stream": { "rowId": stream } }));
        assert_eq!(socket.receive().await, WsEvent::Message(json!({ "type": "complete", "id": "q" })));
    }
    let mutation = format!(
        r#"mutation {{ writeValues(input: [{{ stream: "{stream}", ts: "2026-04-28T12:00:00Z", value: 7 }}]) {{ errors {{ message }} }} }}"#
    );
    socket.subscribe("feed", "subscription { values { readings { value stream { name } } } }").await;
    assert_eq!(socket.next_data("feed").await["values"]["readings"], json!([]));
    socket.subscribe("m", &mutation).await;
    let mut messages = Vec::new();
    while messages.len() < 3 {
        let WsEvent::Message(message) = socket.receive().await else { panic!("it is closed") };
        messages.push(message);
    }
    messages.sort_by_key(|message| (message["id"].to_string(), message["type"] == "complete"));
    assert_eq!(messages[0]["payload"]["data"]["values"]["readings"][0]["value"], 7.0);
    assert_eq!(messages[1]["payload"]["data"]["writeValues"]["errors"], json!([]));
    assert_eq!(messages[2], json!({ "type": "complete", "id": "m" }));
    // What cannot be run ends with an error, and the connection goes on.
    socket.subscribe("wrong", "{ nothingLikeThis }").await;
    assert!(socket.expect_failure("wrong").await[0]["message"].as_str().unwrap().contains("nothingLikeThis"));
    socket.send_json(&json!({ "type": "complete", "id": "feed" })).await;
    socket.subscribe("feed", "{ __typename }").await;
    assert_eq!(socket.next_data("feed").await, json!({ "__typename": "Query" }));

    let mut socket = WsClient::connect(&server.url, &server.key).await;
    for n in 0..100 {
        socket.subscribe(&n.to_string(), "subscription { events { change } }").await;
    }
    socket.subscribe("more", "{ __typename }").await;
    assert_eq!(socket.expect_failure("more").await[0]["extensions"]["code"], "THROTTLED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_says_so() {
    let mut server = Server::start(&[]).await;
    let mut socket = WsClient::connect(&server.url, &server.key).await;
    socket.subscribe("1", "subscription { values { cursor } }").await;
    socket.next_data("1").await;
    server.stop().await;
    // Without a `complete`: a client that goes on later must not take it for the end.
    let WsEvent::Closed(code, _) = socket.receive().await else { panic!("a message before the close") };
    assert_eq!(code, 1001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_sent_events_tell_the_same() {
    let (mut server, client, _, stream) = with_stream("pump", "fp64").await;
    let mut events =
        SseClient::open(&server.url, &server.key, "subscription { values { readings { value } } }").await;
    assert_eq!(events.next().await, ("next".to_owned(), json!({ "data": { "values": { "readings": [] } } })));
    let line = json!({ "stream_id": stream, "ts": "2026-04-28T12:00:00Z", "value": 3 }).to_string();
    client.ingest("application/x-ndjson", line).await.ok();
    let expected = json!({ "data": { "values": { "readings": [{ "value": 3.0 }] } } });
    assert_eq!(events.next().await, ("next".to_owned(), expected));
    let mut query = SseClient::open(&server.url, &server.key, "{ __typename }").await;
    assert_eq!(query.next().await.1, json!({ "data": { "__typename": "Query" } }));
    assert_eq!(query.next().await.0, "complete");
    client.without_key().post("/graphql/stream", &json!({ "query": "{ __typename }" })).await.expect(401);
    client.post("/graphql/stream", &json!({ "operation": "{ __typename }" })).await.expect(400);
    // A revoked key: an error, and the end.
    let key = server.create_key(&[]).await;
    let mut revoked = SseClient::open(&server.url, &key, "subscription { values { cursor } }").await;
    revoked.next().await;
    // The first after the bootstrap key.
    server.basalt(&["key", "revoke", "2"]).await.expect_success();
    assert_eq!(revoked.next().await.1["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(revoked.next().await.0, "complete");
    // The server ends: no `complete`, so that the client comes again.
    server.stop().await;
    assert_eq!(events.read_to_end().await, "");
}

/// The answer of `POST /graphql/stream` as it comes.
struct SseClient {
    body: reqwest::Response,
    buffer: String,
}

impl SseClient {
    async fn open(url: &str, key: &str, query: &str) -> SseClient {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(format!("{url}/graphql/stream")).header("x-api-key", key);
        let body = request.json(&json!({ "query": query })).send().await.unwrap();
        assert_eq!(body.status(), 200);
        assert!(body.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        SseClient { body, buffer: String::new() }
    }

    /// The next event: its name and its data.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let found =
                    (field("event:").map(str::to_owned), field("data:").unwrap_or_default().to_owned());
                self.buffer = rest.to_owned();
                if let (Some(name), data) = found {
                    return (name, serde_json::from_str(&data).unwrap_or(Value::Null));
                }
                continue;
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(60), self.body.chunk()).await.expect("an event");
            let chunk = chunk.unwrap().expect("the stream goes on");
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Reads the rest of the stream to its end.
    async fn read_to_end(mut self) -> String {
        while let Ok(Some(chunk)) = self.body.chunk().await {
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        self.buffer.lines().filter(|line| !line.starts_with(':') && !line.is_empty()).collect()
    }
}
