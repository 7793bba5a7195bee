//! Every type, polled and subscribed to, read and written directly; statuses and times as the server says them.

use serde_json::{Value, json};

use super::{device_at, holds, readings, stream_at, until_last, until_state};
use crate::support::{OpcuaPeer, OpcuaServer, Server, free_port, has_turn, rows};

#[tokio::test]
async fn every_type_of_asyncua_arrives_exactly_polled_and_subscribed_to() {
    if has_turn("opcua", 0, 2) {
        arrives_exactly(OpcuaPeer::Asyncua).await;
    }
}

#[tokio::test]
async fn every_type_of_node_opcua_arrives_exactly_polled_and_subscribed_to() {
    if has_turn("opcua", 1, 2) {
        arrives_exactly(OpcuaPeer::NodeOpcua).await;
    }
}

async fn arrives_exactly(peer: OpcuaPeer) {
    let peer = OpcuaServer::start_peer(peer, free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    for subscribes in [false, true] {
        let device = device_at(&client, peer.port, json!({ "use_subscription": subscribes })).await;
        let mut streams = Vec::new();
        for point in &peer.points {
            let text = |key: &str| point[key].as_str().expect("a text");
            streams.push((stream_at(&client, device, text("path"), text("type")).await, point));
        }
        for (stream, point) in streams {
            let what = format!("{point} (subscribed: {subscribes})");
            until_last(&client, stream, &what, |last| holds(last, &point["value"])).await;
        }
        until_state(&client, device, "online").await;
        client.delete(&format!("/api/device/{device}/")).await.expect(204);
    }
}

#[tokio::test]
async fn every_type_is_read_and_written_as_asyncua_has_it() {
    if has_turn("opcua", 1, 2) {
        is_read_and_written(OpcuaPeer::Asyncua).await;
    }
}

#[tokio::test]
async fn every_type_is_read_and_written_as_node_opcua_has_it() {
    if has_turn("opcua", 0, 2) {
        is_read_and_written(OpcuaPeer::NodeOpcua).await;
    }
}

async fn is_read_and_written(peer: OpcuaPeer) {
    let peer = OpcuaServer::start_peer(peer, free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, peer.port, json!({})).await;
    let io = |path: &str| format!("/api/device/{device}/io/{}/", path.replace(' ', "%20"));
    for point in &peer.points {
        let path = io(point["path"].as_str().expect("a text"));
        let current = &point["value"];
        client.get(&path).await.about(&point).is(200, &json!({ "value": current }));
        let new = match current {
            Value::Bool(on) => json!(!on),
            Value::String(_) => json!("Steht"),
            Value::Number(number) if number.is_f64() => json!(-0.25),
            _ => json!(7),
        };
        let (status, answer) = client.post(&path, &json!({ "value": new })).await.outcome();
        if point["writable"] == false {
            assert_eq!((status, answer), (400, json!({"register": ["Register is read-only."]})), "{point}");
            continue;
        }
        assert_eq!((status, answer), (200, json!({"written": true, "value": new})), "{point}");
        assert_eq!(client.get(&path).await.body, json!({ "value": new }), "{point}");
    }
    for (path, value, problem) in [
        ("ns=2;s=Line.Byte", json!(256), "Ensure this value is less than or equal to 255."),
        ("ns=2;s=Line.Int32", json!(0.5), "A valid integer is required."),
        ("ns=2;s=Line.Double", json!("x"), "A valid number is required."),
        ("ns=2;s=Line.Bit", json!([true]), "Must be a boolean, a number or a string."),
    ] {
        client.post(&io(path), &json!({ "value": value })).await.is(400, &json!({ "value": [problem] }));
    }
    for (path, problem) in rows![
        "ns=2;s=Nothing", "Invalid register \"ns=2;s=Nothing\". The device says: ";
        "i=4711", "Invalid register \"i=4711\". The device says: ";
        "Temp", "Invalid register \"Temp\". `Temp` is no node id (no `i=`, `s=`, `g=` or `b=`): write i=NUMBER";
    ] {
        for answer in [client.get(&io(path)).await, client.post(&io(path), &json!({"value": 1})).await] {
            let answer = answer.expect(400);
            let (message, advice) = (&answer["register"][0], answer["detail"].as_str().unwrap_or_default());
            let message = format!("{} {advice}", message.as_str().unwrap_or_default());
            assert!(message.starts_with(problem), "{path}: {answer}");
        }
    }
    let log = client.sql("SELECT action, kind, row_id FROM audit_log WHERE action = 'write'").await;
    assert_eq!(log.len(), peer.points.iter().filter(|point| point["writable"] == true).count(), "{log:?}");
}

#[tokio::test]
async fn statuses_and_times_of_the_source_are_kept_and_no_reading_is_written_over() {
    let mut peer = OpcuaServer::start(free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    for (number, subscribes) in [(0, false), (1, true)] {
        let source_s = 1_777_377_600 + number * 1000;
        let node = "ns=2;s=Line.Double";
        peer.run_command(&json!({"node": node, "value": 1.0, "source": source_s}));
        let device = device_at(&client, peer.port, json!({ "use_subscription": subscribes })).await;
        let stream = stream_at(&client, device, node, "fp64").await;
        let first = until_last(&client, stream, "the first value", |last| last["value"] == 1.0).await;
        assert_eq!(first["ts"], source_s * 1_000_000, "the source's time");

        // The same time with another value, then with another status.
        peer.run_command(&json!({"node": node, "value": 2.0, "source": source_s}));
        let second = until_last(&client, stream, "the second value", |last| last["value"] == 2.0).await;
        assert!(second["ts"].as_i64() > Some(source_s * 1_000_000 + 1_000_000), "{second}");
        peer.run_command(&json!({"node": node, "status": 0x4090_0000_u32, "source": source_s}));
        until_last(&client, stream, "an uncertain value", |last| {
            last["quality"] == "uncertain" && last["value"] == 2.0
        })
        .await;
        peer.run_command(&json!({"node": node, "status": 0x808C_0000_u32, "source": source_s}));
        until_last(&client, stream, "a bad value", |last| {
            last["quality"] == "bad" && last["value"].is_null()
        })
        .await;
        let shown = until_state(&client, device, "degraded").await;
        let is_named = shown["last_error"].as_str().is_some_and(|error| error.contains("BadSensorFailure"));
        assert!(is_named, "{shown}");

        peer.run_command(&json!({"node": node, "value": 3.0}));
        until_last(&client, stream, "a good value again", |last| last["value"] == 3.0).await;
        let kept: Vec<_> = readings(&client, stream)
            .await
            .iter()
            .map(|row| (row["value"].as_f64(), row["quality"].clone()))
            .collect();
        let expected = [
            (Some(1.0), "good"),
            (Some(2.0), "good"),
            (Some(2.0), "uncertain"),
            (None, "bad"),
            (Some(3.0), "good"),
        ];
        let wanted = expected.map(|(value, quality)| (value, json!(quality)));
        assert_eq!(kept, wanted, "subscribed: {subscribes}");
        client.delete(&format!("/api/device/{device}/")).await.expect(204);
    }
}
