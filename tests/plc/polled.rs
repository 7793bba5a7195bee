//! Polling: what is stored of a simulated plant, scattered and joined, and what a failing tag costs.

use basalt::domain::device::Protocol;
use serde_json::json;

use super::{EVENT_TIMEOUT, device_at, readings, simulator, stream_at};
use crate::support::{Client, Server, eventually, until};

/// Address, type and value of a stream.
type Tag = (&'static str, &'static str, f64);

fn tags(protocol: Protocol) -> Vec<Tag> {
    match protocol {
        Protocol::Melsec => vec![
            ("D0", "uint16", 1480.0),
            ("D2", "int16", 6500.0),
            ("M0", "bit", 1.0),
            ("X0", "bit", 1.0),
            // Apart from each other: read together.
            ("D2000", "uint16", 11.0),
            ("D4000", "int32", -12.0),
            ("W1F", "uint64", 9_007_199_254_740_993.0),
            ("R7", "fp64", -1234.5678),
            ("D5000.C", "bit", 1.0),
        ],
        Protocol::S7 => vec![
            ("DB1.DBW0", "uint16", 1480.0),
            ("DB1.DBW4", "int16", 6500.0),
            ("M0.0", "bit", 1.0),
            ("I0.0", "bit", 1.0),
            // Odd bytes, neighbours and other areas: read together.
            ("DB2.DBW101", "uint16", 11.0),
            ("DB2.DBD103", "int32", -12.0),
            ("DB2.DBD4000", "uint64", 9_007_199_254_740_993.0),
            ("QD7", "fp64", -1234.5678),
            ("DB2.DBX107.6", "bit", 1.0),
        ],
        Protocol::Eip => vec![
            ("motor.setpoint", "uint16", 1480.0),
            ("furnace.setpoint", "fp32", 650.0),
            ("Program:Main.run", "bit", 1.0),
            ("motor.running", "bit", 1.0),
            ("value_uint", "uint16", 11.0),
            ("numbers[999]", "int32", -12.0),
            ("value_ulint", "uint64", 9_007_199_254_740_993.0),
            ("value_lreal", "fp64", -1234.5678),
            ("value_lint.40", "bit", 1.0),
            ("flags[37]", "bit", 1.0),
            ("grid[3,4]", "int16", -7.0),
        ],
        _ => vec![
            ("%DW0", "uint16", 1480.0),
            ("%DW2", "int16", 6500.0),
            ("%MX0", "bit", 1.0),
            ("%PX0", "bit", 1.0),
            ("%DW2000", "uint16", 11.0),
            ("%DW4000", "int32", -12.0),
            ("%RW31", "uint64", 9_007_199_254_740_993.0),
            ("%RW7", "fp64", -1234.5678),
            ("%DW5000.C", "bit", 1.0),
        ],
    }
}

/// Writes what the tags of plain memory are to hold.
async fn fill(client: &Client, device: i64, tags: &[Tag]) {
    for (path, kind, value) in tags.iter().skip(4) {
        let at = format!("/api/device/{device}/io/{}/?type={kind}", path.replace('%', "%25"));
        let value = match *kind {
            "bit" => json!(*value == 1.0),
            "fp64" => json!(value),
            "uint64" => json!(9_007_199_254_740_993_u64),
            _ => json!(*value as i64),
        };
        client.post(&at, &json!({ "value": value })).await.ok();
    }
}

#[tokio::test]
async fn a_block_that_the_cpu_does_not_have_spoils_no_other() {
    let (_server, client) = Server::with_client(&[]).await;
    let simulator = simulator(Protocol::S7).await;
    let polled = json!({"poll_interval": 0.1});
    let device = device_at(&client, Protocol::S7, simulator.addr().port(), polled).await;
    let mut bad = Vec::new();
    for path in ["DB9.DBW0", "DB9.DBD2", "DB9.DBX6.0"] {
        let kind = if path.contains("DBX") { "bit" } else { "uint16" };
        bad.push(stream_at(&client, device, path, kind).await);
    }
    // More than the PDU of the simulator carries in one request.
    let mut good = Vec::new();
    for n in 0..30 {
        good.push(stream_at(&client, device, &format!("DB2.DBW{}", n * 100), "int16").await);
    }
    for stream in good {
        eventually("several readings", EVENT_TIMEOUT, || async {
            let stored = readings(&client, stream).await;
            assert!(stored.iter().all(|reading| reading["quality"] == "good"), "{stored:?}");
            (stored.len() > 3).then_some(())
        })
        .await;
    }
    for stream in bad {
        let stored = readings(&client, stream).await;
        assert_eq!((stored.len(), &stored[0]["quality"]), (1, &json!("bad")), "one bad reading");
    }
    assert_eq!(client.get(&format!("/api/device/{device}/")).await["status"], "degraded");
}

#[tokio::test]
async fn values_arrive_exactly_and_a_failing_tag_spoils_no_other() {
    let (_server, client) = Server::with_client(&[]).await;
    for (protocol, beyond, fault) in [
        (Protocol::Melsec, "D19999", "device number beyond what the CPU has (end code 4031)"),
        (Protocol::Fenet, "%DW19999", "beyond the end of the area (error code 0004)"),
        (Protocol::S7, "DB2.DBD39998", "beyond the end of the area or data block (return code 05)"),
        (Protocol::Eip, "numbers[1000]", "beyond the last element (general status FF, extended status 2105)"),
    ] {
        let simulator = simulator(protocol).await;
        let device = device_at(&client, protocol, simulator.addr().port(), json!({})).await;
        let tags = tags(protocol);
        fill(&client, device, &tags).await;
        let mut streams = Vec::new();
        for (path, kind, value) in &tags {
            streams.push((stream_at(&client, device, path, kind).await, *path, *value));
        }
        // Its second word, or the tag itself, is beyond the end.
        let failing = stream_at(&client, device, beyond, "uint32").await;
        client.patch(&format!("/api/device/{device}/"), &json!({"poll_interval": 0.1})).await.ok();
        for (stream, path, value) in streams {
            let stored = until!("several readings", EVENT_TIMEOUT;
                stored = readings(&client, stream).await; stored.len() > 3);
            for reading in &stored {
                let found = (&reading["value"], &reading["quality"]);
                assert_eq!(found, (&json!(value), &json!("good")), "{path}");
                let text = (value == 9_007_199_254_740_992.0).then_some("9007199254740993");
                assert_eq!(reading["text"].as_str(), text, "{path}");
            }
        }
        let stored = readings(&client, failing).await;
        assert_eq!((stored.len(), &stored[0]["quality"]), (1, &json!("bad")), "one bad reading");
        let shown = client.get(&format!("/api/device/{device}/")).await.body;
        assert_eq!(shown["status"], "degraded");
        assert_eq!(shown["last_error"], json!(format!("`uint32 {beyond}` ({beyond}): {fault}")));
        simulator.stop().await;
        until!("offline", EVENT_TIMEOUT;
            shown = client.get(&format!("/api/device/{device}/")).await.body; shown["status"] == "offline");
    }
}
