//! FEnet of XGT: reads of runs of bytes and of single words of D.

use std::ops::{Range, RangeInclusive};

use super::wire::{
    FrameLayout, NumberField, NumberForm, WireDevice, WordOutcome, first_refusal, granted, length_of, u16_le,
    word_bytes,
};
use crate::domain::device::Protocol;

const HEADER: usize = 20;
/// Data type of a request that reads a run of bytes; the others read words.
const CONTINUOUS: u16 = 0x14;
const WORD: u16 = 2;

/// An XGT CPU.
pub struct WireFenet;

impl WireDevice for WireFenet {
    fn protocol(&self) -> Protocol {
        Protocol::Fenet
    }

    fn register(&self, word: u32) -> String {
        format!("%DW{word}")
    }

    fn layout(&self) -> FrameLayout {
        let field = |at| NumberField { at, form: NumberForm::LowFirst };
        FrameLayout {
            header_len: HEADER,
            length: Some(field(16)),
            uncounted: HEADER,
            number: Some(field(14)),
        }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        let body = &request[HEADER..];
        assert_eq!(u16_le(body, 0), 0x54, "it reads");
        let mut rest = &body[8..];
        let mut name = || {
            let (name, after) = rest[2..].split_at(u16_le(rest, 0).into());
            rest = after;
            std::str::from_utf8(name).expect("a name").to_owned()
        };
        let number = |name: &str, letters: &str| -> u32 {
            let digits = name.strip_prefix(letters).expect(letters);
            digits.parse().expect("the number of a variable")
        };
        if u16_le(body, 2) == CONTINUOUS {
            let start = number(&name(), "%DB");
            let end = start + u32::from(u16_le(rest, 0));
            assert!(start.is_multiple_of(2) && end.is_multiple_of(2), "whole words");
            return Some(std::iter::once(start / 2..end / 2).collect());
        }
        assert_eq!(u16_le(body, 2), WORD, "it reads words");
        let words = (0..u16_le(body, 6)).map(|_| number(&name(), "%DW"));
        Some(words.map(|word| word..word + 1).collect())
    }

    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8> {
        let mut body = Vec::new();
        let mut put = |number: u16| body.extend(number.to_le_bytes());
        put(u16_le(request, HEADER) + 1);
        put(u16_le(request, HEADER + 2));
        put(0);
        match first_refusal(outcomes) {
            Some(code) => {
                put(0xFFFF);
                put(code);
            }
            None => {
                put(0);
                put(u16::try_from(outcomes.len()).expect("few blocks"));
                for range in granted(outcomes) {
                    let data = word_bytes(range, false);
                    body.extend(length_of(&data).to_le_bytes());
                    body.extend(data);
                }
            }
        }
        // The header ends with the place of the module and no checksum.
        let info = [&request[..10], &[1, 1, 0xA0, 0x11], &request[14..16]].concat();
        [&info[..], &length_of(&body).to_le_bytes(), &[0, 0], &body].concat()
    }

    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>) {
        (&[1, 2, 3, 4, 5, 6, 0x75, 0x76, 0x77, 0x78, 0x1132], 1..=u16::MAX)
    }

    fn code_name(&self, code: u16) -> String {
        format!("(error code {code:04X})")
    }
}
