//! Forward reader over a pickle's bytes: never past the end, without copies.

use crate::infer::scaler::ScalerError;

/// Position in a pickle, which only moves forward.
#[derive(Debug)]
pub struct PickleReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> PickleReader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads `len` bytes. `Truncated` if fewer remain; then the position stays.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], ScalerError> {
        let rest = self.bytes.get(self.at..).ok_or(ScalerError::Truncated)?;
        let taken = rest.get(..len).ok_or(ScalerError::Truncated)?;
        self.at += len;
        Ok(taken)
    }

    /// Reads exactly `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ScalerError> {
        self.take(N)?.try_into().map_err(|_| ScalerError::Truncated)
    }

    /// Reads one byte: an opcode, or an unsigned integer.
    pub fn byte(&mut self) -> Result<u8, ScalerError> {
        self.array().map(u8::from_le_bytes)
    }

    /// Reads a little-endian integer of two bytes.
    pub fn u16(&mut self) -> Result<u16, ScalerError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Reads a little-endian integer of four bytes.
    pub fn u32(&mut self) -> Result<u32, ScalerError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads bytes after their length, which takes one, four or eight bytes.
    pub fn length_prefixed(&mut self, length_bytes: u8) -> Result<&'a [u8], ScalerError> {
        let len = match length_bytes {
            1 => u64::from(self.byte()?),
            4 => u64::from(self.u32()?),
            _ => self.array().map(u64::from_le_bytes)?,
        };
        self.take(usize::try_from(len).map_err(|_| ScalerError::Truncated)?)
    }

    /// Reads up to the next line feed, which is consumed and not returned.
    pub fn line(&mut self) -> Result<&'a str, ScalerError> {
        let rest = self.bytes.get(self.at..).ok_or(ScalerError::Truncated)?;
        let len = rest.iter().position(|byte| *byte == b'\n').ok_or(ScalerError::Truncated)?;
        let line = self.take(len + 1)?;
        parse_utf8(line.get(..len).ok_or(ScalerError::Truncated)?)
    }
}

/// Parses UTF-8, the encoding of every string since protocol 2.
pub fn parse_utf8(bytes: &[u8]) -> Result<&str, ScalerError> {
    std::str::from_utf8(bytes).map_err(|_| ScalerError::Malformed("a text is not UTF-8"))
}
