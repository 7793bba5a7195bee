//! Frames that an independent client sent and an independent server answered; and bytes that are no frame.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::collect::s7::transport::{
    ConnectResponse, PACKET_HEADER_LEN, Tsaps, connect_request, contents_len, data_packet,
    parse_connect_response, parse_data,
};

const BLOCK_1: S7Area = S7Area::DataBlock(1);

fn item(area: S7Area, start: u32, count: u16) -> S7Item {
    S7Item { area, start, count }
}

/// Request and response of each recorded frame after the connection, in the order of the file.
fn cases() -> Vec<(S7Request, S7Response)> {
    let of_one = |outcome| S7Response::Read(vec![outcome]);
    let (marker, block) = (item(S7Area::Memory, 4, 2), item(BLOCK_1, 0, 3));
    let floats = || Ok(vec![0x42, 0xF6, 0xE9]);
    vec![
        (S7Request::Setup(480), S7Response::Setup(480)),
        (S7Request::Read(vec![item(BLOCK_1, 0, 4)]), of_one(Ok(vec![0x42, 0xF6, 0xE9, 0x79]))),
        (S7Request::Read(vec![item(S7Area::Memory, 3, 3)]), of_one(Ok(vec![0; 3]))),
        (S7Request::Read(vec![item(BLOCK_1, 98, 4)]), of_one(Err(0x05))),
        (S7Request::Read(vec![item(S7Area::DataBlock(7), 0, 4)]), of_one(Err(0x0A))),
        (S7Request::Read(vec![item(S7Area::Timers, 2, 2)]), of_one(Ok(vec![4, 5, 6, 7]))),
        (S7Request::WriteBytes(BLOCK_1, 30, vec![1, 2, 3]), S7Response::Written(Ok(()))),
        (S7Request::WriteBytes(BLOCK_1, 99, vec![1, 2, 3]), S7Response::Refused(0x8404)),
        (
            S7Request::Read(vec![marker, block, item(S7Area::DataBlock(7), 0, 1)]),
            S7Response::Read(vec![Ok(vec![0, 0]), floats(), Err(0x0A)]),
        ),
        (S7Request::Read(vec![marker, block]), S7Response::Read(vec![Ok(vec![0, 0]), floats()])),
        (S7Request::WriteBit(BLOCK_1, 20, 6, true), S7Response::Written(Ok(()))),
    ]
}

/// Names, requests and responses.
fn recorded() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let all: Vec<Json> =
        serde_json::from_str(include_str!("../../../tests/data/frames/golden.json")).unwrap();
    let ours = all.iter().filter(|frame| frame["proto"] == "s7");
    let bytes = |text: &Json| hex::decode(text.as_str().unwrap().replace(' ', "")).unwrap();
    ours.map(|frame| (frame["name"].to_string(), bytes(&frame["req"]), bytes(&frame["rsp"]))).collect()
}

/// The PDU in a packet that is whole, and its reference.
fn pdu(packet: &[u8]) -> (&[u8], u16) {
    let (header, contents) = packet.split_at(PACKET_HEADER_LEN);
    assert_eq!(contents_len(header), Ok(contents.len()));
    let pdu = parse_data(contents).unwrap();
    (pdu, u16::from_be_bytes([pdu[4], pdu[5]]))
}

