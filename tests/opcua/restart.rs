//! The server is restarted under the collector: polled and subscribed to, what is configured is made anew, once.

use serde_json::{Value, json};

use super::{device_at, readings, stream_at, until_last, until_state};
use crate::support::{OpcuaServer, Server, free_port, sized};

/// Value that the server holds at first, and the first written after its first restart.
const INITIAL: f64 = -123_456_789.0;
const LATER: f64 = 100.0;

#[tokio::test]
async fn a_restarted_server_is_found_again_with_one_session_and_one_subscription() {
    let mut peer = OpcuaServer::start(free_port()).await;
    let (server, client) = Server::with_client(&[]).await;
    let polled = device_at(&client, peer.port, json!({})).await;
    let subscribed = device_at(&client, peer.port, json!({"use_subscription": true})).await;
    let mut memory_mib = Vec::new();
    let streams = [
        stream_at(&client, polled, "ns=2;s=Line.Int32", "int32").await,
        stream_at(&client, subscribed, "ns=2;s=Line.Int32", "int32").await,
    ];
    for restart in 0..sized(2, 20) {
        peer = peer.restart().await;
        for stream in streams {
            // Bad first, unless the connection was lost before anything was stored; then what it holds.
            until_last(&client, stream, "the value after a restart", |last| last["value"] == INITIAL).await;
        }
        let value = LATER + restart as f64;
        peer.run_command(&json!({"node": "ns=2;s=Line.Int32", "value": value as i64}));
        for stream in streams {
            until_last(&client, stream, "a value that came later", |last| last["value"] == value).await;
        }
        for device in [polled, subscribed] {
            until_state(&client, device, "online").await;
        }
        let kept = peer.run_command(&json!({"count": true}));
        assert_eq!(kept, json!({"sessions": 2, "subscriptions": 1, "items": 1}), "after restart {restart}");
        memory_mib.extend(server.reset_peak_memory());
    }
    println!("resident after each restart, in MiB: {memory_mib:?}");
    // The first has made caches and pools; what the server keeps of us is counted above, this is for all the rest.
    if let [first, .., last] = memory_mib.as_slice() {
        assert!(last.saturating_sub(*first) <= 64, "memory grows: {memory_mib:?}");
    }
    for stream in streams {
        let rows = readings(&client, stream).await;
        let is_known = |row: &Value| {
            let value = row["value"].as_f64();
            row["quality"] == "bad" || value == Some(INITIAL) || value.is_some_and(|value| value >= LATER)
        };
        assert!(rows.iter().all(is_known), "no value is invented: {rows:?}");
        let is_twice = rows.windows(2).any(|pair| pair[0]["quality"] == "bad" && pair[1]["quality"] == "bad");
        assert!(!is_twice, "one bad reading a loss: {rows:?}");
    }
}
