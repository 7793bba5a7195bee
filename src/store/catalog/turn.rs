//! Turns: one change of the catalog at a time, database first, mirror after.
//!
//! A turn reads the mirror, so read-modify-write is atomic without database locks. Its work runs to the end even
//! when the caller goes away, and a failure of the database makes the next turn load the mirror anew: an
//! unanswered commit may or may not have happened.

use std::future::Future;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use sea_orm::DatabaseConnection;
use tokio::sync::OwnedMutexGuard;

use super::mirror::Mirror;
use super::sight::Sight;
use crate::domain::{Error, Principal, Result};

/// Whether the mirror is known to equal the database. Whoever holds its lock has the turn.
pub(super) struct InStep(pub(super) bool);

pub(super) struct Turn {
    in_step: OwnedMutexGuard<InStep>,
    pub(super) db: DatabaseConnection,
    mirror: Arc<RwLock<Mirror>>,
}

impl Turn {
    pub(super) async fn begin(
        mut in_step: OwnedMutexGuard<InStep>,
        db: DatabaseConnection,
        mirror: Arc<RwLock<Mirror>>,
    ) -> Result<Self> {
        if !in_step.0 {
            let fresh = Mirror::load(&db).await?;
            let mut mirror = mirror.write();
            *mirror = fresh.following(&mirror);
            in_step.0 = true;
        }
        Ok(Self { in_step, db, mirror })
    }

    /// What `who` sees, unchanged until this turn ends. Never hold it across an await.
    pub(super) fn sight<'a>(&'a self, who: &'a Principal) -> Sight<'a> {
        Sight::new(who, self.mirror.read())
    }

    /// The mirror whoever asks, unchanged until this turn ends. Never hold it across an await.
    pub(super) fn mirror(&self) -> RwLockReadGuard<'_, Mirror> {
        self.mirror.read()
    }

    /// Ends the turn with a change: `work` on the database, then `apply` on the mirror if it succeeded.
    /// `work` starts only after every rule was checked, so whatever fails in it came from the database.
    pub(super) async fn run<T, W>(
        self,
        work: impl FnOnce(DatabaseConnection) -> W,
        apply: impl FnOnce(&mut Mirror, &T) + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let Self { mut in_step, db, mirror } = self;
        let work = work(db);
        let task = tokio::spawn(async move {
            in_step.0 = false;
            let done = work.await?;
            apply(&mut mirror.write(), &done);
            in_step.0 = true;
            Ok(done)
        });
        task.await
            .unwrap_or_else(|e| Err(Error::internal("a change of the catalog was cut short").because(e)))
    }
}