#[test]
fn recorded_frames_are_what_we_send_and_understand() {
    let (recorded, cases) = (recorded(), cases());
    let (_, request, response) = &recorded[0];
    let tsaps = Tsaps { local: 0x0100, remote: 0x0101 };
    assert_eq!(hex::encode(connect_request(tsaps)), hex::encode(request));
    assert_eq!(parse_connect_response(&response[PACKET_HEADER_LEN..]), Ok(ConnectResponse::Confirmed));
    assert_eq!(recorded.len(), cases.len() + 1, "every recorded frame has its row");
    for ((name, request, response), (sent, understood)) in recorded[1..].iter().zip(cases) {
        let (_, reference) = pdu(request);
        assert_eq!(hex::encode(data_packet(&encode(reference, &sent))), hex::encode(request), "{name}");
        let (answer, reference) = pdu(response);
        assert_eq!(parse(reference, &sent, answer), Ok(understood), "{name}");
        assert_eq!(
            parse(reference.wrapping_add(1), &sent, answer),
            Err(S7FrameError::Reference),
            "{name}: of another request"
        );
        for len in 0..answer.len() {
            assert!(parse(reference, &sent, &answer[..len]).is_err(), "{name}: cut at {len}");
        }
        let longer = [answer, &[0, 0]].concat();
        assert_eq!(
            parse(reference, &sent, &longer).is_err(),
            !matches!(parse(reference, &sent, answer), Ok(S7Response::Refused(_))),
            "{name}: with bytes left over"
        );
    }
}

#[test]
fn answers_that_hold_something_else_are_no_answers() {
    let read = S7Request::Read(vec![item(BLOCK_1, 0, 3)]);
    let answer = |rest: &str| hex::decode(format!("32030000000{rest}").replace(' ', "")).unwrap();
    for (name, rest, expected) in [
        (
            "fill byte at the end",
            "1 0002 0008 0000 0401 ff040018 010203 00",
            Ok(S7Response::Read(vec![Ok(vec![1, 2, 3])])),
        ),
        (
            "length in bytes",
            "1 0002 0007 0000 0401 ff090003 010203",
            Ok(S7Response::Read(vec![Ok(vec![1, 2, 3])])),
        ),
        ("fewer bytes", "1 0002 0006 0000 0401 ff040010 0102", Err(S7FrameError::Content)),
        ("another transport size", "1 0002 0007 0000 0401 ff0a0003 010203", Err(S7FrameError::Content)),
        ("two items", "1 0002 0007 0000 0402 ff040018 010203", Err(S7FrameError::Content)),
        ("another function", "1 0002 0001 0000 0501 ff", Err(S7FrameError::Content)),
        ("longer than it says", "1 0002 0006 0000 0401 ff040018 010203", Err(S7FrameError::Short)),
        ("refused as a whole", "1 0000 0000 8104", Ok(S7Response::Refused(0x8104))),
    ] {
        assert_eq!(parse(1, &read, &answer(rest)), expected, "{name}");
    }
    assert_eq!(parse(1, &read, &encode(1, &read)), Err(S7FrameError::Protocol), "a request");
}

#[test]
fn packets_are_checked() {
    for (header, expected) in [
        ([3, 0, 0, 7], Ok(3)),
        ([3, 0, 0x10, 4], Ok(4096)),
        ([3, 0, 0x10, 5], Err(S7FrameError::Packet)),
        ([3, 0, 0, 4], Err(S7FrameError::Packet)),
        ([3, 0, 0, 3], Err(S7FrameError::Packet)),
        ([0x59, 0, 0, 7], Err(S7FrameError::Packet)),
    ] {
        assert_eq!(contents_len(&header), expected, "{header:?}");
    }
    assert_eq!(parse_data(&[2, 0xF0, 0x80, 0x32]), Ok(&[0x32][..]));
    assert_eq!(parse_data(&[2, 0xF0, 0x00, 0x32]), Err(S7FrameError::Parts));
    assert_eq!(parse_data(&[6, 0xE0, 0x80]), Err(S7FrameError::Transport));
    assert_eq!(parse_connect_response(&[6, 0x80, 0, 1, 0, 0, 0]), Ok(ConnectResponse::Refused));
    assert_eq!(parse_connect_response(&[2, 0xF0, 0x80]), Err(S7FrameError::Transport));
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_none(
        index in 0..11usize,
        body in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (request, _) = cases().swap_remove(index);
        let _ = parse(1, &request, &body);
        let _ = parse(1, &request, &[&[0x32, 3, 0, 0, 0, 1], &body[..]].concat());
        let _ = parse_data(&body);
        let _ = parse_connect_response(&body);
    }
}
