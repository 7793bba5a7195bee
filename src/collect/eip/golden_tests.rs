//! Frames that an independent client sent and an independent server answered, in both directions; frames that are cut, and
//! bytes that are no frame.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::cip::{CipReply, CipRequest, service};
use super::data_type::TagType;
use super::frame::{
    EncapsulatedRequest, EncapsulationCommand, FrameError, HEADER_LEN, message_of, session_of,
};
use super::tag::TagPath;
use super::value::TagData;
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;

/// The timeout of the client that was recorded.
const TIMEOUT_MS: u64 = 5024;
/// Offset in a frame of the timeout of the encapsulation, which that client sets to 8 s and this one leaves open.
const TIMEOUT_AT: usize = HEADER_LEN + 4;

fn path(text: &str) -> Vec<u8> {
    text.parse::<TagPath>().unwrap().encode()
}

fn read(text: &str) -> CipRequest {
    CipRequest::read_tag(path(text))
}

fn write(text: &str, data_type: TagType, value: NumericValue) -> CipRequest {
    let current = TagData { data_type, raw: vec![0; 8] };
    match current.change(None, &DeviceValue::Number(value)).unwrap() {
        super::value::TagChange::Value(data_type, bytes) => {
            CipRequest::write_tag(path(text), &data_type.encode(), &bytes)
        }
        other => panic!("{other:?}"),
    }
}

fn text(content: &str) -> Option<DeviceValue> {
    Some(DeviceValue::Text(content.into()))
}

fn number(value: NumericValue) -> Option<DeviceValue> {
    Some(DeviceValue::Number(value))
}

/// A recorded request, the status of its reply and the value in it.
type Case = (CipRequest, u8, Option<DeviceValue>);

/// In the order of the file, after the session.
fn cases() -> Vec<Case> {
    use NumericValue::{Bit, Float, Int};
    let hi = TagData { data_type: TagType::ShortString, raw: Vec::new() };
    let super::value::TagChange::Value(short, hi) = hi.change(None, &text("Hi").unwrap()).unwrap() else {
        panic!("a text is a value")
    };
    vec![
        (write("SPEED", TagType::Real, Float(23.5)), 0, None),
        (read("SPEED"), 0, number(Float(23.5))),
        (write("COUNT[7]", TagType::Dint, Int(-70_000)), 0, None),
        (read("COUNT[7]"), 0, number(Int(-70_000))),
        (CipRequest::multiple(&[read("SPEED"), read("COUNT[7]"), read("NOPE")]), 0, None),
        (read("WORDS[10]"), 0xFF, None),
        (read("SPEED"), 0, number(Float(23.5))),
        (CipRequest::write_tag(path("NOTE"), &short.encode(), &hi), 0, None),
        (read("NOTE"), 0, text("Hi")),
        (write("BIG", TagType::Lint, Int(-9_007_199_254_740_993)), 0, None),
        (read("BIG"), 0, number(Int(-9_007_199_254_740_993))),
        (read("FLAGS[33]"), 0, number(Bit(true))),
        (read("NOPE"), 0, None),
    ]
}

fn recorded() -> Vec<Json> {
    let all: Vec<Json> =
        serde_json::from_str(include_str!("../../../tests/data/frames/golden.json")).unwrap();
    all.into_iter().filter(|frame| frame["proto"].as_str().unwrap().starts_with("eip")).collect()
}

fn bytes(frame: &Json, side: &str) -> Vec<u8> {
    hex::decode(frame[side].as_str().unwrap().replace(' ', "")).unwrap()
}

/// The encapsulation of a recorded request.
fn encapsulation(command: EncapsulationCommand, frame: &[u8]) -> EncapsulatedRequest {
    let session = u32::from_le_bytes(frame[4..8].try_into().unwrap());
    let context = u64::from_le_bytes(frame[12..20].try_into().unwrap());
    EncapsulatedRequest { command, session, context }
}

fn value_of(message: &[u8], service: u8) -> (u8, Option<DeviceValue>) {
    let reply = CipReply::parse(message, service, true).unwrap();
    let value = TagType::split(&reply.data)
        .map(|(data_type, raw)| TagData { data_type, raw: raw.to_vec() }.value(None).unwrap());
    (reply.status, value)
}

#[test]
fn a_session_is_opened_as_recorded() {
    let frame = &recorded()[0];
    let (request, response) = (bytes(frame, "req"), bytes(frame, "rsp"));
    let ours = encapsulation(EncapsulationCommand::RegisterSession, &request);
    assert_eq!(hex::encode(ours.encode(&[])), hex::encode(&request));
    assert_eq!(ours.body_len(&response[..HEADER_LEN]), Ok(4));
    assert_eq!(session_of(&response), Ok(0x739B_052B));
    assert_eq!(session_of(&request), Err(FrameError::OtherRequest), "no session");
}

