//! Verifies the store's checkpoint: last values and idempotency keys, in checksummed records.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::report::Findings;
use crate::store::checkpoint::{self, Checkpoint};
use crate::store::disk::LocalDisk;

/// Loads the checkpoint as a start does, into empty structures.
pub(super) fn check(data_dir: &Path, findings: &mut Findings) {
    let path = data_dir.join(checkpoint::FILE_NAME);
    match fs::metadata(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return,
        Err(e) => return findings.broken(&path, "", format!("cannot be read: {e}")),
        Ok(_) => {}
    }
    if let Err(e) = Checkpoint::load(Arc::new(LocalDisk), data_dir) {
        findings.broken(&path, "", e.full_message());
    }
}
