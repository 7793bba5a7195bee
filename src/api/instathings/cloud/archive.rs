//! ZIP archives of a few small files, which are stored without compression.

use crate::domain::{Error, Result};

/// Version of the format that a reader needs: 2.0.
const VERSION: u16 = 20;
/// Names are UTF-8.
const UTF8_NAMES: u16 = 1 << 11;
/// 1980-01-01, the first day that the format has.
const FIRST_DAY: u16 = (1 << 5) | 1;
/// Made on Unix, where permissions are in the upper half of the attributes.
const MADE_BY: u16 = (3 << 8) | VERSION;

/// A file of an archive.
pub struct ArchiveFile<'a> {
    pub path: &'a str,
    pub content: &'a [u8],
    /// Permissions, as `chmod` has them.
    pub mode: u32,
}

/// Writes an archive.
///
/// # Errors
/// `Internal` beyond 4 GiB or 65,535 files, which the format cannot have.
pub fn write(files: &[ArchiveFile<'_>]) -> Result<Vec<u8>> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let offset = length(archive.len())?;
        let header = header_of(file)?;
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&header);
        archive.extend_from_slice(file.path.as_bytes());
        archive.extend_from_slice(file.content);
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&MADE_BY.to_le_bytes());
        directory.extend_from_slice(&header);
        // No comment, disk 0, no internal attributes.
        directory.extend_from_slice(&[0; 6]);
        let regular_file = 0o100_000;
        directory.extend_from_slice(&((regular_file | file.mode) << 16).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(file.path.as_bytes());
    }
    let count = u16::try_from(files.len()).map_err(|e| too_large().with_source(e))?.to_le_bytes();
    let (size, start) = (length(directory.len())?, length(archive.len())?);
    archive.append(&mut directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&size.to_le_bytes());
    archive.extend_from_slice(&start.to_le_bytes());
    archive.extend_from_slice(&[0; 2]);
    Ok(archive)
}

/// Returns the common part of a file's headers.
fn header_of(file: &ArchiveFile<'_>) -> Result<Vec<u8>> {
    let size = length(file.content.len())?;
    let name = u16::try_from(file.path.len()).map_err(|e| too_large().with_source(e))?;
    let mut header = Vec::with_capacity(26);
    // Stored, at midnight.
    for field in [VERSION, UTF8_NAMES, 0, 0, FIRST_DAY] {
        header.extend_from_slice(&field.to_le_bytes());
    }
    for field in [crc32fast::hash(file.content), size, size] {
        header.extend_from_slice(&field.to_le_bytes());
    }
    for field in [name, 0] {
        header.extend_from_slice(&field.to_le_bytes());
    }
    Ok(header)
}

fn length(bytes: usize) -> Result<u32> {
    u32::try_from(bytes).map_err(|e| too_large().with_source(e))
}

fn too_large() -> Error {
    Error::internal("an archive is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_as_the_format_says() {
        let files = [
            ArchiveFile { path: "config/.env", content: b"A=1\n", mode: 0o600 },
            ArchiveFile { path: "install.sh", content: b"#!/bin/sh\n", mode: 0o755 },
        ];
        let archive = write(&files).unwrap();
        let text = hex::encode(&archive);
        assert!(text.starts_with("504b0304140000080000000021"), "{text}");
        assert_eq!(archive.windows(4).filter(|window| *window == b"PK\x01\x02").count(), 2);
        let end = &archive[archive.len() - 22..];
        assert_eq!((&end[..4], &end[8..12]), (&b"PK\x05\x06"[..], &[2, 0, 2, 0][..]));
        let number = |at: usize| u32::from_le_bytes(end[at..at + 4].try_into().unwrap()) as usize;
        let (size, start) = (number(12), number(16));
        assert_eq!(start + size + 22, archive.len());
        assert_eq!(&archive[start..start + 4], b"PK\x01\x02");
        let local = 30 + files[0].path.len() + files[0].content.len();
        assert_eq!(&archive[local..local + 4], b"PK\x03\x04", "the second file follows the first");
        assert_eq!(&archive[30..42], b"config/.env\x41");
    }
}
