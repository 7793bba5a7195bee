//! Bounds of work that holds a connection for a while: so much of it at once in all, and for one organization.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::{Error, OrgId, Result};

/// Permits for one kind of work.
#[derive(Debug)]
pub(super) struct OrgPermits {
    max: usize,
    max_of_org: usize,
    /// What the caller is told when there is no permit.
    refusal: &'static str,
    running: Mutex<HashMap<OrgId, usize>>,
}

/// Work that is under way; dropping it makes room for more.
#[derive(Debug)]
pub(super) struct OrgPermit<'a> {
    permits: &'a OrgPermits,
    org: OrgId,
}

impl OrgPermits {
    /// At most `max` at once, of which an organization has at most `max_of_org`.
    pub(super) fn new(max: usize, max_of_org: usize, refusal: &'static str) -> Self {
        Self { max, max_of_org, refusal, running: Mutex::default() }
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// `Busy` when there is none.
    pub(super) fn acquire(&self, org: OrgId) -> Result<OrgPermit<'_>> {
        let mut running = self.running.lock();
        let (all, own) = (running.values().sum::<usize>(), running.get(&org).copied().unwrap_or(0));
        if all >= self.max || own >= self.max_of_org {
            return Err(Error::busy(self.refusal));
        }
        running.insert(org, own + 1);
        Ok(OrgPermit { permits: self, org })
    }
}

impl Drop for OrgPermit<'_> {
    fn drop(&mut self) {
        let mut running = self.permits.running.lock();
        match running.get_mut(&self.org) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(running.remove(&self.org)),
        }
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
        assert!(permits.running.lock().is_empty());
    }
}
