//! node-opcua's server, whose ways are not asyncua's: looked at, followed and found again.

use serde_json::{Value, json};

use super::subscribed::until_kept;
use super::{device_at, device_of, readings, stream_at, until_last, until_state};
use crate::support::{OpcuaPeer, OpcuaServer, Server, free_port, one_in};

#[tokio::test]
async fn node_opcua_is_browsed_followed_and_found_again_after_a_restart() {
    let mut peer = OpcuaServer::start_peer(OpcuaPeer::NodeOpcua, free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    let polled = device_at(&client, peer.port, json!({})).await;
    let subscribed = device_at(&client, peer.port, json!({"use_subscription": true})).await;
    // Orders that break off what is just logging in, of which the server must not keep anything either.
    for (number, device) in [polled, subscribed, polled, subscribed].into_iter().enumerate() {
        let change = json!({"name": format!("Oven {number}")});
        client.patch(&format!("/api/device/{device}/"), &change).await.ok();
    }
    let node = "ns=2;s=Line.Int64";
    let streams = [
        stream_at(&client, polled, node, "int64").await,
        stream_at(&client, subscribed, node, "int64").await,
    ];
    let mut values = vec![-1_234_567_890_123_456_789_i64];
    for round in 0..2 {
        let first_value = values[0].to_string();
        for stream in streams {
            until_last(&client, stream, "what it holds at first", |last| last["text"] == *first_value).await;
        }
        let value = i64::MAX - round;
        values.push(value);
        peer.run_command(&json!({"node": node, "value": value}));
        let written = value.to_string();
        for stream in streams {
            until_last(&client, stream, "what it was told", |last| last["text"] == *written).await;
        }
        until_kept(&mut peer, &json!({"sessions": 2, "subscriptions": 1, "items": 1})).await;
        if round == 0 {
            peer = peer.restart().await;
        }
    }
    for device in [polled, subscribed] {
        until_state(&client, device, "online").await;
    }
    for stream in streams {
        let known: Vec<Value> = values.iter().map(|value| json!(value.to_string())).collect();
        let is_known = |row: &Value| row["quality"] == "bad" || known.contains(&row["text"]);
        let rows = readings(&client, stream).await;
        assert!(rows.iter().all(is_known), "no value is invented: {rows:?}");
    }

    let line = client.get(&format!("/api/device/{polled}/opcua/?node=ns%3D2%3Bs%3DLine")).await.ok();
    assert_eq!(line["children"].as_array().map(Vec::len), Some(peer.points.len()), "{line}");
    let children = line["children"].as_array().expect("a list");
    let sealed = children.iter().find(|child| child["node_id"] == "ns=2;i=7");
    let body = json!({"node_id": "ns=2;i=7", "browse_name": "2:Sealed", "display_name": "Sealed", "node_class": "Variable",
                     "data_type": "Int32", "value": 42, "access": "r", "children": []});
    let expected = Some(&body);
    assert_eq!(sealed, expected);
}

/// Servers at paths with and without a slash at the end, named by an address with a path, with none, and by host and port.
#[tokio::test]
async fn a_server_is_found_at_any_path_with_and_without_naming_it() {
    let (_server, client) = Server::with_client(&[]).await;
    let peers = [
        (OpcuaPeer::NodeOpcua, "/peers/"),
        (OpcuaPeer::Asyncua, "/peers/"),
        (OpcuaPeer::Asyncua, ""),
        (OpcuaPeer::NodeOpcua, "/"),
    ];
    for (peer, path) in one_in(2, peers) {
        let server = OpcuaServer::start_at(peer, free_port(), path).await;
        let place = format!("127.0.0.1:{}", server.port);
        for host in [
            format!("opc.tcp://{place}{path}"),
            format!("opc.tcp://{place}"),
            place.clone(),
            format!("opc.tcp://{place}/peers"),
        ] {
            let device = device_of(&client, &host, json!({})).await;
            for (username, password) in [("", ""), ("operator", "secret")] {
                let login = json!({"username": username, "password": password});
                client.patch(&format!("/api/device/{device}/"), &login).await.ok();
                let read = client.get(&format!("/api/device/{device}/io/ns=2;i=7/")).await;
                let found = (read.status, read.body);
                assert_eq!(found, (200, json!({"value": 42})), "{peer:?} at {path}: {host} {username}");
            }
            until_state(&client, device, "online").await;
            client.delete(&format!("/api/device/{device}/")).await.expect(204);
        }
    }
}
