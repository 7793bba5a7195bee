//! Turns: one change of the catalog at a time, database first, mirror after.
//!
//! A change is one transaction, in which the audit log's row of it is written too: neither is there without the other.
//!
//! A turn reads the mirror, so read-modify-write is atomic without database locks. Its work runs to the end even
//! when the caller goes away, and a failure of the database makes the next turn load the mirror anew: an
//! unanswered commit may or may not have happened.

use std::future::Future;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use sea_orm::{ActiveModelTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use tokio::sync::OwnedMutexGuard;

use super::audit::Author;
use super::changes::Changes;
use super::database::unavailable;
use super::mirror::Mirror;
use super::sight::Sight;
use crate::domain::audit::Change;
use crate::domain::{Clock, Error, Principal, Result};

/// Whether the mirror is known to equal the database. Whoever holds its lock has the turn.
pub(super) struct InStep(pub(super) bool);

/// The transaction of a change. Nothing of it may be kept.
pub(super) type Work = Arc<DatabaseTransaction>;

pub(super) struct Turn {
    in_step: OwnedMutexGuard<InStep>,
    pub(super) db: DatabaseConnection,
    mirror: Arc<RwLock<Mirror>>,
    clock: Arc<dyn Clock>,
    changes: Arc<Changes>,
}

impl Turn {
    pub(super) async fn begin(
        mut in_step: OwnedMutexGuard<InStep>,
        db: DatabaseConnection,
        mirror: Arc<RwLock<Mirror>>,
        clock: Arc<dyn Clock>,
        changes: Arc<Changes>,
    ) -> Result<Self> {
        if !in_step.0 {
            let fresh = Mirror::load(&db).await?;
            {
                let mut mirror = mirror.write();
                *mirror = fresh.following(&mirror);
            }
            in_step.0 = true;
            changes.tell();
        }
        Ok(Self { in_step, db, mirror, clock, changes })
    }

    /// What `who` sees, unchanged until this turn ends. Never hold it across an await.
    pub(super) fn sight<'a>(&'a self, who: &'a Principal) -> Sight<'a> {
        Sight::new(who, self.mirror.read())
    }

    /// The mirror whoever asks, unchanged until this turn ends. Never hold it across an await.
    pub(super) fn mirror(&self) -> RwLockReadGuard<'_, Mirror> {
        self.mirror.read()
    }

    /// Ends the turn with a change: `work` on the database, then `apply` on the mirror if it succeeded. What `told` says of
    /// it goes to the audit log in the name of `who`. `work` starts only after every rule was checked, so whatever fails
    /// in it came from the database.
    pub(super) async fn change<T, W>(
        self,
        who: &Principal,
        work: impl FnOnce(Work) -> W + Send + 'static,
        told: impl FnOnce(&T) -> Change + Send + 'static,
        apply: impl FnOnce(&mut Mirror, &T) + Send + 'static,
    ) -> Result<T>
    where
        T: Send + Sync + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        self.change_many(who, work, |done| vec![told(done)], apply).await
    }

    /// The same for a change of several rows, each with its row of the audit log.
    pub(super) async fn change_many<T, W>(
        self,
        who: &Principal,
        work: impl FnOnce(Work) -> W + Send + 'static,
        told: impl FnOnce(&T) -> Vec<Change> + Send + 'static,
        apply: impl FnOnce(&mut Mirror, &T) + Send + 'static,
    ) -> Result<T>
    where
        T: Send + Sync + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let (author, now) = (Author::of(who, &self.mirror.read()), self.clock.now());
        let work_and_tell = move |db: Work| {
            let work = work(db.clone());
            async move {
                let done = work.await?;
                for change in told(&done) {
                    author.clone().row(&change, now).insert(&*db).await.map_err(unavailable)?;
                }
                Ok(done)
            }
        };
        self.run(work_and_tell, apply).await
    }

    /// The same for what is nobody's doing: it leaves no trace in the audit log.
    pub(super) async fn run<T, W>(
        self,
        work: impl FnOnce(Work) -> W + Send + 'static,
        apply: impl FnOnce(&mut Mirror, &T) + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let Self { mut in_step, db, mirror, changes, .. } = self;
        let task = tokio::spawn(async move {
            let all = Arc::new(db.begin().await.map_err(unavailable)?);
            in_step.0 = false;
            let done = work(all.clone()).await?;
            let all = Arc::try_unwrap(all).map_err(|_| Error::internal("a change kept its transaction"))?;
            all.commit().await.map_err(unavailable)?;
            apply(&mut mirror.write(), &done);
            in_step.0 = true;
            changes.tell();
            Ok(done)
        });
        task.await
            .unwrap_or_else(|e| Err(Error::internal("a change of the catalog was cut short").because(e)))
    }
}
