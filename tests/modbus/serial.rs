//! Modbus RTU at a serial port: devices of other people's code (pymodbus) on one line.

use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, INTERVAL_S, stream_at, until_more, until_state};
use crate::support::{Client, ModbusLine, Server, rows, until};

/// Creates a device at a port; its id.
async fn unit_at(client: &Client, port: &str, unit: u8) -> i64 {
    let device = json!({"name": format!("unit {unit}"), "protocol": "modbus", "host": port, "unit": unit, "timeout": 0.5,
                        "poll_interval": INTERVAL_S, "metadata": {"baud": 9600, "parity": "none"}});
    client.create("/api/device/", &device).await
}

async fn error_of(client: &Client, device: i64) -> Value {
    client.get(&format!("/api/device/{device}/")).await["last_error"].clone()
}

#[tokio::test]
async fn three_units_share_a_line_and_a_missing_one_stops_nobody() {
    let line = ModbusLine::start().await;
    // A pseudo terminal is no serial port by its name, so it is listed.
    let (_server, client) = Server::with_client(&[("BASALT_COLLECT__SERIAL_PORTS", &line.port)]).await;
    let mut streams = Vec::new();
    for unit in 1..=3 {
        let device = unit_at(&client, &line.port, unit).await;
        streams.push((unit, device, stream_at(&client, device, "hr:0", "uint16", "abcd").await));
    }
    for (unit, device, stream) in &streams {
        until_state(&client, *device, "online").await;
        until_more(&client, *stream, "good", 1).await;
        let query =
            format!("SELECT DISTINCT value FROM readings WHERE stream_id = {stream} AND quality = 'good'");
        assert_eq!(client.sql(&query).await, [json!({"value": f64::from(*unit) * 100.0})], "unit {unit}");
    }
    let answer = client.get(&format!("/api/device/{}/io/hr:0/?type=uint16", streams[1].1)).await;
    answer.has(200, json!({"value": 200}));
    let missing = unit_at(&client, &line.port, 9).await;
    stream_at(&client, missing, "hr:0", "uint16", "abcd").await;
    until!("an error of unit 9", EVENT_TIMEOUT; error_of(&client, missing).await.is_string());
    for (_, device, stream) in &streams {
        until_more(&client, *stream, "good", 3).await;
        until_state(&client, *device, "online").await;
    }
    drop(line);
    for (_, device, _) in &streams {
        until_state(&client, *device, "offline").await;
    }
}

#[tokio::test]
async fn only_ports_that_the_operator_allows_are_opened() {
    let line = ModbusLine::start().await;
    let (_server, client) = Server::with_client(&[]).await;
    for (port, words) in [
        (line.port.as_str(), "collect.serial_ports"),
        ("/dev/null", "collect.serial_ports"),
        ("/dev/ttyUSB99", "there is no such port"),
    ] {
        let device = json!({"name": "new", "protocol": "modbus", "host": port, "timeout": 1});
        let body = json!({"device": device, "registers": ["hr:0"]});
        let (status, answer) = client.post("/api/device/test/", &merged(&device, &body)).await.outcome();
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(status == 200 && error.contains(words), "{port}: {status} {answer}");
    }
    for (field, device) in rows![
        "host", json!({"name": "new", "protocol": "modbus", "host": "/etc/passwd"});
        "host", json!({"name": "new", "protocol": "modbus", "host": "/dev/../etc/passwd"});
        "unit", json!({"name": "new", "protocol": "modbus", "host": "/dev/ttyUSB0", "unit": 0});
        "port", json!({"name": "new", "protocol": "modbus", "host": "/dev/ttyUSB0", "port": 502});
        "metadata", json!({"name": "new", "protocol": "modbus", "host": "/dev/ttyUSB0", "metadata": {"baud": 1}});
    ] {
        let answer = client.post("/api/device/", &device).await.expect(400);
        assert!(answer[field].is_array(), "{device}: {answer}");
    }
}

/// The fields of a device with the registers to test.
fn merged(device: &Value, body: &Value) -> Value {
    let mut merged = device.clone();
    merged["registers"] = body["registers"].clone();
    merged
}

#[tokio::test]
async fn a_register_is_read_without_a_server() {
    let line = ModbusLine::start().await;
    let server = Server::start(&[]).await;
    let address = |unit: u8| format!("modbus+serial://{}/hr:0?unit={unit}&baud=9600&parity=none", line.port);
    let read = server.basalt(&["read", &address(3)]).await.expect_success();
    assert!(read.contains("value     300"), "{read}");
    let refused = server.basalt(&["read", "modbus+serial:///dev/null/hr:0"]).await.expect_failure();
    assert!(refused.contains("it is no serial port"), "{refused}");
}
