//! Modbus: function 03, and exceptions, in frames of TCP, and in those of RTU on a TCP connection.
//!
//! A request of RTU has no length, and an answer only the number of bytes of its data: that lies. Neither has a number. So these
//! misbehaviours are left out for RTU: the number of another request; a copy in front of the next answer, after any silence, which
//! nothing tells from that answer where both hold as many words; and data that are as many as was asked for under a right checksum,
//! because those are values.

use std::ops::{Range, RangeInclusive};

use super::wire::{
    FrameLayout, NumberField, NumberForm, WireDevice, WordOutcome, first_refusal, granted, length_of, u16_be,
    u16_le, word_bytes,
};
use crate::domain::device::Protocol;

const READ_HOLDING: u8 = 3;
/// Bytes before the unit in a frame of TCP.
const HEADER: usize = 6;
/// Bytes of a request from its unit on, without a checksum.
const REQUEST: usize = 6;

/// A Modbus TCP device.
pub struct WireModbus;

/// A device behind a serial device server.
pub struct WireRtu;

fn register(word: u32) -> String {
    format!("hr:{word}")
}

/// Words that a request reads, from its unit on.
fn range(request: &[u8]) -> Range<u32> {
    assert_eq!((request.len(), request[1]), (REQUEST, READ_HOLDING), "{request:02x?}");
    let (start, count) = (u32::from(u16_be(request, 2)), u32::from(u16_be(request, 4)));
    start..start + count
}

/// An answer from its unit on.
fn answer(unit: u8, outcomes: &[WordOutcome]) -> Vec<u8> {
    let mut body = vec![unit];
    match first_refusal(outcomes) {
        Some(code) => body.extend([READ_HOLDING | 0x80, u8::try_from(code).expect("an exception")]),
        None => {
            let data: Vec<u8> = granted(outcomes).flat_map(|range| word_bytes(range, true)).collect();
            body.extend([READ_HOLDING, u8::try_from(data.len()).expect("a short answer")]);
            body.extend(data);
        }
    }
    body
}

fn codes() -> (&'static [u16], RangeInclusive<u16>) {
    (&[1, 2, 3, 4, 5, 6, 8, 10, 11], 1..=255)
}

fn code_name(code: u16) -> String {
    format!("(exception {code})")
}

impl WireDevice for WireModbus {
    fn protocol(&self) -> Protocol {
        Protocol::Modbus
    }

    fn register(&self, word: u32) -> String {
        register(word)
    }

    fn layout(&self) -> FrameLayout {
        let field = |at| NumberField { at, form: NumberForm::HighFirst };
        FrameLayout { header_len: HEADER, length: Some(field(4)), uncounted: HEADER, number: Some(field(0)) }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        Some(std::iter::once(range(&request[HEADER..])).collect())
    }

    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8> {
        let body = answer(request[HEADER], outcomes);
        [&request[..4], &length_of(&body).to_be_bytes(), &body].concat()
    }

    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>) {
        codes()
    }

    fn code_name(&self, code: u16) -> String {
        code_name(code)
    }
}

impl WireDevice for WireRtu {
    fn protocol(&self) -> Protocol {
        Protocol::Modbus
    }

    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[("framing", "rtu_over_tcp")]
    }

    fn register(&self, word: u32) -> String {
        register(word)
    }

    fn layout(&self) -> FrameLayout {
        FrameLayout { header_len: REQUEST + 2, length: None, uncounted: 0, number: None }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        let body = &request[..REQUEST];
        assert_eq!(u16_le(request, REQUEST), checksum(body), "{request:02x?}");
        Some(std::iter::once(range(body)).collect())
    }

    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8> {
        with_checksum(answer(request[0], outcomes))
    }

    /// The number of bytes of data lies. The checksum is that of the frame as it is sent, so it is right only where all of it is read.
    fn with_other_length(&self, mut answer: Vec<u8>, by: i16) -> Vec<u8> {
        answer.truncate(answer.len() - 2);
        answer[2] = answer[2].wrapping_add_signed(i8::try_from(by).expect("a small lie"));
        with_checksum(answer)
    }

    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>) {
        codes()
    }

    fn code_name(&self, code: u16) -> String {
        code_name(code)
    }
}

fn with_checksum(mut body: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(&body);
    body.extend(checksum.to_le_bytes());
    body
}

/// The checksum of serial lines: polynomial 0xA001, from 0xFFFF.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u16 = 0xFFFF;
    for byte in bytes {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xA001 } else { sum >> 1 };
        }
    }
    sum
}
