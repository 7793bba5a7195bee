//! Decompresses a scaler file before it is read as a pickle, within a size limit.
//!
//! joblib compresses the whole stream and marks it by its first bytes only. zlib and gzip are supported; every other
//! compression of joblib is refused by name.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::{MAX_FILE, MAX_UNPACKED, ScalerError};

/// First bytes of the other formats that `joblib.dump` writes, and of what it wrote before 0.10.
const UNSUPPORTED: [(&[u8], &str); 5] = [
    (b"BZh", "bz2"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"),
    (&[0x5d, 0, 0], "lzma"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
    (b"ZF", "joblib 0.9"),
];

/// Returns the unpacked pickle of a file.
pub fn unpack(file: &[u8]) -> Result<Cow<'_, [u8]>, ScalerError> {
    if file.len() > MAX_FILE {
        return Err(ScalerError::TooLarge);
    }
    if let Some((_, name)) = UNSUPPORTED.iter().find(|(magic, _)| file.starts_with(magic)) {
        return Err(ScalerError::Compression(name));
    }
    match *file {
        [0x1f, 0x8b, ..] => inflate(MultiGzDecoder::new(file)).map(Cow::Owned),
        // RFC 1950, 2.2: the two bytes of the header are a multiple of 31. No pickle begins with an `x`.
        [0x78, flags, ..] if u16::from_be_bytes([0x78, flags]).is_multiple_of(31) => {
            inflate(ZlibDecoder::new(file)).map(Cow::Owned)
        }
        _ => Ok(Cow::Borrowed(file)),
    }
}

/// Reads at most one byte past the limit, so that a decompression bomb costs no more than the limit.
fn inflate(packed: impl Read) -> Result<Vec<u8>, ScalerError> {
    let mut unpacked = Vec::new();
    let read = packed.take(MAX_UNPACKED as u64 + 1).read_to_end(&mut unpacked);
    if unpacked.len() > MAX_UNPACKED {
        return Err(ScalerError::Inflated);
    }
    match read {
        Ok(_) => Ok(unpacked),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(ScalerError::Truncated),
        Err(_) => Err(ScalerError::Damaged),
    }
}
