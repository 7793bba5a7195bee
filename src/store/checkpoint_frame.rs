//! File format of the checkpoint: numbered payloads, each with checksums of its own.
//!
//! ```text
//! record:  length u32 | payload crc32 u32 | number u64 | crc32 of the 16 bytes before | payload
//! ```
//! All numbers are little endian. The file is replaced as a whole, so it has no torn tail: whatever is not valid is damage.

const HEADER: usize = 20;

/// A complete and valid payload.
#[derive(Debug, PartialEq, Eq)]
pub struct CheckpointFrame<'a> {
    /// Bytes whose checksum is right.
    pub payload: &'a [u8],
    /// Offset just past them.
    pub end: usize,
}

/// Appends a payload, at most 4 GiB, with its header.
pub fn push(out: &mut Vec<u8>, number: u64, payload: &[u8]) {
    let start = out.len();
    out.extend((payload.len() as u32).to_le_bytes());
    out.extend(crc32fast::hash(payload).to_le_bytes());
    out.extend(number.to_le_bytes());
    let crc = crc32fast::hash(&out[start..]);
    out.extend(crc.to_le_bytes());
    out.extend_from_slice(payload);
}

/// Returns the payload at `at`; `None` when header or payload are short or fail their checksums.
pub fn parse(bytes: &[u8], at: usize) -> Option<CheckpointFrame<'_>> {
    let header = bytes.get(at..at.checked_add(HEADER)?)?;
    let u32_at = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
    if u32_at(16)? != crc32fast::hash(&header[..16]) {
        return None;
    }
    let start = at + HEADER;
    let end = start.checked_add(u32_at(0)? as usize)?;
    let payload = bytes.get(start..end)?;
    (u32_at(4)? == crc32fast::hash(payload)).then_some(CheckpointFrame { payload, end })
}
