//! Direct reads and writes of a device of other people's code: every type in every word order.

use serde_json::{Value, json};

use super::device_at;
use crate::support::{ModbusDevice, Server, free_port};

#[tokio::test]
async fn every_value_is_read_and_written_exactly() {
    for (framer, metadata) in [
        ("socket", json!({})),
        ("rtu", json!({"framing": "rtu_over_tcp"})),
        ("socket", json!({"writes_lists": true})),
    ] {
        let plc = ModbusDevice::start(free_port(), framer).await;
        let (_server, client) = Server::with_client(&[]).await;
        let device = device_at(&client, plc.port, metadata.clone()).await;
        let mut written = 0;
        for point in &plc.points {
            let text = |key: &str| point[key].as_str().expect("a text");
            let (path, kind) = (text("path"), text("type"));
            let io = format!("/api/device/{device}/io/{path}/?type={kind}&byteorder={}", text("wordorder"));
            let value = &point["value"];
            assert_eq!(client.get(&io).await.body, json!({ "value": value }), "{metadata} {point}");
            let new = other(value, kind);
            let (status, answer) = client.post(&io, &json!({ "value": new })).await.outcome();
            if path.starts_with("ir") || path.starts_with("di") {
                let read_only = json!({"register": ["Register is read-only."]});
                assert_eq!((status, answer), (400, read_only), "{point}");
                continue;
            }
            assert_eq!((status, answer), (200, json!({"written": true, "value": new})), "{metadata} {point}");
            assert_eq!(client.get(&io).await.body, json!({ "value": new }), "{metadata} {point}");
            written += 1;
            // Put back: bits of one register are points of their own.
            client.post(&io, &json!({ "value": value })).await.ok();
        }
        assert!(written > 60, "{written} points can be written");
        // After all of it every point is as it was: no write touched its neighbours.
        for point in &plc.points {
            let text = |key: &str| point[key].as_str().expect("a text");
            let io = format!(
                "/api/device/{device}/io/{}/?type={}&byteorder={}",
                text("path"),
                text("type"),
                text("wordorder")
            );
            assert_eq!(client.get(&io).await.body, json!({"value": point["value"]}), "{metadata} {point}");
        }
    }
}

/// Another value that the type holds exactly.
fn other(value: &Value, kind: &str) -> Value {
    match kind {
        "bit" => json!(!value.as_bool().expect("a bit")),
        "fp16" => json!(-0.25),
        "fp32" => json!(1.0e-3_f32),
        "fp64" => json!(6.02e23),
        "int64" => json!(-9_007_199_254_740_993_i64),
        "uint64" => json!(u64::MAX),
        "int16" | "int32" => json!(-12_345),
        _ => json!(54_321),
    }
}
