//! MELSEC 3E and 4E in binary code: batch and random reads of words of D. Frames of 4E have serial numbers.

use std::ops::{Range, RangeInclusive};

use super::wire::{
    FrameLayout, NumberField, NumberForm, WireDevice, WordOutcome, first_refusal, granted, length_of, u16_le,
    word_bytes,
};
use crate::domain::device::Protocol;

pub const READ_BATCH: u16 = 0x0401;
pub const READ_RANDOM: u16 = 0x0403;
/// Bytes of a route.
const ROUTE: usize = 5;
/// Bytes of a device's number and code.
const DEVICE_BYTES: usize = 4;

/// A MELSEC CPU, by the version of its frames.
pub enum WireMelsec {
    E3,
    E4,
}

impl WireMelsec {
    /// Place of the route, which the length follows. Frames of 4E have a serial number and zeros in front of it.
    fn route_at(&self) -> usize {
        match self {
            WireMelsec::E3 => 2,
            WireMelsec::E4 => 6,
        }
    }

    fn header_len(&self) -> usize {
        self.route_at() + ROUTE + 2
    }

    /// Place of the command in a request, after the timer; the subcommand and what is read follow.
    fn command_at(&self) -> usize {
        self.header_len() + 2
    }
}

fn device_number(device: &[u8]) -> u32 {
    u32::from_le_bytes([device[0], device[1], device[2], 0])
}

impl WireDevice for WireMelsec {
    fn protocol(&self) -> Protocol {
        Protocol::Melsec
    }

    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            WireMelsec::E3 => &[],
            WireMelsec::E4 => &[("frame", "4E")],
        }
    }

    fn register(&self, word: u32) -> String {
        format!("D{word}")
    }

    fn layout(&self) -> FrameLayout {
        let field = |at| NumberField { at, form: NumberForm::LowFirst };
        FrameLayout {
            header_len: self.header_len(),
            length: Some(field(self.route_at() + ROUTE)),
            uncounted: self.header_len(),
            number: match self {
                WireMelsec::E3 => None,
                WireMelsec::E4 => Some(field(2)),
            },
        }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        let devices = &request[self.command_at() + 4..];
        Some(match u16_le(request, self.command_at()) {
            READ_BATCH => {
                let (start, count) = (device_number(devices), u32::from(u16_le(devices, DEVICE_BYTES)));
                std::iter::once(start..start + count).collect()
            }
            READ_RANDOM => {
                assert_eq!(devices[1], 0, "no double words");
                let words = devices[2..].chunks_exact(DEVICE_BYTES).map(device_number);
                words.map(|word| word..word + 1).collect()
            }
            command => panic!("command {command:04X}"),
        })
    }

    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8> {
        let (route_at, command) = (self.route_at(), &request[self.command_at()..][..4]);
        let route = &request[route_at..route_at + ROUTE];
        let body = match first_refusal(outcomes) {
            Some(code) => [&code.to_le_bytes(), route, command].concat(),
            None => {
                let data = granted(outcomes).flat_map(|range| word_bytes(range, false));
                [0, 0].into_iter().chain(data).collect()
            }
        };
        let subheader: [u8; 2] = match self {
            WireMelsec::E3 => [0xD0, 0],
            WireMelsec::E4 => [0xD4, 0],
        };
        [&subheader[..], &request[2..route_at], route, &length_of(&body).to_le_bytes(), &body].concat()
    }

    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>) {
        const CODES: [u16; 15] = [
            0x0050, 0x4030, 0x4031, 0x4E00, 0xC050, 0xC051, 0xC056, 0xC059, 0xC05B, 0xC05F, 0xC061, 0xCEE0,
            0xCEE1, 0xCF70, 0xCF71,
        ];
        (&CODES, 1..=u16::MAX)
    }

    fn code_name(&self, code: u16) -> String {
        format!("(end code {code:04X})")
    }
}
