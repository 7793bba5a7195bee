//! Subscriptions: what is subscribed to follows what is configured, and nothing of it is left behind.

use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, stream_at, until_last, until_state};
use crate::support::{OpcuaServer, Server, free_port, until};

/// Waits until the server keeps this of us.
pub async fn until_kept(peer: &mut OpcuaServer, expected: &Value) {
    let peer = std::sync::Mutex::new(peer);
    let mut last = Value::Null;
    let limit = std::time::Instant::now() + EVENT_TIMEOUT;
    while std::time::Instant::now() < limit {
        last = peer.lock().expect("nobody else has it").run_command(&json!({"count": true}));
        if last == *expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the server keeps {last}, not {expected}");
}

#[tokio::test]
async fn a_subscription_follows_the_configuration_and_leaves_nothing_behind() {
    let mut peer = OpcuaServer::start(free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, peer.port, json!({"use_subscription": true})).await;
    let one = format!("/api/device/{device}/");
    let first = stream_at(&client, device, "ns=2;s=Line.Int32", "int32").await;
    let second = stream_at(&client, device, "nsu=urn:basalt:plant;s=Line.Double", "fp64").await;
    let wrong = stream_at(&client, device, "ns=2;s=Nothing", "fp64").await;
    until_last(&client, first, "a value", |last| last["value"] == -123_456_789.0).await;
    until_last(&client, second, "a value", |last| last["value"] == -1234.5678).await;
    until_last(&client, wrong, "no value", |last| last["quality"] == "bad").await;
    let shown = until_state(&client, device, "degraded").await;
    assert!(shown["last_error"].as_str().is_some_and(|error| error.contains("BadNodeIdUnknown")), "{shown}");
    until_kept(&mut peer, &json!({"sessions": 1, "subscriptions": 1, "items": 2})).await;

    // A node that appears joins the subscription that there is: with another one the queued values of all would be lost.
    let ids = peer.run_command(&json!({"ids": true}));
    peer.run_command(&json!({"number": 7.5, "name": "Nothing"}));
    until_last(&client, wrong, "a value of the new node", |last| last["value"] == 7.5).await;
    until_kept(&mut peer, &json!({"sessions": 1, "subscriptions": 1, "items": 3})).await;
    assert_eq!(peer.run_command(&json!({"ids": true})), ids);

    peer.run_command(&json!({"node": "ns=2;s=Line.Int32", "value": 5}));
    until_last(&client, first, "the new value", |last| last["value"] == 5.0).await;

    // Another interval is another subscription; a stream that is gone is watched no more.
    client.patch(&format!("/api/data/{second}/"), &json!({"poll_interval": 1.0})).await.ok();
    client.delete(&format!("/api/data/{wrong}/")).await.expect(204);
    until_kept(&mut peer, &json!({"sessions": 1, "subscriptions": 2, "items": 2})).await;
    until_state(&client, device, "online").await;
    peer.run_command(&json!({"node": "ns=2;s=Line.Double", "value": 6.5}));
    until_last(&client, second, "the new value", |last| last["value"] == 6.5).await;

    // Polling instead, then nothing at all.
    client.patch(&one, &json!({"metadata": {}})).await.ok();
    until_kept(&mut peer, &json!({"sessions": 1, "subscriptions": 0, "items": 0})).await;
    peer.run_command(&json!({"node": "ns=2;s=Line.Int32", "value": 7}));
    until_last(&client, first, "the polled value", |last| last["value"] == 7.0).await;

    // A server that has just started registers some namespaces later.
    let late = stream_at(&client, device, "nsu=urn:basalt:late;s=Late", "fp64").await;
    until_last(&client, late, "no value yet", |last| last["quality"] == "bad").await;
    peer.run_command(&json!({"number": 8.5, "name": "Late", "namespace": "urn:basalt:late"}));
    until_last(&client, late, "a value of the new namespace", |last| last["value"] == 8.5).await;
    client.patch(&one, &json!({"enabled": false})).await.ok();
    until_kept(&mut peer, &json!({"sessions": 0, "subscriptions": 0, "items": 0})).await;
    until!("disabled", EVENT_TIMEOUT; client.get(&one).await["status"] == "disabled");
}
