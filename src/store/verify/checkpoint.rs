//! The store's checkpoint: last values and idempotency keys, in checksummed records.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::report::Findings;
use crate::store::checkpoint;
use crate::store::disk::LocalDisk;
use crate::store::idempotency::Idempotency;
use crate::store::last::LastValues;

/// Reads it as a start does, into nothing.
pub(super) fn check(data_dir: &Path, findings: &mut Findings) {
    let path = data_dir.join(checkpoint::FILE);
    match fs::metadata(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return,
        Err(e) => return findings.broken(&path, "", format!("cannot be read: {e}")),
        Ok(_) => {}
    }
    if let Err(e) = checkpoint::load(&LocalDisk, data_dir, &LastValues::default(), &Idempotency::default()) {
        findings.broken(&path, "", e.in_full());
    }
}
