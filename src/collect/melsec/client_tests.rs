//! The session's behaviour with late, wrong, truncated and refused answers, over TCP and UDP; and its settings.

use serde_json::json;
use tokio::net::UdpSocket;

use super::*;
use crate::collect::request_socket::script::{ScriptedResponse, play};
use crate::collect::test_harness::context;
use crate::domain::device::Protocol;

fn spec(port: u16, settings: &[(&str, serde_json::Value)]) -> DeviceSpec {
    let mut spec = DeviceSpec::new("plc", Protocol::Melsec);
    (spec.host, spec.port, spec.timeout_s) = ("127.0.0.1".into(), Some(port), 0.2);
    spec.metadata = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    spec
}

fn d0(len: u16) -> RegisterRange {
    let MelsecAddress { device, .. } = MelsecAddress::parse("D0", Radix::Hexadecimal).unwrap();
    RegisterRange { space: device.into(), start: 0, len }
}

async fn connected(port: u16, settings: &[(&str, serde_json::Value)]) -> MelsecClient {
    MelsecClient::connect(&MelsecEndpoint::from_spec(&spec(port, settings)).unwrap(), &context())
        .await
        .unwrap()
}

/// A 3E read of D0 and D1 with the timer of 0.2 s, and its answer.
const READ: &str = "5000 00 ff ff03 00 0c00 0100 0104 0000 000000 a8 0200";
const ANSWER: &str = "d000 00 ff ff03 00 0600 0000 3412 feff";
/// Like `READ`, in 4E and as the first request of a session.
const READ_4E: &str = "5400 0100 0000 00 ff ff03 00 0c00 0100 0104 0000 000000 a8 0200";

#[tokio::test]
async fn answers_that_raise_a_doubt_end_the_session() {
    use ScriptedResponse::{After, With};
    let e4 = [("frame", json!("4E"))];
    let late = After(300);
    for (name, settings, request, answering, expected) in [
        ("in_order", &e4[..0], READ, With(ANSWER), None),
        ("late", &[], READ, late, Some("did not answer within 0.2 s")),
        ("cut", &[], READ, With("d000 00 ff ff03 00 0600 0000 34"), Some("lost: closed by the device")),
        ("closed", &[], READ, With(""), Some("lost: closed by the device")),
        ("garbled", &[], READ, With("ff00 00 ff ff03 00 0600 0000 3412 feff"), Some("has an invalid header")),
        ("other_length", &[], READ, With("d000 00 ff ff03 00 0400 0000 3412"), Some("cut short")),
        ("too_long", &[], READ, With("d000 00 ff ff03 00 0800 0000 3412 feff 0000"), Some("does not hold")),
        ("other_station", &[], READ, With("d000 00 ff ff03 07 0600 0000 3412 feff"), Some("another station")),
        (
            "other_serial",
            &e4[..],
            READ_4E,
            With("d400 0200 0000 00 ff ff03 00 0600 0000 3412 feff"),
            Some("another request"),
        ),
    ] {
        let port = play(vec![(request, answering)]).await;
        let mut client = connected(port, settings).await;
        let read = client.read_registers(d0(2)).await;
        match expected {
            None => assert_eq!(read, Ok(RegisterData::Words(vec![0x1234, 0xFFFE])), "{name}"),
            Some(words) => {
                let fault = read.unwrap_err();
                assert!(fault.is_connection_loss() && fault.to_string().contains(words), "{name}: {fault}");
                assert!(!client.is_open(), "{name}");
                assert!(
                    matches!(client.read_registers(d0(2)).await, Err(DeviceFault::Closed { .. })),
                    "{name}"
                );
            }
        }
    }
}

