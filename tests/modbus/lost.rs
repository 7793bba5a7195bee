//! The device goes away and comes back: said once, and no value is invented.

use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, readings, stream_at, until_more, until_state};
use crate::support::{Client, ModbusDevice, Server, eventually, free_port, until};

/// Waits until the server has tried in vain to connect to a device that many times more.
async fn until_refused(client: &Client, device: i64, more: u64) {
    let path = format!("/api/device/{device}/status/");
    let refused = async || client.get(&path).await["errors"]["refused"].as_u64().expect("a count");
    let before = refused().await;
    until!("more attempts to connect", EVENT_TIMEOUT; refused().await >= before + more);
}

/// Waits until these states of a device are recorded, in this order, beside those of its first connection.
async fn until_history(client: &Client, device: i64, expected: &[&str]) {
    eventually("recorded states", EVENT_TIMEOUT, || async {
        let history = client.get(&format!("/api/device/{device}/states/")).await.body;
        let states = history["states"].as_array().expect("a list").iter();
        let states = states.filter_map(|row| row["state"].as_str()).filter(|state| *state != "connecting");
        (states.collect::<Vec<_>>() == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_time_without_a_server_is_unknown() {
    let port = free_port();
    let _plc = ModbusDevice::start(port, "socket").await;
    let mut server = Server::start(&[]).await;
    let device = device_at(&server.client(), port, json!({})).await;
    stream_at(&server.client(), device, "hr:0", "uint16", "abcd").await;
    until_history(&server.client(), device, &["online"]).await;
    server.stop().await;
    server.start_again().await;
    until_history(&server.client(), device, &["online", "unknown", "online"]).await;
    server.crash().await;
    // A crash leaves a state that ends at the last heartbeat, which may be its beginning.
    let client = server.client();
    eventually("an unknown time after the crash", EVENT_TIMEOUT, || async {
        let history = client.get(&format!("/api/device/{device}/states/")).await.body;
        let states = history["states"].as_array().expect("a list");
        let unknown = states.iter().filter(|row| row["state"] == "unknown").count();
        (unknown == 2 && states.last()?["state"] == "online").then_some(())
    })
    .await;
    let graph = "query($id: ID!) { device(id: $id) { history { availability states { state error } } } }";
    let body = json!({"query": graph, "variables": {"id": device.to_string()}});
    let answer = server.client().post("/graphql", &body).await.body;
    let history = &answer["data"]["device"]["history"];
    assert_eq!(history["availability"], 1.0, "{answer}");
    let unknown =
        history["states"].as_array().into_iter().flatten().filter(|row| row["state"].is_null()).count();
    assert_eq!(unknown, 2, "{answer}");
}

#[tokio::test]
async fn a_lost_device_is_said_once_and_comes_back_by_itself() {
    let port = free_port();
    let mut plc = ModbusDevice::start(port, "socket").await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, port, json!({})).await;
    let streams = [
        stream_at(&client, device, "hr:0", "uint16", "abcd").await,
        stream_at(&client, device, "hr:10", "fp32", "abcd").await,
        stream_at(&client, device, "co:0", "bit", "abcd").await,
    ];
    for stream in streams {
        until_more(&client, stream, "good", 1).await;
    }

    plc.kill();
    for stream in streams {
        until_more(&client, stream, "bad", 0).await;
    }
    until_state(&client, device, "offline").await;
    let shown = client.get(&format!("/api/device/{device}/")).await.body;
    assert!(shown["last_error"].as_str().is_some_and(|e| e.contains(&port.to_string())), "{shown}");

    let at_loss = [readings(&client, streams[0]).await, readings(&client, streams[1]).await];
    until_refused(&client, device, 3).await;
    let later = [readings(&client, streams[0]).await, readings(&client, streams[1]).await];
    assert_eq!(at_loss, later, "nothing is stored while the device is away");

    let _plc = ModbusDevice::start(port, "socket").await;
    for stream in streams {
        let before = readings(&client, stream).await.iter().filter(|r| r["quality"] == "good").count();
        until_more(&client, stream, "good", before).await;
    }
    until_state(&client, device, "online").await;
    for (stream, value) in streams.into_iter().zip([4660.0, f64::from(123.456_f32), 1.0]) {
        let rows = readings(&client, stream).await;
        let bad: Vec<_> = rows.iter().filter(|row| row["quality"] == "bad").collect();
        assert_eq!(bad.len(), 1, "one bad reading for one loss: {rows:?}");
        assert_eq!((&bad[0]["value"], &bad[0]["text"]), (&Value::Null, &Value::Null));
        let invented =
            rows.iter().filter(|row| row["quality"] == "good" && row["value"] != json!(value)).count();
        assert_eq!(invented, 0, "{rows:?}");
    }
    until_history(&client, device, &["online", "offline", "online"]).await;
    let history = client.get(&format!("/api/device/{device}/states/")).await.body;
    let availability = history["availability"].as_f64().expect("a share");
    assert!(availability > 0.0 && availability < 1.0, "{history}");
    let lost = history["states"].as_array().expect("a list").iter().find(|row| row["state"] == "offline");
    assert!(lost.is_some_and(|row| row["error"].as_str().is_some_and(|e| !e.is_empty())), "{history}");
    let answer = client.get(&format!("/api/device/{device}/states/?from=2026-01-02&to=2026-01-01")).await;
    let answer = answer.expect(400);
    assert!(answer["from"].is_array(), "{answer}");
    // DataStone's lists leave bad readings out.
    let list = client.get(&format!("/api/data/{}/value/", streams[0])).await.body;
    assert!(list.as_array().expect("a list").iter().all(|row| row["value"] == 4660), "{list}");
}

#[tokio::test]
async fn a_register_that_fails_leaves_the_others_alone() {
    let plc = ModbusDevice::start(free_port(), "socket").await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, plc.port, json!({})).await;
    let sound = stream_at(&client, device, "hr:0", "uint16", "abcd").await;
    until_more(&client, sound, "good", 0).await;
    // pymodbus has nothing at this address: exception 02.
    let missing = stream_at(&client, device, "hr:9000", "uint16", "abcd").await;
    until_more(&client, missing, "bad", 0).await;
    until_state(&client, device, "degraded").await;
    let shown = client.get(&format!("/api/device/{device}/")).await.body;
    assert!(shown["last_error"].as_str().is_some_and(|e| e.contains("hr:9000")), "{shown}");
    let before = readings(&client, sound).await.len();
    until_more(&client, sound, "good", before + 1).await;
    let count = readings(&client, missing).await.len();
    assert_eq!(count, 1, "a register that never answered has one bad reading");
    assert!(readings(&client, sound).await.iter().all(|row| row["quality"] == "good"));
}
