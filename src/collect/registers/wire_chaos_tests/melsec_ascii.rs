//! MELSEC 4E in ASCII code: batch and random reads of words of D. Numbers are hexadecimal text, those of devices decimal.

use std::ops::{Range, RangeInclusive};

use super::melsec::{READ_BATCH, READ_RANDOM, WireMelsec};
use super::wire::{
    FrameLayout, NumberField, NumberForm, WireDevice, WordOutcome, digits, first_refusal, granted,
};
use crate::domain::device::Protocol;

/// Characters of a header: subheader, serial number, zeros, route, length.
const HEADER: usize = 26;
const ROUTE: Range<usize> = 12..22;
/// Place of the command in a request, after the timer; the subcommand and what is read follow.
const COMMAND: usize = HEADER + 4;
/// Characters of a device's code and number.
const DEVICE: usize = 8;

/// A MELSEC CPU whose connection has ASCII code.
pub struct WireMelsecAscii;

fn device_number(device: &[u8]) -> u32 {
    assert_eq!(&device[..2], b"D*", "a data register");
    digits(&device[2..DEVICE], 10).into()
}

impl WireDevice for WireMelsecAscii {
    fn protocol(&self) -> Protocol {
        Protocol::Melsec
    }

    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[("frame", "4E"), ("encoding", "ascii")]
    }

    fn register(&self, word: u32) -> String {
        WireMelsec::E4.register(word)
    }

    fn layout(&self) -> FrameLayout {
        let field = |at| NumberField { at, form: NumberForm::Digits };
        FrameLayout { header_len: HEADER, length: Some(field(22)), uncounted: HEADER, number: Some(field(4)) }
    }

    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>> {
        let devices = &request[COMMAND + 8..];
        Some(match digits(&request[COMMAND..COMMAND + 4], 16) {
            READ_BATCH => {
                let count = digits(&devices[DEVICE..DEVICE + 4], 16);
                let start = device_number(devices);
                std::iter::once(start..start + u32::from(count)).collect()
            }
            READ_RANDOM => {
                assert_eq!(&devices[2..4], b"00", "no double words");
                let words = devices[4..].chunks_exact(DEVICE).map(device_number);
                words.map(|word| word..word + 1).collect()
            }
            command => panic!("command {command:04X}"),
        })
    }

    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8> {
        let route = &request[ROUTE];
        let body = match first_refusal(outcomes) {
            Some(code) => [format!("{code:04X}").as_bytes(), route, &request[COMMAND..COMMAND + 8]].concat(),
            None => {
                let words = granted(outcomes).cloned().flatten().map(|word| format!("{word:04X}"));
                format!("0000{}", words.collect::<Vec<_>>().concat()).into_bytes()
            }
        };
        let length = format!("{:04X}", body.len());
        [&b"D400"[..], &request[4..12], route, length.as_bytes(), &body].concat()
    }

    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>) {
        WireMelsec::E4.codes()
    }

    fn code_name(&self, code: u16) -> String {
        WireMelsec::E4.code_name(code)
    }
}
