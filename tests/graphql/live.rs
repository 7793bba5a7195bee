//! Subscriptions to readings from outside: what is written arrives, once and in order, for who may see it and as long as
//! they may.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rest::{stream_of, with_stream};
use crate::support::{Client, Server, WsClient, WsEvent, sized, until};

const NDJSON: &str = "application/x-ndjson";
/// 2026-04-28T12:00:00Z
const START: i64 = 1_777_377_600;

/// A subscription with these arguments.
fn values(arguments: &str) -> String {
    let fields = "readings { streamRowId ts value } cursor gap { from to }";
    let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
    format!("subscription {{ values{arguments} {{ {fields} }} }}")
}

/// A socket with a subscription of this id to values.
async fn follow(server: &Server, key: &str, id: &str, arguments: &str) -> WsClient {
    let mut socket = WsClient::connect(&server.url, key).await;
    socket.subscribe(id, &values(arguments)).await;
    socket
}

/// Writes rows of (stream, second, value) in one request.
async fn write(client: &Client, rows: &[(i64, i64, f64)]) {
    let line = |(stream, second, value): &(i64, i64, f64)| {
        json!({ "stream_id": stream, "ts": START + second, "value": value }).to_string() + "\n"
    };
    client.ingest(NDJSON, rows.iter().map(line).collect::<String>()).await.ok();
}

/// The values of a message.
fn values_of(data: &Value) -> Vec<f64> {
    let readings = data["values"]["readings"].as_array().expect("a list");
    readings.iter().map(|row| row["value"].as_f64().expect("a number")).collect()
}

fn cursor(data: &Value) -> String {
    data["values"]["cursor"].as_str().expect("a cursor").to_owned()
}

