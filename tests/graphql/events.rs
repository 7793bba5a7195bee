//! Following some of the events: by device, stream, kind and level.

use serde_json::{Value, json};

use super::plant;
use crate::support::{Client, Server, WsClient};

async fn created(client: &Client, body: Value) -> i64 {
    client.create("/api/event-log/", &body).await
}

/// The change, the row and the message of what is told next.
async fn next_change(socket: &mut WsClient) -> (String, i64, String) {
    let message = socket.next_data("1").await;
    let news = &message["events"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&news["change"]), news["rowId"].as_i64().unwrap(), text(&news["event"]["message"]))
}

/// A subscription that has started: it reports that first, and nothing that happens afterwards is missed.
async fn open_subscription(server: &Server, key: &str, arguments: &str) -> WsClient {
    let mut socket = WsClient::connect(&server.url, key).await;
    let query = format!(
        "subscription {{ events(reportStart: true{arguments}) {{ change rowId event {{ message }} }} }}"
    );
    socket.subscribe("1", &query).await;
    let start = json!({"events": {"change": "MISSED", "rowId": null, "event": null}});
    assert_eq!(socket.next_data("1").await, start);
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_chosen_is_told() {
    let (server, client) = Server::with_client(&[]).await;
    let (device, streams) = plant(&client, "d", &[("s", "fp64")]).await;
    // Every filter below selects it.
    let whole = |message: &str| json!({"kind": "alarm", "level": "error", "device": device, "data": streams[0], "message": message});
    let rows = [
        ("", vec!["a+", "b+", "c+", "a~", "a~", "b-"]),
        (", kinds: [\"alarm\", \"other\"]", vec!["a+", "c+", "a~"]),
        (", level: error", vec!["a+", "a~", "a~"]),
        (", device: DEVICE", vec!["a+", "b+", "a~", "a~", "b-"]),
        (", stream: STREAM", vec!["a+", "a~", "a~"]),
        (", kinds: [\"alarm\"], device: DEVICE", vec!["a+", "a~"]),
    ];
    let mut sockets = Vec::new();
    for (arguments, _) in &rows {
        let arguments =
            arguments.replace("DEVICE", &device.to_string()).replace("STREAM", &streams[0].to_string());
        sockets.push(open_subscription(&server, &server.key, &arguments).await);
    }
    let a = created(&client, whole("a")).await;
    let b = created(&client, json!({"kind": "note", "device": device, "message": "b"})).await;
    let c = created(&client, json!({"kind": "alarm", "message": "c"})).await;
    // Of another kind from here on: whoever chose by kind is told once.
    for patch in [json!({"kind": "note"}), json!({"message": "again"})] {
        client.patch(&format!("/api/event-log/{a}/"), &patch).await.ok();
    }
    client.delete(&format!("/api/event-log/{b}/")).await.expect(204);
    let end = created(&client, whole("end")).await;
    let name =
        |row: i64| [(a, "a"), (b, "b"), (c, "c")].into_iter().find(|(own, _)| *own == row).map(|n| n.1);
    for (mut socket, (arguments, expected)) in sockets.into_iter().zip(rows) {
        let mut got = Vec::new();
        loop {
            let (change, row, _) = next_change(&mut socket).await;
            if row == end {
                break;
            }
            let sign = match change.as_str() {
                "CREATED" => "+",
                "UPDATED" => "~",
                "DELETED" => "-",
                other => panic!("{other}"),
            };
            got.extend(name(row).map(|name| format!("{name}{sign}")));
        }
        assert_eq!(got, expected, "events{arguments}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_seen_cannot_be_chosen() {
    let (server, client) = Server::with_client(&[]).await;
    let (device, streams) = plant(&client, "d", &[("s", "fp64"), ("t", "fp64")]).await;
    let (hidden, others) = plant(&client, "e", &[("s", "fp64")]).await;
    server.basalt(&["org", "create", "elsewhere"]).await.expect_success();
    let own = server.create_key(&["--data", &streams[0].to_string()]).await;
    let foreign = server.create_key(&["--org", "elsewhere"]).await;
    let rows = [
        (&own, format!("device: {hidden}"), "INVALID"),
        (&own, format!("stream: {}", streams[1]), "INVALID"),
        (&own, format!("stream: {}", others[0]), "INVALID"),
        (&foreign, format!("device: {device}"), "INVALID"),
        (&foreign, "device: 999".to_owned(), "INVALID"),
        (&foreign, "device: \"x\"".to_owned(), "INVALID"),
        (&foreign, "level: high".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
    ];
    for (key, arguments, code) in rows {
        let mut socket = WsClient::connect(&server.url, key).await;
        socket.subscribe("1", &format!("subscription {{ events({arguments}) {{ change }} }}")).await;
        let errors = socket.expect_failure("1").await;
        assert_eq!(errors[0]["extensions"]["code"], code, "{arguments}: {errors:?}");
    }
    // One that it sees is followed.
    let arguments = format!(", device: {device}, stream: {}", streams[0]);
    let mut socket = open_subscription(&server, &own, &arguments).await;
    created(&client, json!({"kind": "a", "device": hidden, "data": others[0], "message": "hidden"})).await;
    created(&client, json!({"kind": "a", "device": device, "data": streams[0], "message": "own"})).await;
    assert_eq!(next_change(&mut socket).await.2, "own");
}
