//! Bodies in the block format of Snappy (<https://github.com/google/snappy/blob/main/format_description.txt>). Pure.

use crate::domain::{Error, Result};

/// Bytes of content that one byte of a block holds at most: a copy of 64 bytes takes three.
const MAX_RATIO: usize = 22;

/// Returns the size of a block's content as its first bytes declare it, without decoding anything.
///
/// # Errors
/// `TooLarge` above `limit`; `Invalid` for a block that declares no size, or more than it can hold.
pub fn decoded_len(block: &[u8], limit: usize) -> Result<usize> {
    if block.is_empty() {
        return Err(damaged());
    }
    let length = snap::raw::decompress_len(block).map_err(|error| damaged().with_source(error))?;
    if length > limit {
        return Err(Error::too_large(format!("Request body is too large: the limit is {limit} bytes.")));
    }
    // A declared size is only a promise: nobody gets memory for what cannot come.
    if length > block.len().saturating_mul(MAX_RATIO) {
        return Err(damaged());
    }
    Ok(length)
}

/// Decodes a block, whose declared size was checked by [`decoded_len`].
///
/// # Errors
/// `Invalid` for a damaged block.
pub fn decode(block: &[u8]) -> Result<Vec<u8>> {
    snap::raw::Decoder::new().decompress_vec(block).map_err(|error| damaged().with_source(error))
}

fn damaged() -> Error {
    Error::invalid("the compressed request body is damaged: it is no block of Snappy")
}

#[cfg(test)]
mod tests {
    use super::{decode, decoded_len};
    use crate::domain::Kind;

    #[test]
    fn a_block_is_measured_before_it_is_decoded() {
        let block = |content: &[u8]| snap::raw::Encoder::new().compress_vec(content).unwrap();
        let large = block(&vec![7; 1 << 20]);
        let rows: [(&[u8], usize, Result<usize, Kind>); 7] = [
            (&block(b""), 0, Ok(0)),
            (&block(b"abc"), 3, Ok(3)),
            (&block(b"abc"), 2, Err(Kind::TooLarge)),
            (&large, 1 << 20, Ok(1 << 20)),
            (&large, (1 << 20) - 1, Err(Kind::TooLarge)),
            (b"\x80\x80\x80\x08\x00a", 64 << 20, Err(Kind::Invalid)),
            (b"", 64, Err(Kind::Invalid)),
        ];
        for (block, limit, expected) in rows {
            assert_eq!(decoded_len(block, limit).map_err(|e| e.kind), expected, "{} bytes", block.len());
        }
        assert_eq!(decode(&large).unwrap(), vec![7; 1 << 20]);
        assert_eq!(decode(b"\x03\x08ab").unwrap_err().kind, Kind::Invalid);
    }
}
