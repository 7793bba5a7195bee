//! Checks page compression: which codecs are supported, and the decompressed length where the reader does not bound
//! it.

use std::io::{Read, copy, sink};

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;

use super::damaged;
use crate::domain::Result;

/// # Errors
/// `Invalid` for a compression whose decompressed length cannot be bounded.
pub fn check(compression: Compression) -> Result<()> {
    match compression {
        // The reader decodes these only into the declared page length.
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_) | Compression::LZ4_RAW => {
            Ok(())
        }
        Compression::GZIP(_) => Ok(()),
        other => Err(damaged(&format!(
            "columns compressed by {other} are not read here; use zstd, snappy, gzip or LZ4_RAW"
        ))),
    }
}

/// Checks that a page decompresses to its declared length, where the reader decodes without a bound. Such a page is
/// decoded twice, but only gzip, the slowest of the codecs, needs it.
pub fn check_page(compression: Compression, packed: &[u8], says: usize) -> Result<()> {
    if !matches!(compression, Compression::GZIP(_)) || packed.is_empty() {
        return Ok(());
    }
    let mut content = MultiGzDecoder::new(packed).take(says as u64 + 1);
    let found =
        copy(&mut content, &mut sink()).map_err(|e| damaged("a gzip page is damaged").with_source(e))?;
    if found == says as u64 { Ok(()) } else { Err(damaged("a page is not as long as it says")) }
}
