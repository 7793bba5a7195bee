//! MQTT devices: the simulated broker and somebody else's, what they publish while nobody listens, and writes.

use std::time::Duration;

use basalt::domain::Clock;
use basalt::domain::device::Protocol;
use basalt::domain::time::SystemClock;
use basalt::sim::{Plant, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{EVENT_TIMEOUT, readings, stream_at, until_newest, until_state};
use crate::support::{Client, MqttPeer, Server, eventually, free_port};

async fn simulator() -> Simulator {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Simulator::start_protocol(Protocol::Mqtt, listener, Plant::default()).expect("it starts")
}

async fn device(client: &Client, port: u16, metadata: Value) -> i64 {
    let host = format!("mqtt://127.0.0.1:{port}");
    let row =
        json!({"name": "broker", "protocol": "mqtt", "host": host, "timeout": 10, "metadata": metadata});
    client.create("/api/device/", &row).await
}

/// A client of the simulated broker, by hand: CONNECT with a clean session.
async fn publisher(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    stream.write_all(b"\x10\x0f\0\x04MQTT\x04\x02\0\0\0\x03pub").await.expect("it reads");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.expect("it answers");
    assert_eq!(answer, [0x20, 2, 0, 0]);
    stream
}

/// Publishes with QoS 1; the broker has the message when this returns.
async fn publish(stream: &mut TcpStream, topic: &str, payload: &str) {
    let mut packet = vec![0x32, (4 + topic.len() + payload.len()) as u8, 0, topic.len() as u8];
    packet.extend(topic.as_bytes());
    packet.extend([0, 1]);
    packet.extend(payload.as_bytes());
    stream.write_all(&packet).await.expect("it reads");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.expect("it answers");
    assert_eq!(answer, [0x40, 2, 0, 1]);
}

/// Publishes again and again until the stream has a reading: a device that is online may not have subscribed to a new stream yet, and
/// nobody keeps the message for it.
async fn publish_until_collected(
    client: &Client,
    stream: i64,
    publisher: &mut TcpStream,
    topic: &str,
    payload: &str,
) {
    while readings(client, stream).await.is_empty() {
        publish(publisher, topic, payload).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_simulated_plant_is_collected_with_its_times_and_set() {
    let simulator = simulator().await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device(&client, simulator.addr().port(), json!({"time_pointer": "/time"})).await;
    let speed = stream_at(&client, device, "plant/motor/speed#/value", "fp64", json!({})).await;
    let setpoint = stream_at(&client, device, "plant/+/setpoint#/value", "text", json!({})).await;
    let unit = stream_at(&client, device, "plant/motor/speed#/unit", "text", json!({})).await;
    let missing = stream_at(&client, device, "plant/motor/speed#/torque", "fp64", json!({})).await;
    until_newest(&client, speed, "a speed", |row| row["quality"] == "good").await;
    until_newest(&client, unit, "a unit", |row| row["text"] == "rpm").await;
    until_newest(&client, setpoint, "a setpoint", |row| row["quality"] == "good").await;
    until_newest(&client, missing, "a fault", |row| row["quality"] == "bad").await;
    let status = until_state(&client, device, "degraded").await;
    let error = status["last_error"].as_str().unwrap_or_default();
    assert!(error.ends_with("the payload has no `/torque`"), "{error}");

    let set = format!("/api/device/{device}/io/plant%2Fmotor%2Fsetpoint%2Fset/");
    client.post(&set, &json!({"value": 1234})).await.ok();
    until_newest(&client, setpoint, "the setpoint written", |row| row["text"] == "1234").await;
    for (register, method) in [("plant%2F%2B%2Fsetpoint", "POST"), ("plant%2Fmotor%2Fspeed", "GET")] {
        let path = format!("/api/device/{device}/io/{register}/");
        let answer = client.send_json(method, &path, &json!({"value": 1})).await;
        answer.about(&format!("{method} {register}")).expect(400);
    }
}

#[tokio::test]
async fn what_was_published_while_the_server_was_away_comes_when_it_is_back() {
    let simulator = simulator().await;
    let port = simulator.addr().port();
    let mut server = Server::start(&[]).await;
    let device = device(&server.client(), port, json!({})).await;
    let stream = stream_at(&server.client(), device, "line/count", "int32", json!({})).await;
    let mut publisher = publisher(port).await;
    until_state(&server.client(), device, "online").await;
    publish_until_collected(&server.client(), stream, &mut publisher, "line/count", "1").await;
    server.kill();
    for count in 2..=20 {
        publish(&mut publisher, "line/count", &count.to_string()).await;
    }
    server.start_again().await;
    until_newest(&server.client(), stream, "the last", |row| row["value"] == 20.0).await;
    let stored = readings(&server.client(), stream).await;
    for count in 1..=20 {
        assert!(stored.iter().any(|row| row["value"] == f64::from(count)), "{count} of {stored:?}");
    }
}

#[tokio::test]
async fn a_broker_that_is_not_our_code_is_subscribed_to_and_published_to() {
    let mut peer = MqttPeer::start(free_port()).await;
    let (_server, client) = Server::with_client(&[]).await;
    peer.publish("line/1/state", "run", true);
    let device = device(&client, peer.port, json!({"time_pointer": "/ts", "writable": ["set/valve"]})).await;
    let state = stream_at(&client, device, "line/1/state", "text", json!({})).await;
    let temp = stream_at(&client, device, "line/+/temp#/values/0", "fp32", json!({})).await;
    until_newest(&client, state, "the retained state", |row| row["text"] == "run").await;
    // Retained, so that it is not missed while the subscription of the new stream is made.
    peer.publish("line/2/temp", "{\"values\":[21.5],\"ts\":\"2026-04-28T12:00:00Z\"}", true);
    let row = until_newest(&client, temp, "a value", |row| row["quality"] == "good").await;
    assert_eq!(row["value"], 21.5);
    assert!(row["ts"].as_str().is_some_and(|ts| ts.starts_with("2026-04-28T12:00:00")), "{row}");

    for (topic, code) in [("set%2Fvalve", 200), ("set%2Fother", 400)] {
        let path = format!("/api/device/{device}/io/{topic}/");
        client.post(&path, &json!({"value": 12.5})).await.about(&topic).expect(code);
    }
    assert_eq!(peer.received(), json!({"topic": "set/valve", "payload": "12.5"}));

    peer.kill();
    until_state(&client, device, "offline").await;
    until_newest(&client, temp, "the loss", |row| row["quality"] == "bad").await;
}

#[tokio::test]
async fn browse_lists_topics_and_the_addresses_in_them() {
    let simulator = simulator().await;
    let address = format!("mqtt://{}/plant/motor/#", simulator.addr());
    let home = crate::support::DataDir::new();
    let output = home.basalt(&["browse", &address, "--listen", "2"]).await.expect_success();
    assert!(output.contains("plant/motor/speed#/value"), "{output}");
    assert!(!output.contains("plant/tank"), "{output}");
}

fn now_s() -> u64 {
    SystemClock.now().0.unsigned_abs() / 1_000_000
}

/// Readings of a stream whose time is not within ten minutes of now.
async fn elsewhere(client: &Client, stream: i64) -> Vec<Value> {
    let is_now = "ts BETWEEN now() - INTERVAL '10 minutes' AND now() + INTERVAL '10 minutes'";
    client.sql(&format!("SELECT ts, value FROM readings WHERE stream_id = {stream} AND NOT ({is_now})")).await
}

/// Plant A2, rest A5.
#[tokio::test]
async fn values_of_a_clock_that_is_ahead_are_of_now_and_the_device_says_that_it_is_off() {
    let simulator = simulator().await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device(&client, simulator.addr().port(), json!({"time_pointer": "/ts"})).await;
    let stream = stream_at(&client, device, "line/temp#/v", "fp64", json!({})).await;
    let mut publisher = publisher(simulator.addr().port()).await;
    until_state(&client, device, "online").await;
    let first = json!({"v": 0.5, "ts": now_s()}).to_string();
    publish_until_collected(&client, stream, &mut publisher, "line/temp", &first).await;
    // The last is later by its own time than the receipt of the one before, of which whole seconds may fall short.
    for (value, ahead_s, quality) in [(1.5, 2, "good"), (2.5, 3600, "uncertain"), (3.5, 2, "good")] {
        let payload = json!({"v": value, "ts": now_s() + ahead_s}).to_string();
        publish(&mut publisher, "line/temp", &payload).await;
        until_newest(&client, stream, "a value", |row| row["value"] == value && row["quality"] == quality)
            .await;
    }
    assert_eq!(elsewhere(&client, stream).await, Vec::<Value>::new());
    let status = client.get(&format!("/api/device/{device}/status/")).await.body;
    let is_told = status["clock_offset"].as_f64().is_some_and(|offset| (3500.0..3700.0).contains(&offset));
    assert!(is_told, "{status}");
    let shown = client.sql("SELECT clock_offset FROM devices").await;
    assert_eq!(shown[0]["clock_offset"], status["clock_offset"]);
    let events = eventually("an event", EVENT_TIMEOUT, || async {
        let events = client.sql("SELECT level, device_id FROM events WHERE kind = 'clock'").await;
        (!events.is_empty()).then_some(events)
    });
    assert_eq!(events.await, [json!({"level": "warning", "device_id": device})]);
}

/// Plant A3: a controller whose clock was never set.
#[tokio::test]
async fn values_of_an_unset_clock_are_of_now_before_and_after_a_restart() {
    let simulator = simulator().await;
    let port = simulator.addr().port();
    let mut server = Server::start(&[]).await;
    let device = device(&server.client(), port, json!({"time_pointer": "/ts"})).await;
    let stream = stream_at(&server.client(), device, "line/temp#/v", "fp64", json!({})).await;
    let mut publisher = publisher(port).await;
    until_state(&server.client(), device, "online").await;
    publish_until_collected(&server.client(), stream, &mut publisher, "line/temp", r#"{"v":12,"ts":12}"#)
        .await;
    until_newest(&server.client(), stream, "the first", |row| row["value"] == 12.0).await;
    server.kill();
    // The same again, and another value.
    publish(&mut publisher, "line/temp", r#"{"v":12,"ts":12}"#).await;
    publish(&mut publisher, "line/temp", r#"{"v":24,"ts":15}"#).await;
    server.start_again().await;
    let client = server.client();
    until_newest(&client, stream, "the last", |row| row["value"] == 24.0 && row["quality"] == "uncertain")
        .await;
    assert_eq!(elsewhere(&client, stream).await, Vec::<Value>::new());
    let stored = readings(&client, stream).await;
    assert_eq!(stored.iter().filter(|row| row["value"] == 12.0).count(), 1, "stored once: {stored:?}");
}
