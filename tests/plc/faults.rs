//! Faults on schedule: what a collector makes of a device that goes away and what sensors show then, over every protocol.

use std::time::Duration;

use basalt::domain::device::Protocol;
use basalt::sim::fault::{FaultKind, FaultSchedule, PlantFault, Sensor};
use basalt::sim::{Plant, Simulator};
use serde_json::json;
use tokio::net::TcpListener;

use super::{EVENT_TIMEOUT, device_at, readings, stream_at};
use crate::support::{DataDir, Server, eventually};

/// From so long after the start of the plant, for two seconds.
fn fault(what: FaultKind, start_s: u64) -> PlantFault {
    let when =
        FaultSchedule { start: Duration::from_secs(start_s), length: Duration::from_secs(2), every: None };
    PlantFault { kind: what, schedule: when }
}

#[tokio::test]
async fn a_device_that_is_disconnected_is_offline_and_comes_back() {
    let server = Server::start(&[]).await;
    let client = server.client();
    for (protocol, path) in [
        (Protocol::Modbus, "ir:0"),
        (Protocol::Melsec, "D100"),
        (Protocol::Fenet, "%DW100"),
        (Protocol::S7, "DB1.DBW200"),
        (Protocol::Eip, "motor.setpoint"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let plant = Plant::with_faults(vec![fault(FaultKind::Disconnect(Some(protocol)), 3)]);
        let simulator = Simulator::start_protocol(protocol, listener, plant).expect("it starts");
        let port = simulator.addr().port();
        let device = device_at(&client, protocol, port, json!({"poll_interval": 0.2, "timeout": 1})).await;
        let stream = stream_at(&client, device, path, "uint16").await;
        let status = async || client.get(&format!("/api/device/{device}/status/")).await.2;
        for state in ["online", "offline", "online"] {
            eventually(&format!("{protocol} {state}"), EVENT_TIMEOUT, || async {
                (status().await["state"] == state).then_some(())
            })
            .await;
        }
        let shown_status = status().await;
        assert!(
            shown_status["reconnects"] == 1 && shown_status["errors"]["refused"].as_u64() >= Some(1),
            "{protocol}: {shown_status}"
        );
        let stored = readings(&client, stream).await;
        let bad = stored.iter().filter(|reading| reading["quality"] == "bad").count();
        assert_eq!(
            (bad, &stored.last().expect("a reading")["quality"]),
            (1, &json!("good")),
            "{protocol}: {stored:?}"
        );
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_sensor_fails_alike_over_every_protocol_of_the_plant() {
    let spike = fault(FaultKind::Spike(Sensor::Speed, 300.0), 0);
    let when = FaultSchedule { length: Duration::from_secs(3600), ..spike.schedule };
    let listener = || async { TcpListener::bind("127.0.0.1:0").await.expect("a port") };
    let plant = Plant::with_faults(vec![PlantFault { schedule: when, ..spike }]);
    let first = Simulator::start_protocol(Protocol::Modbus, listener().await, plant).expect("it starts");
    let second = first.start_sharing_plant(Protocol::Fenet, listener().await).expect("it starts");
    let third = first.start_sharing_plant(Protocol::S7, listener().await).expect("it starts");
    let server = Server::start(&[]).await;
    let client = server.client();
    for (protocol, simulator, register) in [
        (Protocol::Modbus, &first, "ir:0"),
        (Protocol::Fenet, &second, "%25DW100"),
        (Protocol::S7, &third, "DB1.DBW200"),
    ] {
        let device = device_at(&client, protocol, simulator.addr().port(), json!({})).await;
        let value = eventually("the fault", EVENT_TIMEOUT, || async {
            let (_, _, answer) = client.get(&format!("/api/device/{device}/io/{register}/")).await;
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
