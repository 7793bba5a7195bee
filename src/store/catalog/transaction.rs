//! Catalog transactions: one change at a time, database first, mirror after.
//!
//! A change and its audit row are written in one database transaction: neither exists without the other.
//!
//! A transaction reads the mirror, so read-modify-write is atomic without database locks. Its work runs to completion
//! even when the caller is dropped. After a database failure the next transaction reloads the mirror, because an
//! unconfirmed commit may or may not have happened.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::{RwLock, RwLockReadGuard};
use sea_orm::{ActiveModelTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

use super::audit::actor::AuditActor;
use super::database::{answer_within, unavailable};
use super::follower::mirror_version::MirrorVersion;
use super::mirror::Mirror;
use super::notifier::ChangeNotifier;
use super::visibility::VisibleCatalog;
use crate::domain::audit::AuditChange;
use crate::domain::{Clock, Error, Principal, Result};

/// State of the mirror for transactions. Its lock serialises them.
pub(super) struct MirrorState {
    /// Whether the mirror is known to equal the database.
    pub(super) is_in_step: bool,
    pub(super) version: Arc<MirrorVersion>,
}

/// The database transaction of a change. No clone of it may outlive the work.
pub(super) type DbTransaction = Arc<DatabaseTransaction>;

type BoxedWork<T> = Box<dyn FnOnce(DbTransaction) -> BoxFuture<'static, Result<T>> + Send>;
type BoxedApply<T> = Box<dyn FnOnce(&mut Mirror, &T) + Send>;

pub(super) struct CatalogTransaction {
    mirror_state: OwnedMutexGuard<MirrorState>,
    pub(super) db: DatabaseConnection,
    mirror: Arc<RwLock<Mirror>>,
    clock: Arc<dyn Clock>,
    notifier: Arc<ChangeNotifier>,
    /// How long `commit_unmirrored` waits for the database, if not for ever.
    time_limit: Option<Duration>,
}

impl CatalogTransaction {
    pub(super) async fn begin(
        mut mirror_state: OwnedMutexGuard<MirrorState>,
        db: DatabaseConnection,
        mirror: Arc<RwLock<Mirror>>,
        clock: Arc<dyn Clock>,
        changes: Arc<ChangeNotifier>,
    ) -> Result<Self> {
        if !mirror_state.is_in_step {
            let fresh = Mirror::load(&db).await?;
            // After the rows are read and before anybody acts by them, as after a commit.
            mirror_state.version.forget();
            {
                let mut mirror = mirror.write();
                *mirror = fresh.with_revision_after(&mirror);
            }
            mirror_state.is_in_step = true;
            changes.notify();
        }
        Ok(Self { mirror_state, db, mirror, clock, notifier: changes, time_limit: None })
    }

    /// Limits how long `commit_unmirrored` waits for the database.
    pub(super) fn with_time_limit(self, limit: Duration) -> Self {
        Self { time_limit: Some(limit), ..self }
    }

    /// The rows visible to `who`, unchanged until this transaction ends. Never hold it across an await.
    pub(super) fn visible_to<'a>(&'a self, who: &'a Principal) -> VisibleCatalog<'a> {
        VisibleCatalog::new(who, self.mirror.read())
    }

    /// The whole mirror, unchanged until this transaction ends. Never hold it across an await.
    pub(super) fn mirror(&self) -> RwLockReadGuard<'_, Mirror> {
        self.mirror.read()
    }

    /// Commits a change: runs `work` on the database, then `apply` on the mirror if it succeeded. The result of
    /// `audit` is written to the audit log in the name of `who`. Every rule is checked before `work` starts, so any
    /// failure in it comes from the database.
    pub(super) async fn commit_change<T, W>(
        self,
        who: &Principal,
        work: impl FnOnce(DbTransaction) -> W + Send + 'static,
        audit: impl FnOnce(&T) -> AuditChange + Send + 'static,
        apply: impl FnOnce(&mut Mirror, &T) + Send + 'static,
    ) -> Result<T>
    where
        T: Send + Sync + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        self.commit_changes(who, work, |done| vec![audit(done)], apply).await
    }

    /// Commits a change of several rows, each with its own audit row; otherwise `commit_change`.
    pub(super) async fn commit_changes<T, W>(
        self,
        who: &Principal,
        work: impl FnOnce(DbTransaction) -> W + Send + 'static,
        audit: impl FnOnce(&T) -> Vec<AuditChange> + Send + 'static,
        apply: impl FnOnce(&mut Mirror, &T) + Send + 'static,
    ) -> Result<T>
    where
        T: Send + Sync + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let (author, now) = (AuditActor::from_principal(who, &self.mirror.read()), self.clock.now());
        let work_and_audit = move |db: DbTransaction| {
            let work = work(db.clone());
            async move {
                let done = work.await?;
                for change in audit(&done) {
                    author.clone().row(&change, now).insert(&*db).await.map_err(unavailable)?;
                }
                Ok(done)
            }
        };
        self.commit_unaudited(work_and_audit, apply).await
    }

    /// Commits a change of rows that the mirror does not hold. Nobody is told of it.
    ///
    /// # Errors
    /// The error of `work`; `Unavailable` when the database fails or the time limit is over: a commit may have happened then.
    pub(super) async fn commit_unmirrored<T, W>(
        self,
        work: impl FnOnce(DbTransaction) -> W + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        self.commit_boxed_unmirrored(Box::new(|db| Box::pin(work(db)))).await
    }

    async fn commit_boxed_unmirrored<T: Send + 'static>(self, work: BoxedWork<T>) -> Result<T> {
        let Self { mirror_state: turn_guard, db, time_limit, .. } = self;
        let change = async move {
            let transaction = db.begin().await.map_err(unavailable)?;
            work_and_commit(transaction, work).await
        };
        let task = tokio::spawn(async move {
            let _turn_guard = turn_guard;
            // Here and not around the call: the caller has to learn what became of the change.
            match time_limit {
                Some(limit) => answer_within(limit, change).await,
                None => change.await,
            }
        });
        result_of(task).await
    }

    /// Commits a change without an audit row, for changes that no user causes; otherwise `commit_change`.
    pub(super) async fn commit_unaudited<T, W>(
        self,
        work: impl FnOnce(DbTransaction) -> W + Send + 'static,
        apply: impl FnOnce(&mut Mirror, &T) + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        self.commit_boxed(Box::new(|db| Box::pin(work(db))), Box::new(apply)).await
    }

    /// Commits as `commit_unaudited` does. It is compiled once for each type of result instead of once for each of the hundreds of
    /// changes, and the task that it spawns with it.
    async fn commit_boxed<T: Send + 'static>(self, work: BoxedWork<T>, apply: BoxedApply<T>) -> Result<T> {
        let Self { mut mirror_state, db, mirror, notifier: changes, .. } = self;
        let task = tokio::spawn(async move {
            let transaction = db.begin().await.map_err(unavailable)?;
            mirror_state.is_in_step = false;
            let done = work_and_commit(transaction, work).await?;
            // After the commit and before anybody acts by the change: `mirror_version` says why.
            mirror_state.version.forget();
            apply(&mut mirror.write(), &done);
            mirror_state.is_in_step = true;
            changes.notify();
            Ok(done)
        });
        result_of(task).await
    }
}

/// Does the work of a change in its transaction, and commits it.
async fn work_and_commit<T>(transaction: DatabaseTransaction, work: BoxedWork<T>) -> Result<T> {
    let transaction = Arc::new(transaction);
    let done = work(transaction.clone()).await?;
    let transaction = Arc::try_unwrap(transaction)
        .map_err(|_| Error::internal("a transaction is still referenced after its change"))?;
    transaction.commit().await.map_err(unavailable)?;
    Ok(done)
}

/// Waits for the task of a change.
async fn result_of<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    task.await
        .unwrap_or_else(|e| Err(Error::internal("a change of the catalog was cut short").with_source(e)))
}
