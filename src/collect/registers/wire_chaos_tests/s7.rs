//! S7: the opening of a session, and Read Var of data block 1. An item is refused by itself, by a code of one byte; a longer code
//! refuses the whole request.

use std::ops::{Range, RangeInclusive};

use super::wire::{
    FrameLayout, NumberField, NumberForm, WireDevice, WordOutcome, length_of, u16_be, word_bytes,
};
use crate::domain::device::Protocol;

/// Headers of packet and transport.
const PDU: usize = 7;
const PARAMETERS: usize = PDU + 10;
const ITEM_BYTES: usize = 12;
const CONNECT_REQUEST: u8 = 0xE0;
const CONNECT_CONFIRM: u8 = 0xD0;
const SETUP: u8 = 0xF0;
const READ_VAR: u8 = 4;

/// An S7 CPU.
pub struct WireS7;

fn packet(contents: &[u8]) -> Vec<u8> {
    [&[3, 0], &(length_of(contents) + 4).to_be_bytes()[..], contents].concat()
}

/// The packet of an answer to the job of a request.
fn response(request: &[u8], parameters: &[u8], data: &[u8], error: u16) -> Vec<u8> {
    let kind = if error == 0 { 3 } else { 2 };
    let lengths = [length_of(parameters).to_be_bytes(), length_of(data).to_be_bytes(), error.to_be_bytes()];
    let header = [&[2, 0xF0, 0x80, 0x32, kind, 0, 0], &request[PDU + 4..PDU + 6]].concat();
    packet(&[&header[..], lengths.as_flattened(), parameters, data].concat())
}

impl WireDevice for WireS7 {
    fn protocol(&self) -> Protocol {
        Protocol::S7
    }

    fn register(&self, word: u32) -> String {
        format!("DB1.DBW{}", 2 * word)
    }

    fn layout(&self) -> FrameLayout {
        let field = |at| NumberField { at, form: NumberForm::HighFirst };
        FrameLayout { header_len: 4, length: Some(field(2)), uncounted: 0, number: Some(field(PDU + 4)) }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        if request[5] == CONNECT_REQUEST || request[PARAMETERS] == SETUP {
            return None;
        }
        assert_eq!(request[PARAMETERS], READ_VAR, "{request:02x?}");
        let range = |item: &[u8]| {
            let start = u32::from_be_bytes([0, item[9], item[10], item[11]]) / 8;
            let end = start + u32::from(u16_be(item, 4));
            assert!(start.is_multiple_of(2) && end.is_multiple_of(2), "whole words");
            start / 2..end / 2
        };
        Some(request[PARAMETERS + 2..].chunks_exact(ITEM_BYTES).map(range).collect())
    }

    fn opening(&self, request: &[u8]) -> Vec<u8> {
        if request[5] == CONNECT_REQUEST {
            let mut confirmed = request.to_vec();
            confirmed[5] = CONNECT_CONFIRM;
            return confirmed;
        }
        // The PDU of an S7-300 has 240 bytes.
        response(request, &[SETUP, 0, 0, 1, 0, 1, 0, 240], &[], 0)
    }

    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8> {
        let mut data = Vec::new();
        for outcome in outcomes {
            match outcome {
                Err(code) => match u8::try_from(*code) {
                    Ok(code) => data.extend([code, 0, 0, 0]),
                    Err(_) => return response(request, &[], &[], *code),
                },
                Ok(range) => {
                    let bytes = word_bytes(range, true);
                    data.extend([0xFF, 4]);
                    data.extend((length_of(&bytes) * 8).to_be_bytes());
                    data.extend(bytes);
                }
            }
        }
        response(request, &request[PARAMETERS..PARAMETERS + 2], &data, 0)
    }

    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>) {
        const CODES: [u16; 16] = [
            0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x0A, 0xFE, 0x8001, 0x8103, 0x8104, 0x8105, 0x8404, 0x8500,
            0xD0A1, 0xD241,
        ];
        (&CODES, 0x100..=u16::MAX)
    }

    fn code_name(&self, code: u16) -> String {
        if code < 0x100 { format!("(return code {code:02X})") } else { format!("(error code {code:04X})") }
    }
}
