//! Bounds the decompressed size of an LZ4 frame by its block headers alone: the reader decodes a frame to its end,
//! whatever length was declared.

use super::damaged;
use crate::domain::Result;

const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();
/// Bits of the first flag byte: checksums after blocks, the content's length, a dictionary id.
const BLOCK_CHECKSUM: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const DICTIONARY_ID: u8 = 0x01;
/// Bit of a block's length that marks it as stored uncompressed.
const UNCOMPRESSED_BLOCK: u32 = 1 << 31;
/// Maximum bytes that one compressed byte can expand to.
const MAX_RATIO: usize = 255;

/// Checks that a frame expands to no more than `declared_bytes` plus one block.
pub fn check(frame: &[u8], declared_bytes: usize) -> Result<()> {
    let (block_bytes, has_checksums, mut rest) = header(frame)?;
    let mut most = 0_usize;
    // The reader treats the end of the bytes as the end of the frame.
    while !rest.is_empty() {
        let (length, after) = take(rest, 4)?;
        let length = u32::from_le_bytes(length.try_into().map_err(|_| cut())?);
        if length == 0 {
            break;
        }
        let stored = (length & !UNCOMPRESSED_BLOCK) as usize;
        let decoded_bytes =
            if length & UNCOMPRESSED_BLOCK == 0 { stored.saturating_mul(MAX_RATIO) } else { stored };
        most = most.saturating_add(decoded_bytes.min(block_bytes));
        let (_, after) = take(after, stored)?;
        rest = if has_checksums { take(after, 4)?.1 } else { after };
    }
    // Writers fill every block but the last.
    if most > declared_bytes.saturating_add(block_bytes) {
        return Err(damaged("a compressed buffer holds more than the length before it"));
    }
    Ok(())
}

/// Returns the maximum block size, whether blocks have checksums, and the bytes after the header.
fn header(frame: &[u8]) -> Result<(usize, bool, &[u8])> {
    let (magic, rest) = take(frame, 4)?;
    if magic != MAGIC {
        return Err(damaged("a buffer marked as LZ4 is not an LZ4 frame"));
    }
    let (flags, rest) = take(rest, 2)?;
    let block_bytes = match (flags[1] >> 4) & 7 {
        4 => 64 << 10,
        5 => 256 << 10,
        6 => 1 << 20,
        7 => 4 << 20,
        _ => return Err(damaged("an LZ4 buffer has an unknown block size")),
    };
    let mut more = 1;
    more += if flags[0] & CONTENT_SIZE == 0 { 0 } else { 8 };
    more += if flags[0] & DICTIONARY_ID == 0 { 0 } else { 4 };
    let (_, rest) = take(rest, more)?;
    Ok((block_bytes, flags[0] & BLOCK_CHECKSUM != 0, rest))
}

fn take(bytes: &[u8], count: usize) -> Result<(&[u8], &[u8])> {
    bytes.split_at_checked(count).ok_or_else(cut)
}

fn cut() -> crate::domain::Error {
    damaged("an LZ4 buffer is cut short")
}
