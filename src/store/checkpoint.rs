//! Checkpoint of the last values and idempotency keys, which must survive log truncation like the rows do.
//!
//! It is one small file, written before each truncation. It may be newer than the flushed position: replaying the log
//! over it changes nothing it already contains, because each stream's last record is named in it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint_frame;
use super::disk::{self, Disk};
use super::idempotency::IdempotencyKeys;
use super::latest_value_cache::LatestValueCache;
use super::latest_value_codec;
use super::wal::Record;
use crate::domain::{Error, Micros, Result};

pub(super) const FILE_NAME: &str = "checkpoint.bin";

/// The checkpoint of a data directory and its content in memory.
pub struct Checkpoint {
    pub latest_values: Arc<LatestValueCache>,
    pub idempotency: Arc<IdempotencyKeys>,
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl Checkpoint {
    /// Loads the checkpoint of a data directory. Without one the content is empty.
    ///
    /// # Errors
    /// `Unavailable`, naming file and offset, when it is damaged.
    pub fn load(disk: Arc<dyn Disk>, data_dir: &Path) -> Result<Checkpoint> {
        let path = data_dir.join(FILE_NAME);
        let checkpoint =
            Checkpoint { latest_values: Arc::default(), idempotency: Arc::default(), disk, path };
        let path = checkpoint.path.display();
        match checkpoint.disk.read(&checkpoint.path) {
            Ok(bytes) => checkpoint.decode(&bytes)?,
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(Error::unavailable(format!("cannot read `{path}`: {e}")).with_source(e)),
        }
        Ok(checkpoint)
    }

    fn decode(&self, bytes: &[u8]) -> Result<()> {
        let mut at = 0;
        while at < bytes.len() {
            let found = checkpoint_frame::parse(bytes, at).ok_or_else(|| {
                let path = self.path.display();
                Error::unavailable(format!("`{path}` is damaged at offset {at}; restore a backup"))
            })?;
            at = found.end;
            if latest_value_codec::is_latest_values(found.payload) {
                self.latest_values.import(latest_value_codec::decode(found.payload)?);
                continue;
            }
            if let Some(entry) = Record::decode(found.payload)?.idempotent {
                self.idempotency.restore(entry);
            }
        }
        Ok(())
    }

    /// Writes the content durably, replacing the previous checkpoint. Keys that have expired at `now` are left out.
    pub fn save(&self, now: Micros) -> Result<()> {
        let values = latest_value_codec::encode(&self.latest_values.export());
        let keys = self.idempotency.live_entries(now).into_iter();
        let keys = keys.map(|entry| Record { idempotent: Some(entry.as_ref().clone()), ..Record::default() });
        let mut bytes = Vec::new();
        let payloads = std::iter::once(values).chain(keys.map(|record| record.encode()));
        for (number, payload) in payloads.enumerate() {
            checkpoint_frame::push(&mut bytes, number as u64, &payload);
        }
        disk::replace_file(self.disk.as_ref(), &self.path, &bytes).map_err(|e| {
            Error::unavailable(format!("cannot write `{}`: {e}", self.path.display())).with_source(e)
        })
    }
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
