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

    /// Codes that the manuals explain, and all that a device may refuse with.
    fn codes(&self) -> (&'static [u16], RangeInclusive<u16>);

    /// Name of a code in the fault that a user reads.
    fn code_name(&self, code: u16) -> String;
}

/// Places of length and number in the frames of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct FrameLayout {
    /// Bytes up to the end of the length.
    pub header_len: usize,
    /// Place of the length, which has two bytes.
    pub length_at: usize,
    /// Whether the high byte of the length comes first.
    pub is_high_first: bool,
    /// Bytes before those that the length counts.
    pub uncounted: usize,
    /// Place of the low byte of the number by which an answer belongs to its request.
    pub number_at: Option<usize>,
}

impl FrameLayout {
    /// Bytes of the frame that begins with this header.
    pub fn frame_len(self, header: &[u8]) -> usize {
        self.uncounted + usize::from(self.length(header))
    }

    fn length(self, frame: &[u8]) -> u16 {
        let pair = [frame[self.length_at], frame[self.length_at + 1]];
        if self.is_high_first { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }

    /// Makes a frame say that it is longer or shorter than it is.
    pub fn change_length(self, frame: &mut [u8], by: i16) {
        let length = self.length(frame).wrapping_add_signed(by);
        let pair = if self.is_high_first { length.to_be_bytes() } else { length.to_le_bytes() };
        frame[self.length_at..self.length_at + 2].copy_from_slice(&pair);
    }

    /// Makes a frame the answer to another request.
    pub fn change_number(self, frame: &mut [u8]) {
        let at = self.number_at.expect("frames of the protocol have numbers");
        frame[at] = frame[at].wrapping_add(1);
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

/// The length of some bytes, as frames have it.
pub fn length_of(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).expect("a short frame")
}
