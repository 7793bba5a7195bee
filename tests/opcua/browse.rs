//! Browsing the nodes of a server: over REST and on the command line.

use serde_json::{Value, json};

use super::device_at;
use crate::support::{OpcuaServer, Server, assert_members, free_port};

fn child<'a>(node: &'a Value, id: &str) -> &'a Value {
    let children = node["children"].as_array().expect("children");
    children.iter().find(|child| child["node_id"] == id).unwrap_or_else(|| panic!("{id} in {node}"))
}

#[tokio::test]
async fn a_server_is_looked_at_level_by_level() {
    let mut peer = OpcuaServer::start(free_port()).await;
    peer.run_command(&json!({"many": 1100}));
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, peer.port, json!({})).await;
    let at = |query: &str| format!("/api/device/{device}/opcua/{query}");

    let objects = client.get(&at("")).await.ok();
    assert_members(&objects, &json!({"node_id": "i=85", "browse_name": "0:Objects", "truncated": false}));
    let line = child(&objects, "ns=2;s=Line");
    let expected = json!({"node_id": "ns=2;s=Line", "browse_name": "2:Line", "display_name": "Line", "node_class": "Object", "children": []});
    assert_eq!(line, &expected);

    let deep = client.get(&at("?depth=2")).await.body;
    let line = child(&deep, "ns=2;s=Line");
    let expected = json!({"node_id": "ns=2;s=Line.Int64", "browse_name": "2:Int64", "display_name": "Int64", "node_class": "Variable",
                "data_type": "Int64", "value": -1_234_567_890_123_456_789_i64, "access": "rw", "children": []});
    assert_eq!(child(line, "ns=2;s=Line.Int64"), &expected);
    let shown = (&child(line, "ns=2;i=7")["access"], &child(line, "ns=2;i=7")["value"]);
    assert_eq!(shown, (&json!("r"), &json!(42)));

    let under = client.get(&at("?node=ns%3D2%3Bs%3DLine")).await.body;
    assert_eq!(under["children"].as_array().map(Vec::len), Some(peer.points.len() + 1));
    let by_uri = client.get(&at("?node=nsu%3Durn:basalt:plant%3Bs%3DLine")).await;
    by_uri.has(200, json!({"node_id": "ns=2;s=Line"}));
    let many = client.get(&at("?node=ns%3D2%3Bs%3DMany")).await.body;
    assert_eq!((&many["truncated"], many["children"].as_array().map(Vec::len)), (&json!(true), Some(999)));

    for (query, problem) in [
        ("?node=x", json!({"node": ["Invalid node id \"x\"."]})),
        ("?node=ns%3D2%3Bs%3DNone", json!({"node": ["Invalid node id \"ns=2;s=None\"."]})),
        ("?node=nsu%3Durn:other%3Bi%3D1", json!({"node": ["Invalid node id \"nsu=urn:other;i=1\"."]})),
        ("?depth=0", json!({"depth": ["Ensure this value is greater than or equal to 1."]})),
        ("?depth=6", json!({"depth": ["Ensure this value is less than or equal to 5."]})),
    ] {
        client.get(&at(query)).await.is(400, &problem);
    }
    let other = json!({"name": "Other", "protocol": "virtual"});
    let other = client.post("/api/device/", &other).await["id"].clone();
    let answer = client.get(&format!("/api/device/{other}/opcua/")).await;
    answer.is(400, &json!({"detail": "Device protocol is not opcua."}));
    client.patch(&format!("/api/device/{device}/"), &json!({"enabled": false})).await.ok();
    client.get(&at("")).await.expect(409);
    drop(peer);
    client.patch(&format!("/api/device/{device}/"), &json!({"enabled": true})).await.ok();
    client.get(&at("")).await.expect(502);
}

#[tokio::test]
async fn the_command_line_browses_and_reads() {
    let peer = OpcuaServer::start(free_port()).await;
    let server = Server::start(&[]).await;
    let address = format!("opc.tcp://127.0.0.1:{}/plant", peer.port);

    let drawn = server
        .basalt(&["browse", &format!("{address}?node=ns%3D2%3Bs%3DLine"), "--depth", "1"])
        .await
        .expect_success();
    assert!(drawn.starts_with("ns=2;s=Line  Line\n  ns=2;s=Line.Bit  Bit  Boolean rw true\n"), "{drawn}");
    assert!(drawn.contains("\n  ns=2;i=7  Sealed  Int32 r 42\n"), "{drawn}");

    let read =
        server.basalt(&["read", &format!("{address}?node=ns%3D2%3Bs%3DLine.Int16")]).await.expect_success();
    let lines: Vec<_> = read.lines().collect();
    let expected = ["node      ns=2;s=Line.Int16", "type      Int16", "value     -2", "status    Good"];
    assert_eq!(lines[..4], expected);
    assert!(lines[4].starts_with("source    20") && lines[6] == "raw       04 fe ff", "{read}");

    for (rest, problem) in [
        ("", "names no node"),
        ("?node=Temp", "`Temp` is no node id"),
        ("?node=i%3D4711", "BadNodeIdUnknown"),
        ("?node=i%3D85&username=operator&password=wrong", "BadUserAccessDenied"),
    ] {
        let output = server.basalt(&["read", &format!("{address}{rest}")]).await.expect_failure();
        assert!(output.contains(problem), "{rest}: {output}");
    }
}
