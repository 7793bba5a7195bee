//! Devices and streams changed over REST while they are polled: it takes effect without a restart.

use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, named_device_at, readings, stream_at, until_more, until_state};
use crate::support::{Client, ModbusDevice, Server, free_port, until};

async fn patch(client: &Client, path: &str, body: Value) {
    client.patch(path, &body).await.ok();
}

/// Fails if a stream gets a reading while `witness`, which is polled at the same interval, is polled three times.
async fn rests(client: &Client, stream: i64, witness: i64) {
    // One that was under way when the change was made may still arrive.
    until_polled(client, witness, 2).await;
    let before = readings(client, stream).await.len();
    until_polled(client, witness, 3).await;
    assert_eq!(readings(client, stream).await.len(), before);
}

/// Waits for that many more good readings of a stream.
async fn until_polled(client: &Client, stream: i64, times: usize) {
    let has = readings(client, stream).await.iter().filter(|r| r["quality"] == "good").count();
    until_more(client, stream, "good", has + times - 1).await;
}

#[tokio::test]
async fn streams_can_be_added_changed_disabled_and_deleted() {
    let plc = ModbusDevice::start(free_port(), "socket").await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, plc.port, json!({})).await;
    until_state(&client, device, "online").await;

    let first = stream_at(&client, device, "hr:0", "uint16", "abcd").await;
    until_more(&client, first, "good", 0).await;
    let second = stream_at(&client, device, "hr:1", "int16", "abcd").await;
    until_more(&client, second, "good", 0).await;

    patch(&client, &format!("/api/data/{first}/"), json!({"path": "hr:1", "type": "int16", "scale": 10}))
        .await;
    until!("the value of the new register", EVENT_TIMEOUT;
        last = readings(&client, first).await.pop()?; last["value"] == -20.0);

    patch(&client, &format!("/api/data/{first}/"), json!({"enabled": false})).await;
    rests(&client, first, second).await;
    let others = readings(&client, second).await.len();
    until_more(&client, second, "good", others).await;
    patch(&client, &format!("/api/data/{first}/"), json!({"enabled": true})).await;
    let before = readings(&client, first).await.len();
    until_more(&client, first, "good", before).await;

    client.delete(&format!("/api/data/{first}/")).await.expect(204);
    assert_eq!(readings(&client, first).await, [Value::Null; 0]);
    let others = readings(&client, second).await.len();
    until_more(&client, second, "good", others).await;
}

#[tokio::test]
async fn devices_can_be_moved_disabled_and_deleted() {
    let (first, second) =
        (ModbusDevice::start(free_port(), "socket").await, ModbusDevice::start(free_port(), "socket").await);
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, first.port, json!({})).await;
    let one = format!("/api/device/{device}/");
    let stream = stream_at(&client, device, "hr:0", "uint16", "abcd").await;
    until_more(&client, stream, "good", 0).await;
    let unchanged = named_device_at(&client, "witness", second.port, json!({})).await;
    let witness = stream_at(&client, unchanged, "hr:0", "uint16", "abcd").await;

    patch(&client, &one, json!({"enabled": false})).await;
    until_state(&client, device, "disabled").await;
    rests(&client, stream, witness).await;

    patch(&client, &one, json!({"enabled": true, "port": second.port})).await;
    drop(first);
    let before = readings(&client, stream).await.len();
    until_more(&client, stream, "good", before + 1).await;
    until_state(&client, device, "online").await;

    patch(&client, &one, json!({"poll_interval": null})).await;
    rests(&client, stream, witness).await;

    client.delete(&one).await.expect(204);
    client.get(&one).await.expect(404);
    assert_eq!(readings(&client, stream).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_device_of_before_is_polled_after_a_restart() {
    let plc = ModbusDevice::start(free_port(), "socket").await;
    let mut server = Server::start(&[]).await;
    let device = device_at(&server.client(), plc.port, json!({})).await;
    let stream = stream_at(&server.client(), device, "hr:0", "uint16", "abcd").await;
    until_more(&server.client(), stream, "good", 0).await;
    server.crash().await;
    let before = readings(&server.client(), stream).await.len();
    until_more(&server.client(), stream, "good", before).await;
    until_state(&server.client(), device, "online").await;
}
