//! Devices as a chaos line speaks for them: frames of reads, whose answers hold in each word its own number.
//!
//! Written from the manuals, independently of the collector's codecs, so that the two check each other.

use std::ops::{Range, RangeInclusive};

use crate::domain::device::Protocol;

/// Words of a range, or the code by which the device refuses it.
pub type WordOutcome = Result<Range<u32>, u16>;

/// A device of one protocol.
pub trait WireDevice: Sync {
    /// The protocol's name in the catalog.
    fn protocol(&self) -> Protocol;

    /// Settings of the device by which the collector speaks to it, beside the defaults.
    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Address of a word as people write it.
    fn register(&self, word: u32) -> String;

    /// Places in requests and answers.
    fn layout(&self) -> FrameLayout;

    /// Words that a request reads, range by range; `None` for a request that opens a session.
    fn ranges(&self, request: &[u8]) -> Option<Vec<Range<u32>>>;

    /// Answer to a request that opens a session.
    fn opening(&self, request: &[u8]) -> Vec<u8> {
        unreachable!("{} opens no session: {request:02x?}", self.protocol())
    }

    /// Answer to a read, with the outcome of each of its ranges.
    fn answer(&self, request: &[u8], outcomes: &[WordOutcome]) -> Vec<u8>;

    /// An answer that says that it is longer or shorter than it is.
    fn with_other_length(&self, mut answer: Vec<u8>, by: i16) -> Vec<u8> {
        self.layout().length.expect("frames of the protocol have lengths").add(&mut answer, by);
        answer
    }

    /// Codes that the manuals explain, and all that a device may refuse with.
    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>);

    /// Name of a code in the fault that a user reads.
    fn code_name(&self, code: u16) -> String;
}

/// Form of a 16-bit number in a frame.
#[derive(Debug, Clone, Copy)]
pub enum NumberForm {
    LowFirst,
    HighFirst,
    /// Four hexadecimal digits.
    Digits,
}

/// A number of 16 bits in the frames of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct NumberField {
    /// Place of its first byte.
    pub at: usize,
    pub form: NumberForm,
}

impl NumberField {
    fn read(self, frame: &[u8]) -> u16 {
        match self.form {
            NumberForm::LowFirst => u16_le(frame, self.at),
            NumberForm::HighFirst => u16_be(frame, self.at),
            NumberForm::Digits => digits(&frame[self.at..self.at + 4], 16),
        }
    }

    /// Changes the number in a frame.
    pub fn add(self, frame: &mut [u8], by: i16) {
        let number = self.read(frame).wrapping_add_signed(by);
        let bytes = match self.form {
            NumberForm::LowFirst => number.to_le_bytes().to_vec(),
            NumberForm::HighFirst => number.to_be_bytes().to_vec(),
            NumberForm::Digits => format!("{number:04X}").into_bytes(),
        };
        frame[self.at..self.at + bytes.len()].copy_from_slice(&bytes);
    }
}

/// Length and number in the frames of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct FrameLayout {
    /// Bytes up to the end of the length; where requests have none, all of a request.
    pub header_len: usize,
    pub length: Option<NumberField>,
    /// Bytes before those that the length counts.
    pub uncounted: usize,
    /// The number by which an answer belongs to its request.
    pub number: Option<NumberField>,
}

impl FrameLayout {
    /// Bytes of the request that begins with this header.
    pub fn request_len(self, header: &[u8]) -> usize {
        self.length.map_or(self.header_len, |length| self.uncounted + usize::from(length.read(header)))
    }

    /// Makes an answer one to another request.
    pub fn change_number(self, answer: &mut [u8]) {
        self.number.expect("frames of the protocol have numbers").add(answer, 1);
    }
}

/// The words of a range as bytes, each holding its own number.
pub fn word_bytes(range: &Range<u32>, is_high_first: bool) -> Vec<u8> {
    let word = |number: u32| {
        let word = u16::try_from(number).expect("a word's number");
        if is_high_first { word.to_be_bytes() } else { word.to_le_bytes() }
    };
    range.clone().flat_map(word).collect()
}

/// The code by which any range is refused.
pub fn first_refusal(outcomes: &[WordOutcome]) -> Option<u16> {
    outcomes.iter().find_map(|outcome| outcome.as_ref().err().copied())
}

/// The ranges that are not refused.
pub fn granted(outcomes: &[WordOutcome]) -> impl Iterator<Item = &Range<u32>> {
    outcomes.iter().filter_map(|outcome| outcome.as_ref().ok())
}

/// A number of two bytes in a frame.
pub fn u16_be(frame: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([frame[at], frame[at + 1]])
}

/// A number of two bytes in a frame, low byte first.
pub fn u16_le(frame: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([frame[at], frame[at + 1]])
}

/// A number that is written as text.
pub fn digits(text: &[u8], radix: u32) -> u16 {
    let text = std::str::from_utf8(text).expect("a text");
    u16::from_str_radix(text, radix).expect("digits")
}

/// The length of some bytes, as frames have it.
pub fn length_of(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).expect("a short frame")
}
