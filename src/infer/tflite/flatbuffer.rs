//! Flatbuffer reader with checked offsets. It knows tables and vectors, not their meaning.
//!
//! Vectors may overlap in a file, so that reading them all could take more memory than the file: every value read from
//! a vector is charged to an allowance of twice the file's size.

use std::cell::Cell;

use super::error::InterpreterError;

/// Maximum length in bytes of a tensor or operator name that is kept. Converters write some hundred at most.
const MAX_NAME_BYTES: usize = 256;

/// A table of the file.
#[derive(Clone, Copy)]
pub struct FlatbufferTable<'a> {
    bytes: &'a [u8],
    at: usize,
    allowance: &'a Cell<usize>,
}

fn read<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], InterpreterError> {
    let end = at.checked_add(N).ok_or("an offset is out of the file")?;
    let found = bytes.get(at..end).and_then(|found| found.try_into().ok());
    found.ok_or_else(|| InterpreterError::from("an offset is out of the file"))
}

fn read_u32(bytes: &[u8], at: usize) -> Result<usize, InterpreterError> {
    read(bytes, at).map(|found| u32::from_le_bytes(found) as usize)
}

impl<'a> FlatbufferTable<'a> {
    /// Returns the root table.
    pub fn root(
        bytes: &'a [u8],
        allowance: &'a Cell<usize>,
    ) -> Result<FlatbufferTable<'a>, InterpreterError> {
        Ok(FlatbufferTable { bytes, at: read_u32(bytes, 0)?, allowance })
    }

    /// Returns the position of the field in this slot, if it is present.
    fn field(&self, slot: usize) -> Result<Option<usize>, InterpreterError> {
        let back = i64::from(i32::from_le_bytes(read(self.bytes, self.at)?));
        let description = usize::try_from(self.at as i64 - back).map_err(|_| "a table has no description")?;
        let size = usize::from(u16::from_le_bytes(read(self.bytes, description)?));
        let entry = 4 + 2 * slot;
        if entry + 2 > size {
            return Ok(None);
        }
        let offset = usize::from(u16::from_le_bytes(read(self.bytes, description + entry)?));
        Ok((offset != 0).then_some(self.at + offset))
    }

    fn scalar<const N: usize>(&self, slot: usize) -> Result<Option<[u8; N]>, InterpreterError> {
        self.field(slot)?.map(|at| read(self.bytes, at)).transpose()
    }

    /// Returns a signed byte, often an enum's code; `default` if the field is missing.
    pub fn i8(&self, slot: usize, default: i8) -> Result<i8, InterpreterError> {
        Ok(self.scalar(slot)?.map_or(default, i8::from_le_bytes))
    }

    /// Returns a truth value; false if the field is missing.
    pub fn bool(&self, slot: usize) -> Result<bool, InterpreterError> {
        Ok(self.i8(slot, 0)? != 0)
    }

    /// Returns a signed 32-bit integer; `default` if the field is missing.
    pub fn i32(&self, slot: usize, default: i32) -> Result<i32, InterpreterError> {
        Ok(self.scalar(slot)?.map_or(default, i32::from_le_bytes))
    }

    /// Returns a 32-bit real number; `default` if the field is missing.
    pub fn f32(&self, slot: usize, default: f32) -> Result<f32, InterpreterError> {
        Ok(self.scalar(slot)?.map_or(default, f32::from_le_bytes))
    }

    /// Returns an unsigned 64-bit integer; 0 if the field is missing.
    pub fn u64(&self, slot: usize) -> Result<u64, InterpreterError> {
        Ok(self.scalar(slot)?.map_or(0, u64::from_le_bytes))
    }

    /// Returns an unsigned 32-bit index; 0 if the field is missing.
    pub fn index(&self, slot: usize) -> Result<usize, InterpreterError> {
        Ok(self.scalar(slot)?.map_or(0, |found| u32::from_le_bytes(found) as usize))
    }

    fn follow_offset(&self, at: usize) -> Result<usize, InterpreterError> {
        let target = at.checked_add(read_u32(self.bytes, at)?);
        target.ok_or_else(|| InterpreterError::from("an offset is out of the file"))
    }

    /// Returns the table that a field refers to; `None` if the field is missing.
    pub fn table(&self, slot: usize) -> Result<Option<FlatbufferTable<'a>>, InterpreterError> {
        let at = self.field(slot)?.map(|at| self.follow_offset(at)).transpose()?;
        Ok(at.map(|at| FlatbufferTable { at, ..*self }))
    }

    /// Returns the length and bytes of a vector with items of `size` bytes; empty if it is missing.
    fn vector(&self, slot: usize, size: usize) -> Result<(usize, &'a [u8]), InterpreterError> {
        let Some(field) = self.field(slot)? else { return Ok((0, &[])) };
        let at = self.follow_offset(field)?;
        let count = read_u32(self.bytes, at)?;
        let end = count.checked_mul(size).and_then(|len| len.checked_add(at + 4));
        let items = end.and_then(|end| self.bytes.get(at + 4..end));
        Ok((at + 4, items.ok_or("a vector is longer than the file")?))
    }

    fn charge(&self, count: usize) -> Result<(), InterpreterError> {
        let left = self.allowance.get().checked_sub(count).ok_or("its vectors overlap")?;
        self.allowance.set(left);
        Ok(())
    }

    /// Returns a vector of at most `most` tables.
    pub fn tables(&self, slot: usize, most: usize) -> Result<Vec<FlatbufferTable<'a>>, InterpreterError> {
        let (start, items) = self.vector(slot, 4)?;
        if items.len() / 4 > most {
            return Err(InterpreterError::Limit("tensors"));
        }
        self.charge(items.len())?;
        let at = (0..items.len() / 4).map(|k| self.follow_offset(start + 4 * k));
        at.map(|at| Ok(FlatbufferTable { at: at?, ..*self })).collect()
    }

    /// Returns a vector of bytes in place: nothing is copied, so nothing is charged.
    pub fn bytes(&self, slot: usize) -> Result<&'a [u8], InterpreterError> {
        Ok(self.vector(slot, 1)?.1)
    }

    /// Returns a name, cut at the maximum length: names are kept, and repeated in errors.
    pub fn name(&self, slot: usize) -> Result<String, InterpreterError> {
        let bytes = self.bytes(slot)?;
        self.charge(bytes.len())?;
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_NAME_BYTES)]).into_owned())
    }

    fn items<const N: usize>(&self, slot: usize) -> Result<&'a [[u8; N]], InterpreterError> {
        let (_, items) = self.vector(slot, N)?;
        self.charge(items.len())?;
        Ok(items.as_chunks().0)
    }

    /// Returns a vector of 32-bit integers; empty if it is missing.
    pub fn ints(&self, slot: usize) -> Result<Vec<i32>, InterpreterError> {
        Ok(self.items(slot)?.iter().map(|item| i32::from_le_bytes(*item)).collect())
    }

    /// Returns a vector of 32-bit real numbers; empty if it is missing.
    pub fn floats(&self, slot: usize) -> Result<Vec<f32>, InterpreterError> {
        Ok(self.items(slot)?.iter().map(|item| f32::from_le_bytes(*item)).collect())
    }

    /// Returns a vector of 64-bit integers; empty if it is missing.
    pub fn longs(&self, slot: usize) -> Result<Vec<i64>, InterpreterError> {
        Ok(self.items(slot)?.iter().map(|item| i64::from_le_bytes(*item)).collect())
    }
}
