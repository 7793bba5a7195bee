//! Which compressions of pages are read, and what those may hold that the reader decodes to their own end.

use std::io::{Read, copy, sink};

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;

use super::damaged;
use crate::domain::Result;

/// # Errors
/// `Invalid` for a compression whose pages cannot be held to what they say.
pub fn check(compression: Compression) -> Result<()> {
    match compression {
        // These are decoded into as many bytes as the page says, and no further.
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_) | Compression::LZ4_RAW => {
            Ok(())
        }
        Compression::GZIP(_) => Ok(()),
        other => Err(damaged(&format!(
            "columns compressed by {other} are not read here; use zstd, snappy, gzip or LZ4_RAW"
        ))),
    }
}

/// Checks that a page becomes what it says, where the reader decodes without a bound. The bytes are decoded twice
/// then, which only the slowest of the compressions costs.
pub fn check_page(compression: Compression, packed: &[u8], says: usize) -> Result<()> {
    if !matches!(compression, Compression::GZIP(_)) || packed.is_empty() {
        return Ok(());
    }
    let mut content = MultiGzDecoder::new(packed).take(says as u64 + 1);
    let found = copy(&mut content, &mut sink()).map_err(|e| damaged("a gzip page is damaged").because(e))?;
    if found == says as u64 { Ok(()) } else { Err(damaged("a page is not as long as it says")) }
}