#[tokio::test]
async fn refusals_leave_the_session_in_order() {
    let refusal = "d000 00 ff ff03 00 0b00 3140 00 ff ff03 00 0104 0000";
    let port =
        play(vec![(READ, ScriptedResponse::With(refusal)), (READ, ScriptedResponse::With(ANSWER))]).await;
    let mut client = connected(port, &[]).await;
    let fault = client.read_registers(d0(2)).await.unwrap_err();
    assert_eq!(fault.to_string(), "device number beyond what the CPU has (end code 4031)");
    assert_eq!(client.read_registers(d0(2)).await, Ok(RegisterData::Words(vec![0x1234, 0xFFFE])));
    // A cell of another protocol, and one that these frames cannot address, are refused before anything is sent.
    let modbus =
        RegisterRange { space: crate::collect::modbus::space::ModbusSpace::Holding.into(), start: 0, len: 1 };
    let MelsecAddress { device: ltn, .. } = MelsecAddress::parse("LTN0", Radix::Hexadecimal).unwrap();
    for span in [modbus, RegisterRange { space: ltn.into(), start: 0, len: 1 }] {
        assert!(matches!(
            client.read_registers(span).await,
            Err(DeviceFault::Refused { meaning: RefusalKind::NoSuchRegister, .. })
        ));
    }
}

#[tokio::test]
async fn a_datagram_is_a_whole_frame() {
    let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = device.local_addr().unwrap().port();
    let answers = tokio::spawn(async move {
        // The model request, which the device does not support; a read; one with a truncated answer.
        for answer in ["d000 00 ff ff03 00 0200 59c0", ANSWER, "d000 00 ff ff03 00 0600 0000 34"] {
            let mut request = [0; 100];
            let (_, from) = device.recv_from(&mut request).await.unwrap();
            device.send_to(&hex::decode(answer.replace(' ', "")).unwrap(), from).await.unwrap();
        }
    });
    let mut client = connected(port, &[("transport", json!("udp"))]).await;
    assert_eq!(client.read_registers(d0(2)).await, Ok(RegisterData::Words(vec![0x1234, 0xFFFE])));
    assert!(matches!(client.read_registers(d0(2)).await, Err(DeviceFault::Malformed { .. })));
    answers.await.unwrap();
    // An unreachable device is reported when connecting, not at the first read.
    let gone = MelsecClient::connect(
        &MelsecEndpoint::from_spec(&spec(port, &[("transport", json!("udp"))])).unwrap(),
        &context(),
    )
    .await;
    assert!(gone.is_err_and(|fault| fault.is_connection_loss()));
}

#[test]
fn settings_are_checked() {
    for (settings, expected) in [
        (vec![], Route::OWN),
        (vec![("network", json!(3)), ("pc", json!(2))], Route { network: 3, pc: 2, ..Route::OWN }),
        // Stations are behind a serial module: the device's unit is used.
        (vec![("module_io", json!(0))], Route { module_io: 0, station: 1, ..Route::OWN }),
        (vec![("module_io", json!(0x3E1))], Route { module_io: 0x3E1, ..Route::OWN }),
    ] {
        let endpoint = MelsecEndpoint::from_spec(&spec(5007, &settings)).unwrap();
        assert_eq!((endpoint.format.route, endpoint.format.timer), (expected, 1), "{settings:?}");
    }
    for (name, setting, message) in [
        ("frame", json!("1E"), "frame: \"1E\" is not one of 3E, 4E."),
        ("encoding", json!(1), "encoding: 1 is not one of binary, ascii."),
        ("series", json!("fx"), "series: \"fx\" is not one of q, iqr."),
        ("transport", json!("serial"), "transport: \"serial\" is not one of tcp, udp."),
        ("xy_radix", json!("dec"), "xy_radix: \"dec\" is not one of hex, oct."),
        ("network", json!(256), "network: 256 is not a whole number from 0 to 255."),
        ("module_io", json!(-1), "module_io: -1 is not a whole number from 0 to 65535."),
    ] {
        let error = MelsecEndpoint::from_spec(&spec(5007, &[(name, setting)])).unwrap_err();
        assert_eq!(error.message, message);
    }
    let mixed = [("encoding", json!("ascii")), ("xy_radix", json!("oct"))];
    assert!(MelsecEndpoint::from_spec(&spec(5007, &mixed)).is_err());
}
