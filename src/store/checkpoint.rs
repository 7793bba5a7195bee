//! Checkpoint of the last values and idempotency keys, which must survive log truncation like the rows do.
//!
//! It is one small file, written before each truncation. It may be newer than the flushed position: replaying the log
//! over it changes nothing it already contains.

use std::path::{Path, PathBuf};

use super::disk::{self, Disk};
use super::idempotency::IdempotencyKeys;
use super::latest_value_cache::LatestValueCache;
use super::wal::{Record, frame};
use crate::domain::{Error, Micros, Result};

pub(super) const FILE_NAME: &str = "checkpoint.bin";

fn path(dir: &Path) -> PathBuf {
    dir.join(FILE_NAME)
}

/// Writes the checkpoint durably, replacing the previous one.
pub fn save(
    disk: &dyn Disk,
    dir: &Path,
    last: &LatestValueCache,
    keys: &IdempotencyKeys,
    now: Micros,
) -> Result<()> {
    let values = Record { readings: last.export(), ..Record::default() };
    let keys = keys.live_entries(now).into_iter();
    let keys = keys.map(|entry| Record { idempotent: Some(entry.as_ref().clone()), ..Record::default() });
    let mut bytes = Vec::new();
    for (i, record) in std::iter::once(values).chain(keys).enumerate() {
        let payload = record.encode();
        bytes.extend(frame::record_header(payload.len(), crc32fast::hash(&payload), i as u64));
        bytes.extend(payload);
    }
    disk::replace_file(disk, &path(dir), &bytes).map_err(|e| {
        Error::unavailable(format!("cannot write `{}`: {e}", path(dir).display())).with_source(e)
    })
}

/// Loads the checkpoint into `last` and `keys`, if there is one.
///
/// # Errors
/// `Unavailable`, naming file and offset, when it is damaged.
pub fn load(disk: &dyn Disk, dir: &Path, last: &LatestValueCache, keys: &IdempotencyKeys) -> Result<()> {
    let path = path(dir);
    let bytes = match disk.read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => {
            return Err(Error::unavailable(format!("cannot read `{}`: {e}", path.display())).with_source(e));
        }
    };
    let mut at = 0;
    while at < bytes.len() {
        let found = frame::parse_record(&bytes, at).ok_or_else(|| {
            Error::unavailable(format!("`{}` is damaged at offset {at}; restore a backup", path.display()))
        })?;
        let record = Record::decode(found.payload)?;
        last.import(&record.readings);
        if let Some(entry) = record.idempotent {
            keys.restore(entry);
        }
        at = found.end;
    }
    Ok(())
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
