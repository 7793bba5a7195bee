//! The bytes of a scaler file before they are read as a pickle: how much, and how they are compressed.
//!
//! joblib compresses the whole stream and says so by its first bytes only. zlib and gzip are read, within a bound;
//! what else joblib can write is refused by its name.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::Refused;

/// Largest file, bytes. A scaler has some hundred bytes and some ten a feature.
pub const MAX_FILE: usize = 4 << 20;
/// Most bytes a compressed file may unpack to.
pub const MAX_UNPACKED: usize = 16 << 20;

/// The first bytes of what `joblib.dump` can write besides, and of what it wrote before 0.10.
const UNSUPPORTED: [(&[u8], &str); 5] = [
    (b"BZh", "bz2"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"),
    (&[0x5d, 0, 0], "lzma"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4"),
    (b"ZF", "joblib 0.9"),
];

/// The pickle of a file, unpacked.
pub fn unpack(file: &[u8]) -> Result<Cow<'_, [u8]>, Refused> {
    if file.len() > MAX_FILE {
        return Err(Refused::TooLarge);
    }
    if let Some((_, name)) = UNSUPPORTED.iter().find(|(magic, _)| file.starts_with(magic)) {
        return Err(Refused::Compression(name));
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

/// Reads one byte past the bound at most, so a bomb costs no more than the bound.
fn inflate(packed: impl Read) -> Result<Vec<u8>, Refused> {
    let mut unpacked = Vec::new();
    let read = packed.take(MAX_UNPACKED as u64 + 1).read_to_end(&mut unpacked);
    if unpacked.len() > MAX_UNPACKED {
        return Err(Refused::Inflated);
    }
    match read {
        Ok(_) => Ok(unpacked),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Refused::Truncated),
        Err(_) => Err(Refused::Damaged),
    }
}