#[test]
fn recorded_frames_are_what_we_send_and_understand() {
    let (cases, recorded) = (cases(), recorded());
    assert_eq!(cases.len() + 1, recorded.len(), "every recorded frame has its row");
    for ((request, status, value), frame) in cases.iter().zip(&recorded[1..]) {
        let name = frame["name"].as_str().unwrap();
        let is_routed = frame["proto"] == "eip-routed";
        let mut sent = bytes(frame, "req");
        let ours = encapsulation(EncapsulationCommand::SendRrData, &sent);
        sent[TIMEOUT_AT] = 0;
        let message = if is_routed { request.routed(0, TIMEOUT_MS).encode() } else { request.encode() };
        assert_eq!(hex::encode(ours.encode(&message)), hex::encode(&sent), "{name}");
        let response = bytes(frame, "rsp");
        let body = response.len() - HEADER_LEN;
        assert_eq!(ours.body_len(&response[..HEADER_LEN]), Ok(body), "{name}");
        if body == 0 {
            assert_eq!(message_of(&response), Err(FrameError::Refused(8)), "{name}");
            continue;
        }
        let message = message_of(&response).unwrap();
        if request.service == service::MULTIPLE {
            let reply = CipReply::parse(message, request.service, is_routed).unwrap();
            let replies = reply.split(3, service::READ_TAG).unwrap();
            let statuses: Vec<u8> = replies.iter().map(|reply| reply.status).collect();
            assert_eq!(statuses, [0, 0, 5], "{name}");
            assert_eq!(hex::encode(&replies[1].data), "c40090eefeff", "{name}");
        } else {
            assert_eq!(value_of(message, request.service), (*status, value.clone()), "{name}");
        }
        for len in 0..HEADER_LEN - 4 {
            assert_eq!(ours.body_len(&response[..len]), Err(FrameError::Short), "{name} cut at {len}");
        }
        for len in HEADER_LEN..response.len() {
            assert_eq!(message_of(&response[..len]), Err(FrameError::Short), "{name} cut at {len}");
        }
    }
}

#[test]
fn a_frame_that_answers_no_request_of_ours_is_refused() {
    let request = EncapsulatedRequest { command: EncapsulationCommand::SendRrData, session: 7, context: 9 };
    for (header, expected) in [
        ("6f00 1000 07000000 00000000 0900000000000000 00000000", Ok(16)),
        ("6f00 1000 07000000 08000000 0900000000000000 00000000", Ok(16)),
        ("6f00 1000 07000000 64000000 0900000000000000 00000000", Err(FrameError::Status(0x64))),
        ("6500 1000 07000000 00000000 0900000000000000 00000000", Err(FrameError::OtherRequest)),
        ("6f00 1000 08000000 00000000 0900000000000000 00000000", Err(FrameError::OtherRequest)),
        ("6f00 1000 07000000 00000000 0800000000000000 00000000", Err(FrameError::OtherRequest)),
        ("6f00 0104 07000000 00000000 0900000000000000 00000000", Err(FrameError::TooLong(1025))),
    ] {
        let header = hex::decode(header.replace(' ', "")).unwrap();
        assert_eq!(request.body_len(&header), expected, "{}", hex::encode(&header));
    }
    assert_eq!(
        FrameError::Status(0x64).to_string(),
        "the device does not know the session (encapsulation status 0064)"
    );
}

#[test]
fn a_route_has_the_timeout_of_the_endpoint() {
    for (timeout_ms, expected) in
        [(1, "0001"), (200, "00c8"), (3000, "04bc"), (60_000, "08eb"), (u64::MAX, "0fff")]
    {
        let message = CipRequest { service: 0x4C, path: vec![], data: vec![] }.routed(3, timeout_ms).encode();
        assert_eq!(
            hex::encode(&message),
            format!("5202200624 01{expected}0200 4c00 0100 0103").replace(' ', "")
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_reply_or_refused(
        frame in proptest::collection::vec(any::<u8>(), 0..120),
        count in 0_usize..5,
        is_routed: bool,
    ) {
        drop(message_of(&frame));
        drop(session_of(&frame));
        for service in [service::READ_TAG, service::MULTIPLE, service::UNCONNECTED_SEND] {
            let mut message = frame.clone();
            if let Some(first) = message.first_mut() {
                *first = service | 0x80;
            }
            if let Ok(reply) = CipReply::parse(&message, service, is_routed) {
                drop(reply.split(count, service::READ_TAG));
            }
        }
    }
}
