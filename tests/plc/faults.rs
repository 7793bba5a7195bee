//! Faults on schedule: what a collector makes of a device that goes away and what sensors show then, over every protocol.

use std::time::Duration;

use basalt::domain::device::Protocol;
use basalt::sim::fault::{FaultKind, FaultSchedule, PlantFault, Sensor};
use basalt::sim::{Plant, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{EVENT_TIMEOUT, device_at, readings, stream_at};
use crate::support::{Client, DataDir, Server, eventually};

/// Longer than a case waits: it lets the plant's time pass itself.
const A_WHILE: Duration = Duration::from_secs(600);

/// From so long after the start of the plant, for a while.
fn fault(kind: FaultKind, start: Duration) -> PlantFault {
    PlantFault { kind, schedule: FaultSchedule { start, length: A_WHILE, every: None } }
}

/// Waits for the device to be in a state, and for so many attempts to connect that were refused; its status then.
async fn until_state(client: &Client, device: i64, state: &str, refusals: u64) -> Value {
    eventually(state, EVENT_TIMEOUT, || async {
        let shown = client.get(&format!("/api/device/{device}/status/")).await.body;
        let is_so = shown["state"] == state && shown["errors"]["refused"].as_u64() >= Some(refusals);
        is_so.then_some(shown)
    })
    .await
}

#[tokio::test]
async fn a_device_that_is_disconnected_is_offline_and_comes_back() {
    let (_server, client) = Server::with_client(&[]).await;
    for (protocol, path) in [
        (Protocol::Modbus, "ir:0"),
        (Protocol::Melsec, "D100"),
        (Protocol::Fenet, "%DW100"),
        (Protocol::S7, "DB1.DBW200"),
        (Protocol::Eip, "motor.setpoint"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let plant = Plant::with_faults(vec![fault(FaultKind::Disconnect(Some(protocol)), A_WHILE)]);
        let simulator = Simulator::start_protocol(protocol, listener, plant).expect("it starts");
        let port = simulator.addr().port();
        let device = device_at(&client, protocol, port, json!({"poll_interval": 0.2})).await;
        let stream = stream_at(&client, device, path, "uint16").await;
        until_state(&client, device, "online", 0).await;
        simulator.advance(A_WHILE);
        until_state(&client, device, "offline", 1).await;
        simulator.advance(A_WHILE);
        let shown_status = until_state(&client, device, "online", 1).await;
        assert_eq!(shown_status["reconnects"], 1, "{protocol}: {shown_status}");
        let stored = readings(&client, stream).await;
        let bad = stored.iter().filter(|reading| reading["quality"] == "bad").count();
        let found = (bad, &stored.last().expect("a reading")["quality"]);
        assert_eq!(found, (1, &json!("good")), "{protocol}: {stored:?}");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_sensor_fails_alike_over_every_protocol_of_the_plant() {
    let spike = fault(FaultKind::Spike(Sensor::Speed, 300.0), Duration::ZERO);
    let listener = || async { TcpListener::bind("127.0.0.1:0").await.expect("a port") };
    let plant = Plant::with_faults(vec![spike]);
    let first = Simulator::start_protocol(Protocol::Modbus, listener().await, plant).expect("it starts");
    let second = first.start_sharing_plant(Protocol::Fenet, listener().await).expect("it starts");
    let third = first.start_sharing_plant(Protocol::S7, listener().await).expect("it starts");
    let (_server, client) = Server::with_client(&[]).await;
    for (protocol, simulator, register) in [
        (Protocol::Modbus, &first, "ir:0"),
        (Protocol::Fenet, &second, "%25DW100"),
        (Protocol::S7, &third, "DB1.DBW200"),
    ] {
        let device = device_at(&client, protocol, simulator.addr().port(), json!({})).await;
        let value = eventually("the fault", EVENT_TIMEOUT, || async {
            let answer = client.get(&format!("/api/device/{device}/io/{register}/")).await.body;
            answer["value"].as_i64().filter(|rpm| *rpm > 1700)
        })
        .await;
        assert!((1770..=1790).contains(&value), "{protocol}: {value} rpm, 300 above 1480");
    }
    first.stop().await;
    second.stop().await;
    third.stop().await;
}

#[tokio::test]
async fn a_fault_that_cannot_be_is_refused_with_what_can() {
    let home = DataDir::new();
    for (fault, message) in [
        ("leak:tank.level@60s+1s", "`leak` is not one of drift, spike, stuck, disconnect"),
        ("stuck:tank.depth@60s+1s", "`tank.depth` is not one of motor.speed"),
    ] {
        let ran = home.basalt(&["simulate", "modbus", "--listen", "127.0.0.1:0", "--fault", fault]).await;
        let stderr = ran.stderr;
        assert!(ran.code == Some(2) && stderr.contains("--fault") && stderr.contains(message), "{stderr}");
    }
}