/// Values until `count` of them have come, and the last cursor.
async fn collect(socket: &mut WsClient, id: &str, count: usize) -> (Vec<f64>, String) {
    let (mut all, mut last) = (Vec::new(), String::new());
    while all.len() < count {
        let data = socket.next_data(id).await;
        assert_eq!(data["values"]["gap"], Value::Null);
        all.extend(values_of(&data));
        last = cursor(&data);
    }
    (all, last)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_arrives_also_after_kill_and_restart() {
    let (mut server, client, _, stream) = with_stream("pump", "fp64").await;
    let mut socket = follow(&server, &server.key, "1", &format!("streams: [{stream}]")).await;
    // The first message says from where on nothing is missing.
    assert_eq!(values_of(&socket.next_data("1").await), [0.0; 0]);
    write(&client, &[(stream, 1, 1.0), (stream, 2, 2.0)]).await;
    // A late one, and one that replaces another.
    write(&client, &[(stream, 0, 3.0), (stream, 2, 4.0)]).await;
    let (seen, last) = collect(&mut socket, "1", 4).await;
    assert_eq!(seen, [1.0, 2.0, 3.0, 4.0]);
    write(&client, &[(stream, 5, 5.0)]).await;
    server.kill();
    assert_eq!(socket.wait_for_close().await.0, 1006);
    server.start_again().await;
    write(&client, &[(stream, 6, 6.0)]).await;
    let mut socket =
        follow(&server, &server.key, "again", &format!(r#"streams: [{stream}], after: "{last}""#)).await;
    let (seen, last) = collect(&mut socket, "again", 2).await;
    assert_eq!(seen, [5.0, 6.0], "nothing is lost and nothing comes twice");
    // The same after a stop in order, which flushes.
    server.restart().await;
    write(&client, &[(stream, 7, 7.0)]).await;
    let mut socket = follow(&server, &server.key, "3", &format!(r#"after: "{last}""#)).await;
    assert_eq!(collect(&mut socket, "3", 1).await.0, [7.0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_no_longer_keeps_is_a_gap() {
    let (server, client) =
        Server::with_client(&[("BASALT_WAL__KEEP", "1"), ("BASALT_WAL__SEGMENT", "200")]).await;
    let (_, stream) = stream_of(&client, "pump", "fp64").await;
    let mut socket = follow(&server, &server.key, "1", "").await;
    let begin = cursor(&socket.next_data("1").await);
    socket.send_json(&json!({ "type": "complete", "id": "1" })).await;
    for second in 0..20 {
        write(&client, &[(stream, second, 1.0)]).await;
    }
    server.basalt(&["compact"]).await.expect_success();
    write(&client, &[(stream, 100, 2.0)]).await;
    socket.subscribe("2", &values(&format!(r#"after: "{begin}""#))).await;
    // Where it begins, then what is missing, then what is there.
    assert_eq!(cursor(&socket.next_data("2").await), begin);
    let lost = socket.next_data("2").await;
    assert_eq!((&lost["values"]["gap"]["from"], values_of(&lost).len()), (&json!(begin), 0), "{lost}");
    assert_eq!(lost["values"]["gap"]["to"], json!(cursor(&lost)));
    let mut rest = Vec::new();
    while rest.last() != Some(&2.0) {
        rest.extend(values_of(&socket.next_data("2").await));
    }
    assert!(rest.len() < 21);
    // From there on everything is there.
    socket.subscribe("3", &values(&format!(r#"after: "{}""#, cursor(&lost)))).await;
    assert_eq!(collect(&mut socket, "3", rest.len()).await.0, rest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_and_what_is_written_meanwhile_come_once_each() {
    let (server, client, _, stream) = with_stream("pump", "fp64").await;
    let rows: Vec<_> = (0..5000).map(|n| (stream, n, n as f64)).collect();
    write(&client, &rows).await;
    server.basalt(&["compact"]).await.expect_success();
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            for n in 0..100 {
                let from = 5000 + n * 20;
                let rows: Vec<_> = (from..from + 20).map(|n| (stream, n, n as f64)).collect();
                write(&client, &rows).await;
            }
        }
    });
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = WsClient::connect(&server.url, &server.key).await;
        let since = basalt::domain::Micros((START + 1000) * 1_000_000).to_iso();
        socket.subscribe("1", &values(&format!(r#"streams: [{stream}], since: "{since}""#))).await;
        sockets.push(socket);
    }
    writer.await.unwrap();
    for mut socket in sockets {
        let (mut seen, _) = collect(&mut socket, "1", 6000).await;
        seen.sort_by(f64::total_cmp);
        assert_eq!(seen, (1000..7000).map(f64::from).collect::<Vec<_>>());
    }
}

/// One client reads nothing while the other is told of everything; then it reads all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_holds_up_nobody_and_loses_nothing() {
    let (server, client) = Server::with_client(&[("BASALT_LIVE__RING", "100kB")]).await;
    let (_, stream) = stream_of(&client, "pump", "fp64").await;
    let mut slow = WsClient::connect(&server.url, &server.key).await;
    let mut fast = WsClient::connect(&server.url, &server.key).await;
    for socket in [&mut slow, &mut fast] {
        socket.subscribe("1", &values("")).await;
        socket.next_data("1").await;
    }
    // Far more than the buffers of a socket and the ring hold.
    let count = sized(100_000_usize, 200_000);
    for from in (0..count).step_by(10_000) {
        let rows: Vec<_> = (from..from + 10_000).map(|n| (stream, n as i64, n as f64)).collect();
        write(&client, &rows).await;
        let (seen, _) = collect(&mut fast, "1", 10_000).await;
        assert_eq!(seen, rows.iter().map(|row| row.2).collect::<Vec<_>>());
    }
    let (seen, _) = collect(&mut slow, "1", count).await;
    assert_eq!(seen, (0..count).map(|n| n as f64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_ends_its_feeds_and_closes_its_sockets() {
    let (server, client, _, stream) = with_stream("pump", "fp64").await;
    let key = server.create_key(&["--scope", "value:read", "--scope", "event-log:read"]).await;
    let mut socket = WsClient::connect(&server.url, &key).await;
    let mut idle = WsClient::connect(&server.url, &key).await;
    let mut other = WsClient::connect(&server.url, &server.key).await;
    socket.subscribe("values", &values("")).await;
    socket.next_data("values").await;
    socket.subscribe("events", "subscription { events { change } }").await;
    other.subscribe("1", &values("")).await;
    other.next_data("1").await;
    // The first after the bootstrap key.
    server.basalt(&["key", "revoke", "2"]).await.expect_success();
    let mut ended = BTreeMap::new();
    let code = loop {
        match socket.receive().await {
            WsEvent::Message(message) => {
                let code = message["payload"][0]["extensions"]["code"].clone();
                ended.insert(message["id"].as_str().unwrap().to_owned(), (message["type"].clone(), code));
            }
            WsEvent::Closed(code, _) => break code,
        }
    };
    let unauthenticated = (json!("error"), json!("UNAUTHENTICATED"));
    let expected = ["events", "values"].map(|id| (id.to_owned(), unauthenticated.clone()));
    assert_eq!((code, ended), (4403, BTreeMap::from(expected)));
    assert_eq!(idle.wait_for_close().await.0, 4403);
    // Nobody else is concerned.
    write(&client, &[(stream, 1, 1.0)]).await;
    assert_eq!(collect(&mut other, "1", 1).await.0, [1.0]);
}

/// Four readers of different rights; every one gets exactly its own, also when memberships change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_of_what_is_not_theirs() {
    let (server, client, device, mine) = with_stream("pump", "fp64").await;
    let (_, hidden) = stream_of(&client, "valve", "fp64").await;
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let foreign = server.client_with(&["--org", "other"]).await;
    let (_, theirs) = stream_of(&foreign, "press", "fp64").await;
    let of_data = server.create_key(&["--data", &mine.to_string()]).await;
    let of_device = server.create_key(&["--device", &device.to_string()]).await;
    let no_scope = server.create_key(&["--scope", "device:read"]).await;
    let readers = [
        ("whole", server.key.clone(), vec![mine, hidden]),
        ("of_data", of_data.clone(), vec![mine]),
        ("of_device", of_device, vec![mine]),
        ("foreign", foreign.key().unwrap().to_owned(), vec![theirs]),
    ];
    let group = client.create("/api/group/", &json!({ "name": "line", "data": [mine] })).await;
    let mut sockets = Vec::new();
    for (_, key, _) in &readers {
        let mut socket = follow(&server, key, "1", "").await;
        socket.next_data("1").await;
        sockets.push(socket);
    }
    // A member that this key does not see joins the group it follows.
    let mut grouped = WsClient::connect(&server.url, &of_data).await;
    grouped.subscribe("1", &values(&format!("groups: [{group}]"))).await;
    grouped.next_data("1").await;
    client.patch(&format!("/api/group/{group}/"), &json!({ "data": [mine, hidden] })).await.ok();
    for round in 0..3 {
        write(&client, &[(hidden, round, 20.0), (mine, round, 10.0)]).await;
        write(&foreign, &[(theirs, round, 30.0)]).await;
        write(&client, &[(mine, 100 + round, 11.0)]).await;
    }
    let rows_of = |data: &Value| -> Vec<(i64, f64)> {
        let rows = data["values"]["readings"].as_array().unwrap();
        rows.iter().map(|r| (r["streamRowId"].as_i64().unwrap(), r["value"].as_f64().unwrap())).collect()
    };
    for (socket, (name, _, streams)) in sockets.iter_mut().zip(&readers) {
        let each = [(mine, 10.0), (mine, 11.0), (hidden, 20.0), (theirs, 30.0)];
        let mut expected: Vec<_> =
            each.into_iter().filter(|row| streams.contains(&row.0)).flat_map(|row| [row; 3]).collect();
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            seen.extend(rows_of(&socket.next_data("1").await));
        }
        seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
        expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(seen, expected, "{name}");
    }
    let mut seen = Vec::new();
    while seen.len() < 6 {
        seen.extend(rows_of(&grouped.next_data("1").await));
    }
    assert!(seen.iter().all(|row| row.0 == mine), "{seen:?}");
    // What is not seen cannot be named, and what the scope is for not be read.
    for (key, arguments, code) in [
        (of_data, format!("streams: [{hidden}]"), "INVALID"),
        (foreign.key().unwrap().to_owned(), format!("streams: [{mine}]"), "INVALID"),
        (foreign.key().unwrap().to_owned(), format!("groups: [{group}]"), "INVALID"),
        (no_scope, String::new(), "FORBIDDEN"),
    ] {
        let mut socket = follow(&server, &key, "1", &arguments).await;
        let errors = socket.expect_failure("1").await;
        assert_eq!(errors[0]["extensions"]["code"], code, "{arguments}: {errors:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_rate_only_the_newest_of_each_stream_comes() {
    let (server, client, _, stream) = with_stream("pump", "fp64").await;
    let mut socket = follow(&server, &server.key, "1", "maxRate: 0.2").await;
    socket.next_data("1").await;
    write(&client, &[(stream, 0, 0.0)]).await;
    assert_eq!(collect(&mut socket, "1", 1).await.0, [0.0]);
    // Within the five seconds to the next message.
    for second in 1..20 {
        write(&client, &[(stream, second, second as f64)]).await;
    }
    let (seen, _) = collect(&mut socket, "1", 1).await;
    assert_eq!(seen, [19.0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_are_bounded_by_caller_and_in_all() {
    let limits = [("BASALT_LIVE__SUBSCRIPTIONS", "3"), ("BASALT_LIVE__SUBSCRIPTIONS_PER_CALLER", "2")];
    let server = Server::start(&limits).await;
    let mut socket = WsClient::connect(&server.url, &server.key).await;
    for id in ["1", "2"] {
        socket.subscribe(id, &values("")).await;
        socket.next_data(id).await;
    }
    socket.subscribe("3", &values("")).await;
    let errors = socket.expect_failure("3").await;
    assert_eq!(errors[0]["extensions"]["code"], "THROTTLED", "{errors:?}");
    let mut others = Vec::new();
    for expected in [true, false] {
        let key = server.create_key(&[]).await;
        let mut other = WsClient::connect(&server.url, &key).await;
        other.subscribe("1", &values("")).await;
        match expected {
            true => drop(other.next_data("1").await),
            false => assert_eq!(other.expect_failure("1").await[0]["extensions"]["code"], "BUSY"),
        }
        others.push(other);
    }
    // One that ends makes room.
    socket.send_json(&json!({ "type": "complete", "id": "1" })).await;
    until!("a place is free", std::time::Duration::from_secs(20);
        event = follow(&server, &server.key, "1", "").await.receive().await;
        matches!(&event, WsEvent::Message(message) if message["type"] == "next"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_and_states_of_devices_are_told() {
    let (server, client) = Server::with_client(&[]).await;
    let mut socket = WsClient::connect(&server.url, &server.key).await;
    socket.subscribe("events", "subscription { events { change rowId event { kind message } } }").await;
    let states = "subscription { deviceStates { device { rowId name } state lastError } }";
    socket.subscribe("states", states).await;
    // Operations begin side by side: a query of its own answers when both have begun.
    let device =
        json!({ "name": "plc", "protocol": "modbus", "host": "127.0.0.1", "port": 1, "enabled": false });
    let device = client.post("/api/device/", &device).await.created();
    let update = socket.next_data("states").await;
    let expected =
        json!({ "device": { "rowId": device["id"], "name": "plc" }, "state": "disabled", "lastError": null });
    assert_eq!(update["deviceStates"], expected);
    let id = &device["id"];
    client.patch(&format!("/api/device/{id}/"), &json!({ "enabled": true })).await.ok();
    assert_ne!(socket.next_data("states").await["deviceStates"]["state"], "disabled");
    socket.send_json(&json!({ "type": "complete", "id": "states" })).await;

    let event =
        client.post("/api/event-log/", &json!({ "kind": "alarm", "message": "hot", "device": id })).await;
    let event = event.created();
    let path = format!("/api/event-log/{}/", event["id"]);
    let mut changes = Vec::new();
    changes.push(next_event(&mut socket).await);
    client.patch(&path, &json!({ "message": "cold" })).await.ok();
    changes.push(next_event(&mut socket).await);
    client.delete(&path).await.expect(204);
    changes.push(next_event(&mut socket).await);
    let of = |message| json!({ "kind": "alarm", "message": message });
    let expected = [
        json!({ "change": "CREATED", "rowId": event["id"], "event": of("hot") }),
        json!({ "change": "UPDATED", "rowId": event["id"], "event": of("cold") }),
        json!({ "change": "DELETED", "rowId": event["id"], "event": null }),
    ];
    assert_eq!(changes, expected);
}

/// The next of the events, whatever is still said of states.
async fn next_event(socket: &mut WsClient) -> Value {
    loop {
        let WsEvent::Message(message) = socket.receive().await else { panic!("it is closed") };
        if message["id"] == "events" {
            return message["payload"]["data"]["events"].clone();
        }
    }
}
