//! The key of a kiosk link: it reads the streams of its board, writes nothing, and ends at its time on every interface.

use basalt::domain::Micros;
use basalt::domain::time::{Clock, SystemClock};
use serde_json::{Value, json};

use super::stream_of;
use crate::graphql::data;
use crate::support::{Browser, Client, Server, WsClient, WsEvent};

const SCOPES: [&str; 4] = ["value:read", "data:read", "device:read", "event-log:read"];

/// A key as the page makes it, for one stream.
async fn key_of(sue: &mut Browser, (stream, dashboard): (i64, i64), expires_at: &str) -> String {
    let input = json!({"name": "Kiosk: Hall", "scopes": SCOPES, "allowedDevices": null,
        "allowedData": [stream.to_string()], "allowedDashboards": [dashboard], "expiresAt": expires_at});
    let query = "mutation($input: CreateKeyInput!) { createKey(input: $input) { secret errors { field } } }";
    let body = json!({"query": query, "variables": {"input": input}});
    let (status, made) = sue.post("/graphql", &body).await.outcome();
    let secret = made["data"]["createKey"]["secret"].as_str();
    secret.unwrap_or_else(|| panic!("{status} {made}")).to_owned()
}

struct Hall {
    shown: i64,
    other: i64,
    /// Row id and UUID.
    dashboard: (i64, String),
}

/// Two streams with a reading and an event each, a board that shows both, and another board.
async fn hall(client: &Client) -> Hall {
    let (_, shown) = stream_of(client, "shown", "fp64").await;
    let (_, other) = stream_of(client, "other", "fp64").await;
    for stream in [shown, other] {
        let row = json!({"stream_id": stream, "ts": 1_777_377_600, "value": stream});
        client.ingest("application/x-ndjson", row.to_string()).await.ok();
        let event = json!({"kind": "alarm", "level": "error", "message": format!("of {stream}"), "data": stream,
            "timestamp": 1_777_377_600, "url": "http://plant.test/"});
        client.post("/api/event-log/", &event).await.created();
    }
    let streams = client.get("/api/data/").await.body;
    let uuid =
        |id: i64| streams.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap()["uuid"].clone();
    let ids = json!({"sensorIds": [uuid(shown), uuid(other)]});
    let widget = json!({"id": "a", "type": "LINE", "x": 0, "y": 0, "w": 12, "h": 4, "config": ids});
    let dashboard = client.post("/api/dashboard/", &json!({"name": "Hall", "layout": [widget]})).await;
    let dashboard = dashboard.created();
    let secret =
        json!({"name": "Secret", "layout": [{"id": "a", "type": "TEXT", "x": 0, "y": 0, "w": 12, "h": 4}]});
    client.post("/api/dashboard/", &secret).await.created();
    let dashboard = (dashboard["id"].as_i64().unwrap(), dashboard["uuid"].as_str().unwrap().to_owned());
    Hall { shown, other, dashboard }
}

#[tokio::test]
async fn it_sees_the_streams_of_its_board_and_changes_nothing() {
    let server = Server::start(&[]).await;
    let Hall { shown, other, dashboard: (row, dashboard) } = hall(&server.client()).await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    let panel = server.client().with_key(&key_of(&mut sue, (shown, row), "2200-01-01").await);

    let query = "query($uuid: String!) { streams { nodes { rowId device { name } } } latestValues { streamRowId } \
        events { nodes { message } } dashboard(uuid: $uuid) { name layout { config } } dashboards { totalCount } }";
    let found = data(&panel, query, json!({"uuid": dashboard})).await;
    assert_eq!(found["streams"]["nodes"], json!([{"rowId": shown, "device": {"name": "shown device"}}]));
    assert_eq!(found["latestValues"], json!([{"streamRowId": shown}]));
    assert_eq!(found["events"]["nodes"], json!([{"message": format!("of {shown}")}]));
    assert_eq!(found["dashboard"]["name"], "Hall");
    assert_eq!(found["dashboard"]["layout"][0]["config"]["sensorIds"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["dashboards"]["totalCount"], 1, "no other board");
    let dashboards = panel.get("/api/dashboard/").await.body;
    assert_eq!(dashboards.as_array().map(Vec::len), Some(1), "{dashboards}");
    assert_eq!(panel.sql("SELECT count(*) AS n FROM documents").await, [json!({"n": 1})]);
    assert_eq!(panel.sql("SELECT DISTINCT stream_id FROM readings").await, [json!({"stream_id": shown})]);
    for (table, column) in [("streams", "id"), ("events", "stream_id")] {
        let rows = panel.sql(&format!("SELECT {column} AS id FROM {table}")).await;
        assert_eq!(rows, [json!({"id": shown})], "{table}");
    }
    for (method, path, body, status) in [
        ("GET", format!("/api/data/{other}/"), Value::Null, 404),
        ("GET", "/api/key/".to_owned(), Value::Null, 403),
        ("GET", "/api/user/".to_owned(), Value::Null, 403),
        ("GET", "/api/audit/".to_owned(), Value::Null, 403),
        ("PATCH", format!("/api/dashboard/{dashboard}/"), json!({"name": "mine"}), 403),
        ("PATCH", format!("/api/data/{shown}/"), json!({"name": "mine"}), 403),
        ("DELETE", format!("/api/data/{shown}/"), Value::Null, 403),
        ("POST", "/api/event-log/".to_owned(), json!({}), 403),
        ("POST", "/api/key/".to_owned(), json!({}), 403),
    ] {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        panel.send(method, &path, &[("content-type", "application/json")], text).await.expect(status);
    }
    let row = json!({"stream_id": shown, "ts": 1_777_377_601, "value": 1}).to_string();
    panel.ingest("application/x-ndjson", row).await.expect(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_end_it_is_refused_everywhere_and_what_it_follows_ends() {
    let server = Server::start(&[]).await;
    let Hall { shown, dashboard: (row, _), .. } = hall(&server.client()).await;
    let mut sue = server.person("sue", &["--superuser"]).await;
    // Long enough for the slowest of machines to subscribe before it.
    let end = Micros(SystemClock.now().0 + 10_000_000).to_iso();
    let secret = key_of(&mut sue, (shown, row), &end).await;
    let panel = server.client().with_key(&secret);
    let mut socket = WsClient::connect(&server.url, &secret).await;
    socket.subscribe("values", "subscription { values { cursor } }").await;
    socket.next_data("values").await;
    panel.get("/api/data/").await.ok();

    let mut code = Value::Null;
    let closed = loop {
        match socket.receive().await {
            WsEvent::Message(message) if message["type"] == "error" => {
                code = message["payload"][0]["extensions"]["code"].clone();
            }
            WsEvent::Message(_) => {}
            WsEvent::Closed(code, _) => break code,
        }
    };
    assert_eq!((closed, code), (4403, json!("UNAUTHENTICATED")));
    for path in ["/api/data/", "/api/dashboard/", "/sql?q=SELECT%201", "/metrics"] {
        panel.get(path).await.expect(401);
    }
    let (status, answer) = panel.post("/graphql", &json!({"query": "{ me { kind } }"})).await.outcome();
    let code = &answer["errors"][0]["extensions"]["code"];
    assert!(status == 401 || code == "UNAUTHENTICATED", "{status} {answer}");
    let listed = sue.get("/api/key/").await.body;
    let key = listed.as_array().unwrap().iter().find(|key| key["name"] == "Kiosk: Hall").unwrap();
    assert_eq!((&key["enabled"], &key["expires_at"]), (&json!(true), &json!(end)));
}
