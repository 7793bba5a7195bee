//! The parts that all subjects of the catalog share: the database, its mirror in memory, the clock, and how a change begins.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::RwLock;
use sea_orm::DatabaseConnection;

use super::follower::{self, FollowerState};
use super::mirror::Mirror;
use super::notifier::ChangeNotifier;
use super::org::quota::{self, OrgLimits, QuotaDelta};
use super::transaction::{CatalogTransaction, MirrorState};
use super::visibility::VisibleCatalog;
use crate::domain::{Clock, OrgId, Principal, Result};

/// Database, mirror and clock of a catalog, with the limits of its changes.
pub(super) struct CatalogCore {
    pub(super) db: DatabaseConnection,
    pub(super) mirror: Arc<RwLock<Mirror>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) mirror_state: Arc<tokio::sync::Mutex<MirrorState>>,
    pub(super) default_org: OrgId,
    /// Maximum number of devices over all organizations.
    pub(super) max_devices: AtomicUsize,
    /// Quota of each organization.
    pub(super) limits: RwLock<OrgLimits>,
    pub(super) notifier: Arc<ChangeNotifier>,
    /// `None` unless another process writes the database.
    pub(super) follower: Option<Arc<FollowerState>>,
}

impl CatalogCore {
    pub(super) fn visible_to<'a>(&'a self, who: &'a Principal) -> VisibleCatalog<'a> {
        VisibleCatalog::new(who, self.mirror.read())
    }

    /// Checks that a change leaves the organization within its quota.
    ///
    /// # Errors
    /// `LimitReached`, naming the limit and its setting.
    pub(super) fn check_quota(&self, mirror: &Mirror, org: OrgId, growth: QuotaDelta) -> Result<()> {
        quota::check_quota(*self.limits.read(), self.clock.now(), mirror, org, growth)
    }

    /// Waits until no other change is under way.
    ///
    /// # Errors
    /// `Unavailable` when this catalog is a follower, or the database does not answer.
    pub(super) async fn begin_transaction(&self) -> Result<CatalogTransaction> {
        if self.follower.is_some() {
            return Err(follower::refused_change());
        }
        self.begin_on_any_node().await
    }

    /// Waits until no other change is under way, also for a follower: for rows that every node saves. A follower commits with
    /// `commit_unmirrored`, because only `catch_up` changes its mirror, and within a time limit.
    pub(super) async fn begin_on_any_node(&self) -> Result<CatalogTransaction> {
        let state = Arc::clone(&self.mirror_state).lock_owned().await;
        let (db, mirror) = (self.db.clone(), Arc::clone(&self.mirror));
        let (clock, notifier) = (Arc::clone(&self.clock), Arc::clone(&self.notifier));
        let transaction = CatalogTransaction::begin(state, db, mirror, clock, notifier).await?;
        Ok(match self.follower {
            Some(_) => transaction.with_time_limit(follower::SAVE_TIMEOUT),
            None => transaction,
        })
    }
}
