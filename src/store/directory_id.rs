//! Id of a data directory: a random number that tells it from every other directory on the same lake.

use std::io::ErrorKind;
use std::path::Path;

use super::disk::{self, Disk};
use crate::domain::{Error, Result};

/// Its ending makes it part of a backup, so that a restored directory keeps its lake.
const FILE_NAME: &str = "directory.bin";

/// Returns the id of a data directory, and gives it one if it has none. The id is positive.
///
/// # Errors
/// `Unavailable` when the file cannot be read or written, or is damaged.
pub fn load_or_create(disk: &dyn Disk, data_dir: &Path) -> Result<i64> {
    let path = data_dir.join(FILE_NAME);
    let failed = |verb: &str, e: std::io::Error| {
        Error::unavailable(format!("cannot {verb} `{}`: {e}", path.display())).with_source(e)
    };
    match disk.read(&path) {
        Ok(bytes) => decode(&bytes).ok_or_else(|| {
            Error::unavailable(format!("`{}` is damaged; restore it from a backup", path.display()))
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let id = rand::random_range(1..=i64::MAX);
            disk::replace_file(disk, &path, &encode(id)).map_err(|e| failed("write", e))?;
            Ok(id)
        }
        Err(e) => Err(failed("read", e)),
    }
}

/// The id, little endian, and the CRC-32 of its bytes.
fn encode(id: i64) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<i64> {
    let (id, crc) = bytes.split_first_chunk::<8>()?;
    let is_whole = crc == crc32fast::hash(id).to_le_bytes();
    Some(i64::from_le_bytes(*id)).filter(|id| is_whole && *id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::LocalDisk;

    #[test]
    fn an_id_is_kept_and_a_damaged_one_refused() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = load_or_create(&LocalDisk, a.path()).unwrap();
        assert_eq!(load_or_create(&LocalDisk, a.path()).unwrap(), id);
        assert_ne!(load_or_create(&LocalDisk, b.path()).unwrap(), id);
        let path = a.path().join(FILE_NAME);
        let whole = std::fs::read(&path).unwrap();
        for damaged in [&whole[..11], &[&whole[..], &[0]].concat(), &[0; 12], &[]] {
            std::fs::write(&path, damaged).unwrap();
            let error = load_or_create(&LocalDisk, a.path()).unwrap_err();
            assert!(error.message.contains("directory.bin") && error.message.contains("damaged"), "{error}");
        }
    }
}
