//! Bytes of a pickle, read from the front: never past the end, never copied.

use crate::infer::scaler::Refused;

#[derive(Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Refused> {
        let rest = self.bytes.get(self.at..).ok_or(Refused::Truncated)?;
        let taken = rest.get(..len).ok_or(Refused::Truncated)?;
        self.at += len;
        Ok(taken)
    }

    /// Exactly `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        self.take(N)?.try_into().map_err(|_| Refused::Truncated)
    }

    pub fn byte(&mut self) -> Result<u8, Refused> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u16(&mut self) -> Result<u16, Refused> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Refused> {
        self.array().map(u32::from_le_bytes)
    }

    /// As many bytes as a length of one, four or eight bytes before them says.
    pub fn sized(&mut self, length_bytes: u8) -> Result<&'a [u8], Refused> {
        let len = match length_bytes {
            1 => u64::from(self.byte()?),
            4 => u64::from(self.u32()?),
            _ => self.array().map(u64::from_le_bytes)?,
        };
        self.take(usize::try_from(len).map_err(|_| Refused::Truncated)?)
    }

    /// Up to the next line feed, which is taken and left out.
    pub fn line(&mut self) -> Result<&'a str, Refused> {
        let rest = self.bytes.get(self.at..).ok_or(Refused::Truncated)?;
        let len = rest.iter().position(|byte| *byte == b'\n').ok_or(Refused::Truncated)?;
        let line = self.take(len + 1)?;
        text(line.get(..len).ok_or(Refused::Truncated)?)
    }
}

/// UTF-8, as every text of a pickle since protocol 2.
pub fn text(bytes: &[u8]) -> Result<&str, Refused> {
    std::str::from_utf8(bytes).map_err(|_| Refused::Malformed("a text is not UTF-8"))
}
