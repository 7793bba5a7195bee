//! `basalt simulate opcua`, to our collector and to a client of other people's code (asyncua).

use std::time::Duration;

use basalt::domain::device::Protocol;
use basalt::sim::fault::{FaultKind, FaultSchedule, PlantFault};
use basalt::sim::{Plant, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{EVENT_TIMEOUT, device_of, holds, readings, stream_at, until_last, until_state};
use crate::support::{Client, Server, SimulatorProcess, eventually, run_python};

/// Initial value of a node of each type.
fn initial() -> [(&'static str, &'static str, Value); 12] {
    [
        ("Boolean", "bit", json!(true)),
        ("SByte", "int16", json!(-128)),
        ("Byte", "byte", json!(255)),
        ("Int16", "int16", json!(-2)),
        ("UInt16", "uint16", json!(4660)),
        ("Int32", "int32", json!(-123_456_789)),
        ("UInt32", "uint32", json!(305_419_896)),
        ("Int64", "int64", json!(-1_234_567_890_123_456_789_i64)),
        ("UInt64", "uint64", json!(u64::MAX)),
        ("Float", "fp32", json!(123.456_f32)),
        ("Double", "fp64", json!(-1234.5678)),
        ("String", "text", json!("Läuft; a=b")),
    ]
}

#[tokio::test]
async fn the_simulator_is_polled_and_subscribed_to() {
    let simulated = SimulatorProcess::start("opcua").await;
    let (_server, client) = Server::with_client(&[]).await;
    for subscribes in [false, true] {
        let device = device_of(&client, &simulated.url, json!({ "use_subscription": subscribes })).await;
        let mut values = Vec::new();
        for (name, kind, value) in initial() {
            values.push((stream_at(&client, device, &format!("ns=2;s=values.{name}"), kind).await, value));
        }
        let speed = stream_at(&client, device, "nsu=urn:basalt:simulator;s=motor.speed", "fp64").await;
        let signal = stream_at(&client, device, "ns=2;s=signals.57", "fp64").await;
        for (stream, value) in values {
            until_last(&client, stream, &value.to_string(), |last| holds(last, &value)).await;
        }
        until_last(&client, speed, "a speed", |last| {
            last["value"].as_f64().is_some_and(|rpm| (1000.0..2000.0).contains(&rpm))
        })
        .await;
        let rows = eventually("signals of several seconds", EVENT_TIMEOUT, || async {
            let rows = readings(&client, signal).await;
            let seconds: Vec<i64> = rows.iter().filter_map(second_of).collect();
            (*seconds.last()? >= seconds.first()? + 3).then_some(rows)
        })
        .await;
        follows_the_clock(&rows, 57);
        until_state(&client, device, "online").await;
        client.delete(&format!("/api/device/{device}/")).await.expect(204);
    }
    // Collectors are connected, as they are when somebody presses Ctrl-C.
    let device = device_of(&client, &simulated.url, json!({ "use_subscription": true })).await;
    let stream = stream_at(&client, device, "ns=2;s=motor.run", "bit").await;
    until_last(&client, stream, "a value", |last| last["value"] == 1.0).await;
    simulated.stop().await;
    until_last(&client, stream, "its end", |last| last["quality"] == "bad").await;
}

/// The second of a good reading that has the time of its source: signals have whole seconds.
fn second_of(row: &Value) -> Option<i64> {
    let ts = row["ts"].as_i64().filter(|ts| ts % 1_000_000 == 0)?;
    (row["quality"] == "good").then_some(ts / 1_000_000)
}

/// Every good reading of a signal has the value of one second, and that second as its time. A busy machine may lose the
/// connection for a moment, which is a bad reading at the moment it was lost. A value whose second is not later than the
/// reading before it has the time of its receipt, so that no reading takes the place of another.
fn follows_the_clock(rows: &[Value], number: i64) {
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| row["quality"] == "good") {
        let tenths = (row["value"].as_f64().expect("a value") * 10.0).round() as i64;
        // Values come again after a thousand seconds: this is the last second up to then with this one.
        let latest = row["ts"].as_i64().expect("a time").div_euclid(1_000_000);
        let second = latest - (latest + 7 * number - tenths).rem_euclid(1000);
        let expected = (second + 7 * number).rem_euclid(1000) as f64 / 10.0;
        assert_eq!(row["value"].as_f64(), Some(expected), "{row}");
        if let Some(shown) = second_of(row) {
            assert_eq!(shown, second, "{row}");
        } else {
            let before = rows[..index].last().and_then(|before| before["ts"].as_i64());
            assert!(before >= Some(second * 1_000_000), "a time of receipt for nothing: {row} of {rows:?}");
        }
    }
}

async fn read(client: &Client, device: i64, name: &str) -> Value {
    let answer = client.get(&format!("/api/device/{device}/io/ns=2;s={name}/")).await.ok();
    answer["value"].clone()
}

