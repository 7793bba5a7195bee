//! The version of the catalog that the mirror of its writer has, which the writer tells its followers together with rows.
//!
//! A follower with this version or a later one has every change that the writer has acted by, and need not ask the database
//! whether there are others. So the version must never be too low. That rests on an order: a change is committed, then the
//! version is forgotten, then the change is in the mirror. When somebody has seen a change in the mirror and has removed rows
//! by it, for instance, a version that is taken afterwards was read after the commit of that change, or is none. After a
//! failed commit the mirror is loaded again, not from one snapshot. All that it can have then was committed before the load
//! ended, so there the version is forgotten after the load.
//!
//! A version that is higher than the mirror's costs a follower one question. The database has it, because what is read here
//! was committed. It is higher when a commit failed for this process only, or when another process has raised it: all nodes
//! save the uses of keys. Such a use, and what `commit_unmirrored` writes, changes nothing in this mirror, and the version is
//! not read again for it.
//!
//! It is read when followers ask for rows after a change: by the first that asks, and by others that ask before the answer is
//! there. A change costs nothing for it, and without followers nothing is read.

use parking_lot::Mutex;
use sea_orm::DbBackend;

use super::table_versions::read_catalog_version;
use crate::domain::Result;
use crate::store::catalog::Catalog;

/// The version, as far as it is known.
#[derive(Debug, Default)]
pub(in crate::store::catalog) struct MirrorVersion(Mutex<LastRead>);

#[derive(Debug, Default)]
struct LastRead {
    /// `None` since the last change.
    version: Option<i64>,
    /// Changes of the mirror since the start: what was read before one is not the version after it.
    changes: u64,
}

impl MirrorVersion {
    /// Forgets the version, between the commit of a change and its appearance in the mirror.
    pub(in crate::store::catalog) fn forget(&self) {
        let mut last = self.0.lock();
        last.version = None;
        last.changes += 1;
    }
}

impl Catalog {
    /// Reads the version that `mirror_version` returns until the next change, unless it is known. Only a catalog in PostgreSQL
    /// has one.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn learn_mirror_version(&self) -> Result<()> {
        if self.core.db.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let changes = {
            let last = self.mirror_version.0.lock();
            if last.version.is_some() {
                return Ok(());
            }
            last.changes
        };
        let version = read_catalog_version(&self.core.db).await?.number;
        let mut last = self.mirror_version.0.lock();
        if last.changes == changes {
            last.version = Some(version);
        }
        Ok(())
    }

    /// Returns a version of the catalog with every change that anybody has seen in the mirror before the call; `None` while it
    /// is not known.
    pub fn mirror_version(&self) -> Option<i64> {
        self.mirror_version.0.lock().version
    }
}
