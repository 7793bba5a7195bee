//! The last tail of each organization, so that the owner of the lake sends only what came since.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::cached_tail::CachedTail;
use crate::domain::OrgId;

/// How many organizations' tails are kept.
const MAX_ORGS: usize = 256;

/// The last tails that organizations were given, bounded in number and in bytes: those used last stay.
pub struct TailCache {
    entries: Mutex<Entries>,
    cap_bytes: usize,
}

#[derive(Default)]
struct Entries {
    by_org: HashMap<OrgId, Entry>,
    /// Counts the uses.
    uses: u64,
}

struct Entry {
    tail: Arc<CachedTail>,
    /// The number of its last use.
    last_use: u64,
}

impl TailCache {
    /// Creates a cache for at most this many bytes of rows.
    pub fn new(cap_bytes: usize) -> Self {
        Self { entries: Mutex::default(), cap_bytes }
    }

    /// Whether a tail of an organization is kept.
    pub fn has(&self, org: OrgId) -> bool {
        self.entries.lock().by_org.contains_key(&org)
    }

    /// Returns the last tail of an organization.
    pub fn get(&self, org: OrgId) -> Option<Arc<CachedTail>> {
        let entries = &mut *self.entries.lock();
        let entry = entries.by_org.get_mut(&org)?;
        entries.uses += 1;
        entry.last_use = entries.uses;
        Some(entry.tail.clone())
    }

    /// Keeps the tail of an organization, unless a later one is there already. The tails from which the owner no longer goes on
    /// leave the cache.
    pub fn put(&self, org: OrgId, tail: Arc<CachedTail>) {
        let entries = &mut *self.entries.lock();
        if entries.by_org.get(&org).is_some_and(|entry| entry.tail.is_after(&tail)) {
            return;
        }
        entries.by_org.remove(&org);
        entries.by_org.retain(|_, entry| entry.tail.is_usable_beside(&tail));
        // It would displace all others and then itself.
        if tail.size_bytes() > self.cap_bytes {
            return;
        }
        entries.uses += 1;
        entries.by_org.insert(org, Entry { tail, last_use: entries.uses });
        while entries.by_org.len() > MAX_ORGS || entries.size_bytes() > self.cap_bytes {
            entries.remove_oldest();
        }
    }

    /// Returns the bytes of all rows.
    pub fn size_bytes(&self) -> usize {
        self.entries.lock().size_bytes()
    }
}

impl Entries {
    fn size_bytes(&self) -> usize {
        self.by_org.values().map(|entry| entry.tail.size_bytes()).sum()
    }

    /// Removes the entry whose last use is the longest ago.
    fn remove_oldest(&mut self) {
        let oldest = self.by_org.iter().min_by_key(|(_, entry)| entry.last_use).map(|(org, _)| *org);
        if let Some(org) = oldest {
            self.by_org.remove(&org);
        }
    }
}

#[cfg(test)]
#[path = "tail_cache_tests.rs"]
mod tests;