#[tokio::test]
async fn what_is_written_is_held_and_told() {
    let simulated = SimulatorProcess::start("opcua").await;
    let (_server, client) = Server::with_client(&[]).await;
    let device = device_of(&client, &simulated.url, json!({"use_subscription": true})).await;
    let setpoint = stream_at(&client, device, "ns=2;s=motor.setpoint", "uint16").await;
    let wide = stream_at(&client, device, "ns=2;s=values.Int64", "int64").await;
    until_last(&client, setpoint, "the setpoint", |last| last["value"] == 1480.0).await;
    for (name, value, status) in [
        ("motor.setpoint", json!(1200), 200),
        ("motor.run", json!(false), 200),
        ("tank.valve", json!(62.5), 200),
        ("values.Int64", json!(i64::MIN), 200),
        ("values.UInt64", json!(u64::MAX - 1), 200),
        ("values.String", json!("äöü"), 200),
        // The server's own range; ours of the type; and what only tells.
        ("motor.setpoint", json!(3001), 502),
        ("motor.setpoint", json!(65_536), 400),
        ("motor.speed", json!(1.0), 400),
        ("signals.0", json!(1.0), 400),
    ] {
        let path = format!("/api/device/{device}/io/ns=2;s={name}/");
        client.post(&path, &json!({ "value": value })).await.about(&format!("{name} {value}")).expect(status);
        if status == 200 {
            assert_eq!(read(&client, device, name).await, value, "{name}");
        }
    }
    until_last(&client, setpoint, "the new setpoint", |last| last["value"] == 1200.0).await;
    until_last(&client, wide, "the new value", |last| last["text"] == json!(i64::MIN.to_string())).await;
    let known = |row: &Value| [1480.0, 1200.0].contains(&row["value"].as_f64().unwrap_or_default());
    let rows = readings(&client, setpoint).await;
    assert!(rows.iter().all(known), "nobody is told what no longer is: {rows:?}");
}

#[tokio::test]
async fn a_simulator_that_goes_away_remembers_what_was_written_and_is_found_again() {
    let (_server, client) = Server::with_client(&[]).await;
    // As long as nobody waits: the case lets the time pass.
    let a_while = Duration::from_secs(600);
    let when = FaultSchedule { start: a_while, length: a_while, every: None };
    let away = PlantFault { kind: FaultKind::Disconnect(Some(Protocol::Opcua)), schedule: when };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let simulator = Simulator::start_protocol(Protocol::Opcua, listener, Plant::with_faults(vec![away]))
        .expect("it starts");
    let address = format!("opc.tcp://{}", simulator.addr());
    let device = device_of(&client, &address, json!({"use_subscription": true})).await;
    let stream = stream_at(&client, device, "ns=2;s=values.UInt64", "uint64").await;
    let io = format!("/api/device/{device}/io/ns=2;s=values.UInt64/");
    let written = u64::MAX - 3;
    client.post(&io, &json!({ "value": written })).await.ok();
    until_state(&client, device, "online").await;
    for state in ["offline", "online"] {
        simulator.advance(a_while);
        until_state(&client, device, state).await;
    }
    let is_it = |row: &Value| row["text"] == json!(written.to_string()) && row["quality"] == "good";
    until_last(&client, stream, "what was written", is_it).await;
    let rows = readings(&client, stream).await;
    let bad = rows.iter().filter(|row| row["quality"] == "bad").count();
    assert_eq!(bad, 1, "{rows:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn asyncua_browses_reads_writes_and_subscribes_to_the_simulator() {
    let mut simulated = SimulatorProcess::start("opcua").await;
    assert_eq!(simulated.line(), "without security, to anybody. Nodes:");
    assert_eq!(simulated.line(), "ns=2;s=motor.setpoint        UInt16    rw  rpm");
    let seen = run_python("opcua_client.py", &[&simulated.port.to_string()]).await;
    assert_eq!(seen["namespace"], 2);
    assert_eq!(seen["folders"], json!({"Plant": 3, "Values": 14, "Signals": 2000}));
    assert_eq!(seen["motor"].as_array().map(Vec::len), Some(9));
    for (name, _, value) in initial() {
        let node = &seen["values"][name];
        assert_eq!(node["type"], name, "{node}");
        assert_eq!((&node["initial"], &node["written"]), (&value, &node["held"]), "{name}");
    }
    assert_eq!(seen["values"]["UInt64"]["held"], json!(u64::MAX - 2));
    let expected = json!({"wrong type": "BadTypeMismatch", "read only": "BadUserAccessDenied", "too much": "BadOutOfRange",
               "no such node": "BadNodeIdUnknown", "half a type": "BadTypeMismatch"});
    assert_eq!(seen["refused"], expected);
    assert_eq!(seen["told"], json!([1480, 1250]), "a subscription to a setpoint");
    let signals = seen["signals"].as_array().expect("a list");
    assert!(signals.len() >= 3, "{signals:?}");
    for row in signals {
        let second = row[0].as_i64().expect("a second");
        assert_eq!(row[1], (second + 21).rem_euclid(1000) as f64 / 10.0, "{row}");
    }
}
