//! Modbus TCP: function 03, and exceptions.

use std::ops::{Range, RangeInclusive};

use super::wire::{
    FrameLayout, WireDevice, WordOutcome, first_refusal, granted, length_of, u16_be, word_bytes,
};
use crate::domain::device::Protocol;

const READ_HOLDING: u8 = 3;

/// A Modbus TCP device.
pub struct WireModbus;

impl WireDevice for WireModbus {
    fn protocol(&self) -> Protocol {
        Protocol::Modbus
    }

    fn register(&self, word: u32) -> String {
        format!("hr:{word}")
    }

    fn layout(&self) -> FrameLayout {
        FrameLayout { header_len: 6, length_at: 4, is_high_first: true, uncounted: 6, number_at: Some(1) }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        assert_eq!((request.len(), request[7]), (12, READ_HOLDING), "{request:02x?}");
        let (start, count) = (u32::from(u16_be(request, 8)), u32::from(u16_be(request, 10)));
        Some(std::iter::once(start..start + count).collect())
    }

    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8> {
        let mut body = vec![request[6]];
        match first_refusal(outcomes) {
            Some(code) => body.extend([READ_HOLDING | 0x80, u8::try_from(code).expect("an exception")]),
            None => {
                let data: Vec<u8> = granted(outcomes).flat_map(|range| word_bytes(range, true)).collect();
                body.extend([READ_HOLDING, u8::try_from(data.len()).expect("a short answer")]);
                body.extend(data);
            }
        }
        [&request[..4], &length_of(&body).to_be_bytes(), &body].concat()
    }

    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>) {
        (&[1, 2, 3, 4, 5, 6, 8, 10, 11], 1..=255)
    }

    fn code_name(&self, code: u16) -> String {
        format!("(exception {code})")
    }
}
