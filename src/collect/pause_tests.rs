//! Pauses before requests, by the clients of protocols: they lie outside the time limit of a request.

use std::time::Duration;

use tokio::time::Instant;

use super::client::DeviceClient;
use super::connection_usage::ConnectionUsage;
use super::modbus::space::ModbusSpace;
use super::registers::RegisterRange;
use super::registry;
use super::request_socket::script::{ScriptedResponse, play};
use super::test_harness::context;
use crate::domain::device::{DeviceSpec, Protocol};

const TIMEOUT_S: f64 = 0.3;
/// Longer than the timeout.
const PAUSE_S: f64 = 0.35;

/// A device at this port that needs both pauses.
fn slow_device(protocol: Protocol, port: u16) -> DeviceSpec {
    let mut device = DeviceSpec::new("plc", protocol);
    (device.host, device.port, device.timeout_s) = ("127.0.0.1".to_owned(), Some(port), TIMEOUT_S);
    for name in ["pause_after_connect", "pause_between_requests"] {
        device.metadata.insert(name.to_owned(), PAUSE_S.into());
    }
    device
}

async fn connect(device: &DeviceSpec) -> Box<dyn DeviceClient> {
    let endpoint = registry::endpoint(device).unwrap();
    let pause = Duration::from_secs_f64(PAUSE_S);
    let ConnectionUsage { pause_after_connect, pause_between_requests, .. } = endpoint.usage();
    assert_eq!([pause_after_connect, pause_between_requests], [pause, pause]);
    endpoint.connect(&context()).await.unwrap()
}

fn registers(count: u32) -> impl Iterator<Item = RegisterRange> {
    (0..count).map(|start| RegisterRange { space: ModbusSpace::Holding.into(), start, len: 1 })
}

#[tokio::test]
async fn a_modbus_device_is_left_alone_after_connecting_and_between_requests() {
    let script = [
        ("0000 0000 0006 01 03 0000 0001", "0000 0000 0005 01 03 02 0007"),
        ("0001 0000 0006 01 03 0001 0001", "0001 0000 0005 01 03 02 0007"),
    ];
    let script = script.map(|(request, answer)| (request, ScriptedResponse::With(answer)));
    let port = play(script.to_vec()).await;
    let started = Instant::now();
    let mut client = connect(&slow_device(Protocol::Modbus, port)).await;
    for range in registers(2) {
        client.read_registers(range).await.unwrap();
    }
    assert!(started.elapsed() >= 2 * Duration::from_secs_f64(PAUSE_S), "{:?}", started.elapsed());
}

/// MELSEC, FEnet and EtherNet/IP have the same socket. An S7 CPU is asked twice before it is connected.
#[tokio::test]
async fn an_s7_cpu_is_left_alone_while_the_session_is_opened() {
    let script = [
        (
            "03000016 11e00000000100 c1020100 c2020101 c0010a",
            "03000016 11d00001000100 c0010a c1020100 c2020101",
        ),
        (
            "03000019 02f080 3201000000010008 0000 f000 0001 0001 03c0",
            "0300001b 02f080 3203000000010008 0000 0000 f000 0001 0001 00f0",
        ),
    ];
    let script = script.map(|(request, answer)| (request, ScriptedResponse::With(answer)));
    let port = play(script.to_vec()).await;
    let started = Instant::now();
    connect(&slow_device(Protocol::S7, port)).await;
    assert!(started.elapsed() >= 2 * Duration::from_secs_f64(PAUSE_S), "{:?}", started.elapsed());
}
