//! What a server has: over REST and on the command line.

use serde_json::{Value, json};

use super::device_at;
use crate::support::{OpcuaServer, Server, free_port};

fn child<'a>(node: &'a Value, id: &str) -> &'a Value {
    let children = node["children"].as_array().expect("children");
    children.iter().find(|child| child["node_id"] == id).unwrap_or_else(|| panic!("{id} in {node}"))
}

#[tokio::test]
async fn a_server_is_looked_at_level_by_level() {
    let peer = OpcuaServer::start(free_port()).await;
    let server = Server::start(&[]).await;
    let client = server.client();
    let device = device_at(&client, peer.port, json!({})).await;
    let at = |query: &str| format!("/api/device/{device}/opcua/{query}");

    let (status, _, objects) = client.get(&at("")).await;
    assert_eq!(status, 200, "{objects}");
    assert_eq!(
        (&objects["node_id"], &objects["browse_name"], &objects["truncated"]),
        (&json!("i=85"), &json!("0:Objects"), &json!(false))
    );
    let line = child(&objects, "ns=2;s=Line");
    assert_eq!(
        line,
        &json!({"node_id": "ns=2;s=Line", "browse_name": "2:Line", "display_name": "Line", "node_class": "Object", "children": []})
    );

    let (_, _, deep) = client.get(&at("?depth=2")).await;
    let line = child(&deep, "ns=2;s=Line");
    assert_eq!(
        child(line, "ns=2;s=Line.Int64"),
        &json!({"node_id": "ns=2;s=Line.Int64", "browse_name": "2:Int64", "display_name": "Int64", "node_class": "Variable",
                "data_type": "Int64", "value": -1_234_567_890_123_456_789_i64, "access": "rw", "children": []})
    );
    assert_eq!(
        (&child(line, "ns=2;i=7")["access"], &child(line, "ns=2;i=7")["value"]),
        (&json!("r"), &json!(42))
    );

    let (_, _, under) = client.get(&at("?node=ns%3D2%3Bs%3DLine")).await;
    assert_eq!(under["children"].as_array().map(Vec::len), Some(peer.points.len() + 1));
    let (_, _, by_uri) = client.get(&at("?node=nsu%3Durn:basalt:plant%3Bs%3DLine")).await;
    assert_eq!(by_uri["node_id"], "ns=2;s=Line");
    let (_, _, many) = client.get(&at("?node=ns%3D2%3Bs%3DMany")).await;
    assert_eq!((&many["truncated"], many["children"].as_array().map(Vec::len)), (&json!(true), Some(999)));

    for (query, problem) in [
        ("?node=x", json!({"node": ["Invalid node id \"x\"."]})),
        ("?node=ns%3D2%3Bs%3DNone", json!({"node": ["Invalid node id \"ns=2;s=None\"."]})),
        ("?node=nsu%3Durn:other%3Bi%3D1", json!({"node": ["Invalid node id \"nsu=urn:other;i=1\"."]})),
        ("?depth=0", json!({"depth": ["Ensure this value is greater than or equal to 1."]})),
        ("?depth=6", json!({"depth": ["Ensure this value is less than or equal to 5."]})),
    ] {
        let (status, _, answer) = client.get(&at(query)).await;
        assert_eq!((status, answer), (400, problem), "{query}");
    }
    let other = json!({"name": "Other", "protocol": "virtual"});
    let other = client.post("/api/device/", &other).await.2["id"].clone();
    let (status, _, answer) = client.get(&format!("/api/device/{other}/opcua/")).await;
    assert_eq!((status, answer), (400, json!({"detail": "Device protocol is not opcua."})));
    assert_eq!(client.patch(&format!("/api/device/{device}/"), &json!({"enabled": false})).await.0, 200);
    assert_eq!(client.get(&at("")).await.0, 409);
    drop(peer);
    assert_eq!(client.patch(&format!("/api/device/{device}/"), &json!({"enabled": true})).await.0, 200);
    let (status, _, answer) = client.get(&at("")).await;
    assert_eq!(status, 502, "{answer}");
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
    assert_eq!(
        lines[..4],
        ["node      ns=2;s=Line.Int16", "type      Int16", "value     -2", "status    Good"]
    );
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
