//! MELSEC 3E in binary code: batch and random reads of words of D. Frames have no numbers.

use std::ops::{Range, RangeInclusive};

use super::wire::{
    FrameLayout, WireDevice, WordOutcome, first_refusal, granted, length_of, u16_le, word_bytes,
};
use crate::domain::device::Protocol;

const READ_BATCH: u16 = 0x0401;
const READ_RANDOM: u16 = 0x0403;
/// Place of the command in a request; the subcommand and what is read follow.
const COMMAND: usize = 11;
/// Bytes of a device's number and code.
const DEVICE_BYTES: usize = 4;

/// A MELSEC CPU.
pub struct WireMelsec;

fn device_number(device: &[u8]) -> u32 {
    u32::from_le_bytes([device[0], device[1], device[2], 0])
}

impl WireDevice for WireMelsec {
    fn protocol(&self) -> Protocol {
        Protocol::Melsec
    }

    fn register(&self, word: u32) -> String {
        format!("D{word}")
    }

    fn layout(&self) -> FrameLayout {
        FrameLayout { header_len: 9, length_at: 7, is_high_first: false, uncounted: 9, number_at: None }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        let devices = &request[COMMAND + 4..];
        Some(match u16_le(request, COMMAND) {
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
        let route = &request[2..7];
        let body = match first_refusal(outcomes) {
            Some(code) => [&code.to_le_bytes(), route, &request[COMMAND..COMMAND + 4]].concat(),
            None => {
                let data = granted(outcomes).flat_map(|range| word_bytes(range, false));
                [0, 0].into_iter().chain(data).collect()
            }
        };
        [&[0xD0, 0], route, &length_of(&body).to_le_bytes(), &body].concat()
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
