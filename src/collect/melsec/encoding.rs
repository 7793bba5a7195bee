//! Numbers, text and bits in the two codes of SLMP: binary, low byte first, and ASCII, hexadecimal with the high
//! digit first.

use super::format::{Encoding, MelsecFrameError};

/// A frame under construction.
pub struct MelsecWriter {
    pub encoding: Encoding,
    pub bytes: Vec<u8>,
}

impl MelsecWriter {
    /// Starts an empty frame in this data code.
    pub fn new(encoding: Encoding) -> MelsecWriter {
        MelsecWriter { encoding, bytes: Vec::new() }
    }

    /// Writes the lowest `len` bytes of a number.
    pub fn number(&mut self, number: u32, len: usize) {
        match self.encoding {
            Encoding::Binary => self.bytes.extend_from_slice(&number.to_le_bytes()[..len]),
            Encoding::Ascii => self.text(&format!("{number:0digits$X}", digits = 2 * len)),
        }
    }

    /// Appends a text as it is, in either code; names and numbers in ASCII code are written by it.
    pub fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes one byte, in ASCII code as two digits.
    pub fn u8(&mut self, number: u8) {
        self.number(number.into(), 1);
    }

    /// Writes two bytes, the low one first; in ASCII code four digits, the high one first.
    pub fn u16(&mut self, number: u16) {
        self.number(number.into(), 2);
    }

    /// Writes the high byte first in either code.
    pub fn u16_be(&mut self, number: u16) {
        let [high, low] = number.to_be_bytes();
        self.u8(high);
        self.u8(low);
    }

    /// Writes two points per byte, the first in the high half; in ASCII code one digit each.
    pub fn bits(&mut self, bits: &[bool]) {
        match self.encoding {
            Encoding::Ascii => self.bytes.extend(bits.iter().map(|on| b'0' + u8::from(*on))),
            Encoding::Binary => {
                let pack = |pair: &[bool]| {
                    let half = |at: usize| u8::from(pair.get(at).copied().unwrap_or_default());
                    half(0) << 4 | half(1)
                };
                self.bytes.extend(bits.chunks(2).map(pack));
            }
        }
    }
}

/// The unread rest of a response.
pub struct MelsecReader<'a> {
    encoding: Encoding,
    pub rest: &'a [u8],
}

impl<'a> MelsecReader<'a> {
    /// Starts at the first byte of `rest`, which is in this data code.
    pub fn new(encoding: Encoding, rest: &'a [u8]) -> MelsecReader<'a> {
        MelsecReader { encoding, rest }
    }

    /// Takes `len` bytes, not decoded; `Short` if fewer are left, and then none is taken.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], MelsecFrameError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(MelsecFrameError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads a number of `len` bytes.
    pub fn number(&mut self, len: usize) -> Result<u32, MelsecFrameError> {
        match self.encoding {
            Encoding::Binary => {
                Ok(self.take(len)?.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
            }
            Encoding::Ascii => self.take(2 * len)?.iter().try_fold(0, |number, digit| {
                let digit = char::from(*digit).to_digit(16).ok_or(MelsecFrameError::NotHexadecimal)?;
                Ok(number << 4 | digit)
            }),
        }
    }

    /// Reads a number of two bytes, or four digits in ASCII code.
    pub fn u16(&mut self) -> Result<u16, MelsecFrameError> {
        self.number(2).map(|number| number as u16)
    }

    /// Reads a number of four bytes, or eight digits in ASCII code: a double word.
    pub fn u32(&mut self) -> Result<u32, MelsecFrameError> {
        self.number(4)
    }

    /// Reads the high byte first in either code.
    pub fn u16_be(&mut self) -> Result<u16, MelsecFrameError> {
        Ok((self.number(1)? << 8 | self.number(1)?) as u16)
    }

    /// Reads `count` values one after the other; the first error ends the reading.
    pub fn many<T>(
        &mut self,
        count: usize,
        one: impl Fn(&mut Self) -> Result<T, MelsecFrameError>,
    ) -> Result<Vec<T>, MelsecFrameError> {
        (0..count).map(|_| one(self)).collect()
    }

    /// Reads `count` points, packed as `MelsecWriter::bits` writes them; `Content` if one is neither 0 nor 1.
    pub fn bits(&mut self, count: usize) -> Result<Vec<bool>, MelsecFrameError> {
        let halves: Vec<u8> = match self.encoding {
            Encoding::Ascii => self.take(count)?.iter().map(|digit| digit.wrapping_sub(b'0')).collect(),
            Encoding::Binary => {
                self.take(count.div_ceil(2))?.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).collect()
            }
        };
        let on_or_off = |half: &u8| match half {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(MelsecFrameError::Content),
        };
        halves.iter().take(count).map(on_or_off).collect()
    }
}
