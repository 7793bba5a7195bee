//! Checked reader of log bytes, from the front of a slice: too few bytes are an error, never a panic.

use crate::domain::{Error, Result};

/// Error for bytes that the log does not write.
pub fn malformed_record() -> Error {
    Error::unavailable("a record is shorter or longer than it says")
}

/// Checked reads off the front of a slice.
pub struct ByteReader<'a>(pub &'a [u8]);

impl<'a> ByteReader<'a> {
    /// Reads `len` bytes without copying them. When fewer are left, this and every other method returns [`malformed_record`].
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(malformed_record)?;
        self.0 = rest;
        Ok(head)
    }

    /// Reads `N` bytes, from which the caller makes a number or a hash.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| malformed_record())
    }

    /// Reads a byte: a tag or a flag.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Reads a little-endian number: a count or a length.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Reads `count` numbers of `N` bytes each, which `from` decodes.
    pub fn numbers<T, const N: usize>(&mut self, count: usize, from: fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = self.take(count.checked_mul(N).ok_or_else(malformed_record)?)?;
        let (chunks, _) = bytes.as_chunks::<N>();
        Ok(chunks.iter().map(|chunk| from(*chunk)).collect())
    }

    /// Reads `len` bytes of UTF-8; any other bytes are an error.
    pub fn text(&mut self, len: usize) -> Result<Box<str>> {
        std::str::from_utf8(self.take(len)?).map(Box::from).map_err(|e| malformed_record().with_source(e))
    }

    /// Reads the length of a text in bytes, a `u32`, and then the text.
    pub fn counted_text(&mut self) -> Result<String> {
        let len = self.u32()? as usize;
        self.text(len).map(String::from)
    }
}
