//! Servers that limit calls without stating so, and values that are too large, alone or together: every other node has its
//! value.

use serde_json::json;

use super::subscribed::until_kept;
use super::{device_at, stream_at, until_last, until_state};
use crate::support::{OpcuaServer, Server, free_port};

#[tokio::test]
async fn limits_of_calls_and_one_large_value_cost_no_other_node_its_value() {
    let mut peer = OpcuaServer::start(free_port()).await;
    for order in [json!({"most": 3}), json!({"large": 2_000_000}), json!({"matrix": [[1, 2], [3, 4]]})] {
        peer.run_command(&order);
    }
    let (_server, client) = Server::with_client(&[]).await;
    for subscribes in [false, true] {
        let device = device_at(&client, peer.port, json!({ "use_subscription": subscribes })).await;
        let mut streams = Vec::new();
        for point in &peer.points {
            let text = |key: &str| point[key].as_str().expect("a text");
            streams.push(stream_at(&client, device, text("path"), text("type")).await);
        }
        let large = stream_at(&client, device, "ns=2;s=Large", "text").await;
        let matrix = stream_at(&client, device, "ns=2;s=Matrix", "text").await;
        for stream in streams {
            until_last(&client, stream, "a value", |last| last["quality"] == "good").await;
        }
        until_last(&client, matrix, "a matrix", |last| last["text"] == "[[1,2],[3,4]]").await;
        until_last(&client, large, "its fault", |last| last["quality"] == "bad").await;
        let shown = until_state(&client, device, "degraded").await;
        let error = shown["last_error"].as_str().unwrap_or_default();
        let is_named = error.contains("ns=2;s=Large alone") && error.contains("BadEncodingLimitsExceeded");
        assert!(is_named, "{shown}");
        client.delete(&format!("/api/device/{device}/")).await.expect(204);
    }
}

/// Seven values of 700 kB are more than one answer or message may have; asyncua puts all values of a subscription into one.
#[tokio::test]
async fn values_that_are_too_large_together_are_divided_among_answers_and_subscriptions() {
    let mut peer = OpcuaServer::start(free_port()).await;
    let names: Vec<String> = (0..7).map(|number| format!("Image{number}")).collect();
    for name in &names {
        peer.run_command(&json!({"large": 700_000, "name": name}));
    }
    let (_server, client) = Server::with_client(&[]).await;
    for subscribes in [false, true] {
        let device = device_at(&client, peer.port, json!({ "use_subscription": subscribes })).await;
        let mut streams = Vec::new();
        for name in &names {
            streams.push(stream_at(&client, device, &format!("ns=2;s={name}"), "text").await);
        }
        for stream in streams {
            until_last(&client, stream, "a value", |last| last["quality"] == "good").await;
        }
        if subscribes {
            until_kept(&mut peer, &json!({"sessions": 1, "subscriptions": 3, "items": 7})).await;
        }
        until_state(&client, device, "online").await;
        client.delete(&format!("/api/device/{device}/")).await.expect(204);
    }
}
