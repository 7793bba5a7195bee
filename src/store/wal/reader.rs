//! Reading what the log wrote, off the front of a slice: too few bytes are an error, never a panic.

use crate::domain::{Error, Result};

/// The bytes are not what the log writes.
pub fn short() -> Error {
    Error::unavailable("a record is shorter or longer than it says")
}

/// Checked reads off the front of a slice.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(short)?;
        self.0 = rest;
        Ok(head)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| short())
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn numbers<T, const N: usize>(&mut self, count: usize, from: fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = self.take(count.checked_mul(N).ok_or_else(short)?)?;
        let (chunks, _) = bytes.as_chunks::<N>();
        Ok(chunks.iter().map(|chunk| from(*chunk)).collect())
    }

    pub fn text(&mut self, len: usize) -> Result<Box<str>> {
        std::str::from_utf8(self.take(len)?).map(Box::from).map_err(|e| short().because(e))
    }

    pub fn counted_text(&mut self) -> Result<String> {
        let len = self.u32()? as usize;
        self.text(len).map(String::from)
    }
}
