//! Owner of a lake that is not in the data directory: the data directory whose commits count.
//!
//! The lock of a data directory keeps a second process from it. Nothing keeps a second data directory from the same
//! prefix of a bucket, or a copy of the directory on another machine; a directory that is shared has a lock, but only while a
//! server writes to it. Each of their logs numbers its own records, so two
//! writers would lose and double rows. Every commit to such a lake therefore carries two transaction identifiers of the
//! Delta protocol: `basalt-directory`, the id of the data directory, and `basalt-owner`, an epoch that every start of a
//! server raises. Two commits with the same identifier conflict unless the later one was made with knowledge of the
//! earlier one, and a server that reads the commit of another learns that it is the owner no more.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::{Error, Result};

/// Transaction identifier of the data directory's id.
pub(super) const DIRECTORY_APP_ID: &str = "basalt-directory";
/// Transaction identifier of the epoch.
pub(super) const EPOCH_APP_ID: &str = "basalt-owner";

/// Owner whose commits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LakeOwner {
    /// Id of the data directory: `store::directory_id`.
    pub directory: i64,
    /// Number of starts, of any server, on this lake.
    pub epoch: i64,
}

impl LakeOwner {
    /// Returns the owner that a start of a server on `directory` makes, given the owner so far.
    ///
    /// # Errors
    /// `Unavailable` when another data directory owns the lake.
    pub fn next(directory: i64, current: Option<LakeOwner>, lake: &str) -> Result<LakeOwner> {
        match current {
            Some(other) if other.directory != directory => Err(Error::unavailable(format!(
                "the lake `{lake}` belongs to another data directory ({:016x}; this one is {directory:016x}): start the \
                 server with that one, or give this one an empty prefix or directory as `lake.url`",
                other.directory
            ))),
            current => Ok(LakeOwner { directory, epoch: current.map_or(0, |owner| owner.epoch) + 1 }),
        }
    }
}

/// Ownership that a running server has claimed. Once lost, it stays lost.
#[derive(Debug)]
pub struct LakeOwnership {
    pub owner: LakeOwner,
    lake: String,
    is_lost: AtomicBool,
}

impl LakeOwnership {
    /// Describes the claim of `owner` to the lake with that name.
    pub fn new(owner: LakeOwner, lake: String) -> LakeOwnership {
        LakeOwnership { owner, lake, is_lost: AtomicBool::new(false) }
    }

    /// Fails unless the claim may follow that of `found`, the owner of a table so far.
    pub(super) fn check_predecessor(&self, found: Option<LakeOwner>) -> Result<()> {
        let next = LakeOwner::next(self.owner.directory, found, &self.lake)?;
        if next.epoch <= self.owner.epoch { Ok(()) } else { Err(self.lost_error()) }
    }

    /// Fails once the ownership is lost.
    pub fn check(&self) -> Result<()> {
        match self.is_lost.load(Ordering::Acquire) {
            true => Err(self.lost_error()),
            false => Ok(()),
        }
    }

    /// Compares the claim with the owner that the Delta log names.
    ///
    /// # Errors
    /// `Unavailable` when that is another: the ownership is lost from then on.
    pub(super) fn compare(&self, found: Option<LakeOwner>) -> Result<()> {
        if found == Some(self.owner) {
            return self.check();
        }
        if !self.is_lost.swap(true, Ordering::AcqRel) {
            tracing::error!(lake = self.lake, ?found, own = ?self.owner, "another server has taken the lake over");
        }
        Err(self.lost_error())
    }

    fn lost_error(&self) -> Error {
        Error::unavailable(format!(
            "another server writes to the lake `{}` now: this one writes no more; stop one of the two",
            self.lake
        ))
    }
}

#[cfg(test)]
#[path = "ownership_tests.rs"]
mod tests;
