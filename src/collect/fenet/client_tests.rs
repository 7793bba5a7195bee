//! Requests of a session, its behaviour with late, wrong and refused answers, and its settings.

use serde_json::json;

use super::*;
use crate::collect::fenet::address::FenetAddress;
use crate::collect::request_socket::script::{ScriptedResponse, play};
use crate::collect::test_harness::context;
use crate::domain::device::Protocol;

fn spec(port: u16, settings: &[(&str, serde_json::Value)]) -> DeviceSpec {
    let mut spec = DeviceSpec::new("plc", Protocol::Fenet);
    (spec.host, spec.port, spec.unit, spec.timeout_s) = ("127.0.0.1".into(), Some(port), 0, 0.2);
    spec.metadata = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    spec
}

fn span(text: &str, len: u16) -> RegisterRange {
    let address: FenetAddress = text.parse().unwrap();
    let RegisterAddress { space, offset } = address.cell();
    RegisterRange { space, start: offset, len }
}

async fn connected(port: u16) -> FenetClient {
    FenetClient::connect(&FenetEndpoint::from_spec(&spec(port, &[])).unwrap(), &context()).await.unwrap()
}

/// The first request of a session: 4 bytes from %DB0 on.
const READ: &str = "4c5349532d5847540000 0000a033 0100 1000 00 3f 5400 1400 0000 0100 0400 25444230 0400";

#[tokio::test]
async fn answers_that_raise_a_doubt_end_the_session() {
    for (name, answering, expected) in [
        (
            "in_order",
            ScriptedResponse::With(
                "4c5349532d5847540000 0101a011 0100 1000 00 1f 5500 1400 0000 0000 0100 0400 3412feff",
            ),
            None,
        ),
        ("late", ScriptedResponse::After(300), Some("did not answer within 0.2 s")),
        ("closed", ScriptedResponse::With(""), Some("closed by the device")),
        (
            "other_invoke_id",
            ScriptedResponse::With(
                "4c5349532d5847540000 0101a011 0200 1000 00 20 5500 1400 0000 0000 0100 0400 3412feff",
            ),
            Some("another request"),
        ),
        (
            "garbled",
            ScriptedResponse::With(
                "4c5349532d5847540000 0101a011 0100 1000 00 77 5500 1400 0000 0000 0100 0400 3412feff",
            ),
            Some("checksum is wrong"),
        ),
        (
            "fewer_bytes",
            ScriptedResponse::With(
                "4c5349532d5847540000 0101a011 0100 0e00 00 1d 5500 1400 0000 0000 0100 0200 3412",
            ),
            Some("does not hold what was asked for"),
        ),
    ] {
        let port = play(vec![(READ, answering)]).await;
        let mut client = connected(port).await;
        let read = client.read_registers(span("%DB0", 4)).await;
        match expected {
            None => assert_eq!(read, Ok(RegisterData::Bytes(vec![0x34, 0x12, 0xFE, 0xFF])), "{name}"),
            Some(words) => {
                let fault = read.unwrap_err();
                assert!(fault.is_connection_loss() && fault.to_string().contains(words), "{name}: {fault}");
                assert!(!client.is_open(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn answers_to_earlier_requests_are_skipped() {
    let first = "4c5349532d5847540000 0101a011 0100 1000 00 00 5500 1400 0000 0000 0100 0400 3412feff";
    let second = "4c5349532d5847540000 0101a011 0200 0e00 00 00 5500 1400 0000 0000 0100 0200 0100";
    let next = "4c5349532d5847540000 0000a033 0200 1000 00 40 5400 1400 0000 0100 0400 25444230 0200";
    // Both copies in one packet, and another one in front of the next answer.
    let twice: &str = format!("{first}{first}").leak();
    let late: &str = format!("{first}{second}").leak();
    let port = play(vec![(READ, ScriptedResponse::With(twice)), (next, ScriptedResponse::With(late))]).await;
    let mut client = connected(port).await;
    let read = client.read_registers(span("%DB0", 4)).await;
    assert_eq!(read, Ok(RegisterData::Bytes(vec![0x34, 0x12, 0xFE, 0xFF])));
    assert_eq!(client.read_registers(span("%DB0", 2)).await, Ok(RegisterData::Bytes(vec![1, 0])));
    assert!(client.is_open());
}

#[tokio::test]
async fn refusals_leave_the_session_in_order() {
    let refusal = "4c5349532d5847540000 0101a011 0100 0a00 00 00 5500 1400 0000 ffff 0400";
    let port = play(vec![(READ, ScriptedResponse::With(refusal))]).await;
    let mut client = connected(port).await;
    let fault = client.read_registers(span("%DB0", 4)).await.unwrap_err();
    assert_eq!(fault.to_string(), "beyond the end of the area (error code 0004)");
    assert!(client.is_open());
}

#[test]
fn settings_are_checked() {
    let mut plain = spec(2004, &[("cpu", json!("XGB-IEC")), ("base", json!(2))]);
    plain.unit = 3;
    let format = FenetEndpoint::from_spec(&plain).unwrap().format;
    assert_eq!((format.cpu, format.position), (0xB4, 0x23));
    for (name, setting, message) in [
        ("cpu", json!("S7"), "cpu: \"S7\" is not one of XGK, XGI, XGR, XGB, XGB-IEC."),
        ("base", json!(16), "base: 16 is not a whole number from 0 to 15."),
        ("echoes_invoke_id", json!("no"), "echoes_invoke_id: Must be a valid boolean."),
    ] {
        assert_eq!(FenetEndpoint::from_spec(&spec(2004, &[(name, setting)])).unwrap_err().message, message);
    }
    plain.unit = 16;
    assert_eq!(
        FenetEndpoint::from_spec(&plain).unwrap_err().message,
        "unit: The slot is a number from 0 to 15."
    );
}
