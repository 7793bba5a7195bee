//! Bounds of the snapshots that a query node takes at once. Each asks the owner of the lake, and after a change the catalog's
//! database, and one request may want thousands; organizations wait for their own.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::{Error, OrgId, Result};

/// Most snapshots at once.
const MAX: usize = 64;
/// Most snapshots of an organization at once.
const MAX_OF_ORG: usize = 8;
/// How many of its permits a snapshot takes that is sent the whole tail, which may be large.
const WHOLE_TAIL: u32 = 4;

/// Permits for snapshots; whoever finds none waits, in order.
pub struct SnapshotPermits {
    all: Arc<Semaphore>,
    of_orgs: Mutex<HashMap<OrgId, Weak<Semaphore>>>,
}

/// A snapshot that is being taken; dropping it makes room for the next.
pub struct SnapshotPermit {
    _of_org: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for SnapshotPermits {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX)), of_orgs: Mutex::default() }
    }
}

impl SnapshotPermits {
    /// Waits for a permit. `is_whole` says that the owner sends all unflushed rows of the organization.
    ///
    /// # Errors
    /// None in practice: the semaphores are never closed.
    pub async fn acquire(&self, org: OrgId, is_whole: bool) -> Result<SnapshotPermit> {
        let closed = |e| Error::internal("the permits for snapshots are closed").with_source(e);
        let weight = if is_whole { WHOLE_TAIL } else { 1 };
        // The own first: whoever waits for it keeps no permit from others.
        let of_org = self.of_org(org).acquire_many_owned(weight).await.map_err(closed)?;
        let of_all = self.all.clone().acquire_owned().await.map_err(closed)?;
        Ok(SnapshotPermit { _of_org: of_org, _of_all: of_all })
    }

    fn of_org(&self, org: OrgId) -> Arc<Semaphore> {
        let of_orgs = &mut *self.of_orgs.lock();
        if let Some(known) = of_orgs.get(&org).and_then(Weak::upgrade) {
            return known;
        }
        of_orgs.retain(|_, known| known.strong_count() > 0);
        let new = Arc::new(Semaphore::new(MAX_OF_ORG));
        of_orgs.insert(org, Arc::downgrade(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn snapshots_are_limited_for_each_organization_and_in_all() {
        let permits = SnapshotPermits::default();
        let acquire = |org, is_whole| permits.acquire(OrgId(org), is_whole).now_or_never();
        let take = |org| acquire(org, false).expect("there is room").unwrap();
        let mut own: Vec<_> = (0..MAX_OF_ORG).map(|_| take(1)).collect();
        assert!(acquire(1, false).is_none(), "a ninth waits");
        let mut others: Vec<_> =
            (2..).take(MAX / MAX_OF_ORG - 1).flat_map(|org| [org; MAX_OF_ORG]).map(take).collect();
        assert_eq!(own.len() + others.len(), MAX);
        assert!(acquire(100, false).is_none(), "so does one of another organization when all are taken");
        drop(others.pop());
        drop(take(100));
        own.truncate(MAX_OF_ORG - WHOLE_TAIL as usize + 1);
        assert!(acquire(1, true).is_none(), "a whole tail needs more room");
        own.pop();
        drop(acquire(1, true).expect("there is room").unwrap());
        drop((own, others));
        drop(take(1));
        assert_eq!(permits.of_orgs.lock().len(), 1, "organizations without snapshots are forgotten");
    }
}
