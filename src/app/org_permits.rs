//! Bounds of work that holds a connection for a while: so much of it at once in all, and for one organization.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::{Error, OrgId, Result};

/// Permits for one kind of work.
#[derive(Debug)]
pub(super) struct OrgPermits {
    max: usize,
    max_of_org: usize,
    /// Message to the caller when there is no permit.
    refusal: &'static str,
    state: Arc<PermitState>,
}

#[derive(Debug, Default)]
struct PermitState {
    running: Mutex<HashMap<OrgId, usize>>,
    /// Told when work has ended.
    freed: Notify,
}

/// Work that is under way; dropping it makes room for more.
#[derive(Debug)]
pub(super) struct OrgPermit {
    state: Arc<PermitState>,
    org: OrgId,
}

impl OrgPermits {
    /// At most `max` at once, of which an organization has at most `max_of_org`.
    pub(super) fn new(max: usize, max_of_org: usize, refusal: &'static str) -> Self {
        Self { max, max_of_org, refusal, state: Arc::default() }
    }

    /// At most `max` at once; for [`OrgPermits::acquire_share`].
    pub(super) fn shared(max: usize, refusal: &'static str) -> Self {
        Self::new(max, max, refusal)
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// `Busy` when there is none.
    pub(super) fn acquire(&self, org: OrgId) -> Result<OrgPermit> {
        self.take(org, false).ok_or_else(|| Error::busy(self.refusal))
    }

    /// Takes a permit. `is_shared` means that there are several organizations: then one has at most as many as it leaves
    /// free for the others.
    ///
    /// # Errors
    /// `Busy` when there is none.
    pub(super) fn acquire_share(&self, org: OrgId, is_shared: bool) -> Result<OrgPermit> {
        self.take(org, is_shared).ok_or_else(|| Error::busy(self.refusal))
    }

    /// Waits for a permit of [`OrgPermits::acquire_share`].
    pub(super) async fn wait_for_share(&self, org: OrgId, is_shared: bool) -> OrgPermit {
        loop {
            let mut freed = std::pin::pin!(self.state.freed.notified());
            // Before the look: what is freed between the two is not missed.
            freed.as_mut().enable();
            if let Some(permit) = self.take(org, is_shared) {
                return permit;
            }
            freed.await;
        }
    }

    fn take(&self, org: OrgId, is_shared: bool) -> Option<OrgPermit> {
        let mut running = self.state.running.lock();
        let (all, own) = (running.values().sum::<usize>(), running.get(&org).copied().unwrap_or(0));
        if !has_room(self.max, all, own, is_shared) || own >= self.max_of_org {
            return None;
        }
        running.insert(org, own + 1);
        Some(OrgPermit { state: self.state.clone(), org })
    }
}

/// Whether one more fits of an organization that has `own` of `all`. With several organizations it has at most as many as
/// it leaves free for the others.
pub(super) fn has_room(max: usize, all: usize, own: usize, is_shared: bool) -> bool {
    let free = max.saturating_sub(all);
    free > 0 && (!is_shared || own < free)
}

impl Drop for OrgPermit {
    fn drop(&mut self) {
        let mut running = self.state.running.lock();
        match running.get_mut(&self.org) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(running.remove(&self.org)),
        }
        drop(running);
        self.state.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    #[test]
    fn permits_are_limited_for_each_organization_and_in_all() {
        let permits = OrgPermits::new(8, 2, "busy");
        let first = permits.acquire(OrgId(1)).expect("room");
        let second = permits.acquire(OrgId(1)).expect("room");
        let refused = permits.acquire(OrgId(1)).expect_err("a third of one organization");
        assert_eq!((refused.kind, &*refused.message), (Kind::Busy, "busy"));
        drop(first);
        let third = permits.acquire(OrgId(1)).expect("room again");
        let others: Vec<_> = (2..5)
            .flat_map(|org| [permits.acquire(OrgId(org)), permits.acquire(OrgId(org))])
            .map(|one| one.expect("room"))
            .collect();
        assert!(permits.acquire(OrgId(5)).is_err(), "a ninth in all");
        drop((second, third, others));
        assert!(permits.state.running.lock().is_empty());
    }

    /// Security review 10: places were counted for all organizations together.
    #[tokio::test]
    async fn of_several_organizations_one_leaves_as_many_permits_free_as_it_takes() {
        let permits = OrgPermits::shared(8, "busy");
        let take = |org, count: usize, is_shared| -> Vec<_> {
            (0..count).map_while(|_| permits.acquire_share(OrgId(org), is_shared).ok()).collect()
        };
        assert_eq!(take(1, 9, false).len(), 8, "alone it has all");
        let first = take(1, 9, true);
        let second = take(2, 9, true);
        assert_eq!((first.len(), second.len()), (4, 2));
        let mut waiting = std::pin::pin!(permits.wait_for_share(OrgId(1), true));
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        let third = permits.wait_for_share(OrgId(3), true).await;
        drop(first);
        drop((waiting.await, second, third));
        assert!(permits.state.running.lock().is_empty());
    }
}
