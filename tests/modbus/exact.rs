//! Every type in every word order, value by value as the device holds it.

use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, device_at, readings, stream_at};
use crate::support::{Client, ModbusDevice, Server, eventually, free_port};

#[tokio::test]
async fn every_value_in_every_word_order_arrives_exactly() {
    let plc = ModbusDevice::start(free_port(), "socket").await;
    arrives_exactly(&plc, json!({})).await;
}

#[tokio::test]
async fn the_same_as_rtu_over_tcp() {
    let plc = ModbusDevice::start(free_port(), "rtu").await;
    arrives_exactly(&plc, json!({"framing": "rtu_over_tcp"})).await;
}

async fn arrives_exactly(plc: &ModbusDevice, metadata: Value) {
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_at(&client, plc.port, metadata).await;
    let mut expected = Vec::new();
    for point in &plc.points {
        let text = |key: &str| point[key].as_str().expect("a text");
        let stream = stream_at(&client, device, text("path"), text("type"), text("wordorder")).await;
        expected.push((stream, point));
    }
    assert!(expected.len() > 100, "the device has points of every kind");
    for (stream, point) in &expected {
        let first = eventually("a first value", EVENT_TIMEOUT, || first_value(&client, *stream)).await;
        assert_eq!(&first, &point["value"], "{point}");
    }
    // Nothing else was ever stored for them: no zero at the start, no value of another order.
    for (stream, point) in &expected {
        let rows = client.get(&format!("/api/data/{stream}/value/")).await.body;
        let others = rows.as_array().expect("a list").iter().filter(|row| row["value"] != point["value"]);
        assert_eq!(others.count(), 0, "{point}: {rows}");
        assert!(readings(&client, *stream).await.iter().all(|row| row["quality"] == "good"), "{point}");
    }
    let shown = client.get(&format!("/api/device/{device}/")).await.body;
    assert_eq!((&shown["status"], &shown["last_error"]), (&json!("online"), &Value::Null));
}

async fn first_value(client: &Client, stream: i64) -> Option<Value> {
    let shown = client.get(&format!("/api/data/{stream}/")).await.body;
    Some(shown["last_value"].clone()).filter(|value| !value.is_null())
}
