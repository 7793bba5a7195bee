//! A catalog that follows another process: a query node reads the database that the ingest node writes, and brings its own
//! mirror up to date before it answers.
//!
//! The version of the database (migration `m20261205_000031_catalog_version`) changes with every transaction on a mirrored
//! table. The mirror is loaded together with the version from one snapshot, so it equals the database at that version.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::{AccessMode, ConnectionTrait, DatabaseConnection, IsolationLevel, Statement, TransactionTrait};

use super::Catalog;
use super::database::{self, unavailable};
use super::mirror::Mirror;
use crate::domain::org::DEFAULT_ORG;
use crate::domain::{Clock, Error, Result};

/// What a catalog has only when it follows another process.
pub(super) struct FollowerState {
    /// Version of the database that the mirror equals. It is stored under the lock of `mirror_state`, after the mirror.
    version: AtomicI64,
}

impl FollowerState {
    fn version(&self) -> i64 {
        self.version.load(Ordering::Acquire)
    }
}

/// The error for a change that a follower is asked for.
pub(super) fn refused_change() -> Error {
    Error::unavailable("this node answers queries only; changes are made on the ingest node")
}

impl Catalog {
    /// Connects to the database of another process, which must be PostgreSQL, and loads the mirror. The schema is not
    /// migrated and no row is created. Changes are refused (`Unavailable`); the uses of keys and denied accesses can be
    /// saved.
    ///
    /// # Errors
    /// `Unavailable` for another database than PostgreSQL, for one with the schema of another version, and when the
    /// database does not answer.
    pub async fn open_follower(url: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let db = database::connect_to_migrated(url).await?;
        let (mirror, version) = load_at_version(&db).await?;
        let default_org = mirror.orgs.get_by_name((), DEFAULT_ORG).map(|org| org.id).ok_or_else(|| {
            Error::unavailable("the catalog has no organization yet: the ingest node has to be started first")
        })?;
        let follower = FollowerState { version: AtomicI64::new(version) };
        Self::new(db, clock, mirror, default_org, Some(follower)).await
    }

    /// Brings the mirror of a follower up to date: afterwards it has every change that was committed before the call.
    /// Without changes this costs one query; otherwise the whole mirror is loaded again, and the former one stays in
    /// memory meanwhile. A catalog that is no follower is always up to date.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; the mirror stays as it was.
    pub async fn catch_up(&self) -> Result<()> {
        let Some(follower) = &self.follower else { return Ok(()) };
        let before = follower.version();
        let current = read_version(&self.db).await?;
        if current == before {
            return Ok(());
        }
        let _in_turn = self.mirror_state.lock().await;
        let loaded = follower.version();
        // Another caller has loaded this version or a later one meanwhile. A version that was loaded before the question
        // may be higher than the answer: then the database was restored from a backup, and the mirror is of no use.
        if loaded != before && loaded >= current {
            return Ok(());
        }
        let (fresh, version) = load_at_version(&self.db).await?;
        {
            let mut mirror = self.mirror.write();
            *mirror = fresh.with_revision_after(&mirror);
        }
        follower.version.store(version, Ordering::Release);
        self.notifier.notify();
        Ok(())
    }
}

/// Loads the mirror and the version that it equals.
async fn load_at_version(db: &DatabaseConnection) -> Result<(Mirror, i64)> {
    let (level, mode) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
    let snapshot = db.begin_with_config(Some(level), Some(mode)).await.map_err(unavailable)?;
    let version = read_version(&snapshot).await?;
    let mirror = Mirror::load(&snapshot).await?;
    snapshot.commit().await.map_err(unavailable)?;
    Ok((mirror, version))
}

async fn read_version(db: &impl ConnectionTrait) -> Result<i64> {
    let query = "SELECT version FROM catalog_version WHERE id = 1";
    let query = Statement::from_string(db.get_database_backend(), query);
    let row = db.query_one_raw(query).await.map_err(unavailable)?;
    let row = row.ok_or_else(|| Error::unavailable("the row of the table `catalog_version` is missing"))?;
    row.try_get_by_index(0).map_err(unavailable)
}
