//! Memory of what waits for clients: messages of sessions, documents on their way, and what sessions remember. It is a part
//! of the budget of bodies (`app/body_memory.rs`), shared by the organizations.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::domain::OrgId;

/// Memory of all organizations together. The largest body still finds room beside it.
pub(super) const MAX_BYTES: usize = 64 << 20;
/// The budget of bodies is asked in steps, because its lock is everybody's.
const STEP_BYTES: usize = 1 << 20;

/// The memory of all organizations. One may use as much as it leaves free for the others.
pub(super) struct QueueAccount {
    usage: Mutex<QueueUsage>,
}

struct QueueUsage {
    total: usize,
    by_org: HashMap<OrgId, usize>,
    reserved: BodyMemoryReservation,
    /// Whether the budget of bodies had nothing for the last step.
    is_refused: bool,
}

impl Default for QueueAccount {
    fn default() -> Self {
        let reserved = BodyMemoryReservation::empty(MemoryHolder::Queues);
        let usage = QueueUsage { total: 0, by_org: HashMap::new(), reserved, is_refused: false };
        Self { usage: Mutex::new(usage) }
    }
}

impl QueueAccount {
    /// Whether queues of an organization may grow. Past this each session still may have one message.
    pub fn has_room(&self, org: OrgId) -> bool {
        let usage = self.usage.lock();
        !usage.is_refused && usage.of(org) <= usage.free() / 2
    }

    /// Whether an organization uses more than it leaves free for the others.
    pub fn is_over(&self, org: OrgId) -> bool {
        let usage = self.usage.lock();
        usage.of(org) > usage.free()
    }

    /// The organizations that use more than they leave free for the others.
    pub fn orgs_over(&self) -> Vec<OrgId> {
        let usage = self.usage.lock();
        usage.by_org.iter().filter(|(_, used)| **used > usage.free()).map(|(org, _)| *org).collect()
    }

    fn add(&self, org: OrgId, bytes: usize) {
        let mut usage = self.usage.lock();
        usage.total += bytes;
        *usage.by_org.entry(org).or_default() += bytes;
        usage.reserve();
    }

    fn remove(&self, org: OrgId, bytes: usize) {
        let mut usage = self.usage.lock();
        usage.total = usage.total.saturating_sub(bytes);
        if let Some(used) = usage.by_org.get_mut(&org) {
            *used = used.saturating_sub(bytes);
            if *used == 0 {
                usage.by_org.remove(&org);
            }
        }
        usage.reserve();
    }
}

impl QueueUsage {
    fn of(&self, org: OrgId) -> usize {
        self.by_org.get(&org).copied().unwrap_or_default()
    }

    fn free(&self) -> usize {
        MAX_BYTES.saturating_sub(self.total)
    }

    fn reserve(&mut self) {
        let wanted = self.total.next_multiple_of(STEP_BYTES);
        if self.reserved.bytes() < wanted {
            self.is_refused = self.reserved.try_grow_to(wanted).is_err();
        } else {
            self.is_refused = false;
            // A step more than needed, so that one message to and fro asks nobody.
            self.reserved.shrink(wanted + STEP_BYTES);
        }
    }
}

/// Memory of one holder in the account, given back on drop.
pub(super) struct QueueCharge {
    account: Arc<QueueAccount>,
    org: OrgId,
    bytes: Arc<AtomicUsize>,
}

impl QueueCharge {
    /// Charges `bytes` to an organization. They are taken even when there is no room: callers check that before.
    pub fn new(account: &Arc<QueueAccount>, org: OrgId, bytes: usize) -> Self {
        account.add(org, bytes);
        Self { account: account.clone(), org, bytes: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// Bytes charged by this holder now.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The bytes, for whoever looks at them from outside.
    pub fn shared(&self) -> Arc<AtomicUsize> {
        self.bytes.clone()
    }

    /// Charges `bytes` more.
    pub fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.account.add(self.org, bytes);
    }

    /// Gives `bytes` of the charge back.
    pub fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.account.remove(self.org, bytes);
    }

    /// Makes the charge `bytes` in all.
    pub fn set(&self, bytes: usize) {
        let before = self.bytes();
        if bytes > before {
            self.add(bytes - before);
        } else {
            self.remove(before - bytes);
        }
    }
}

impl Drop for QueueCharge {
    fn drop(&mut self) {
        self.account.remove(self.org, self.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_leaves_as_much_as_it_uses_to_the_others() {
        let account = Arc::new(QueueAccount::default());
        let (one, other) = (OrgId(1), OrgId(2));
        let first = QueueCharge::new(&account, one, MAX_BYTES / 4);
        assert!(account.has_room(one) && !account.is_over(one));
        first.add(MAX_BYTES / 4);
        assert!(!account.has_room(one) && !account.is_over(one), "its queues stop growing first");
        first.add(1);
        assert!(account.is_over(one) && account.has_room(other));
        assert_eq!(account.orgs_over(), [one]);
        let second = QueueCharge::new(&account, other, MAX_BYTES / 8);
        assert!(account.has_room(other));
        first.set(0);
        assert_eq!(
            (first.bytes(), second.bytes(), second.shared().load(Ordering::Relaxed)),
            (0, MAX_BYTES / 8, MAX_BYTES / 8)
        );
        drop((first, second));
        assert!(account.usage.lock().by_org.is_empty(), "nobody is remembered");
        assert_eq!(account.usage.lock().total, 0);
    }
}
