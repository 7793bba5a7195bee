//! Fair shares of a bounded resource: no caller and no organization can take all of it.
//!
//! The limits follow from what is left. An organization may hold as much as is left for the others, so one alone gets
//! half of the whole and later ones always find room. Callers share within their organization in the same way: one
//! alone gets half of what its organization may hold.

use std::collections::HashMap;
use std::ops::{AddAssign, SubAssign};

/// Number of entries and their size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaUsage {
    pub entries: usize,
    pub bytes: usize,
}

/// Holder of an entry, parsed from its scope `ORGANIZATION/CALLER ROUTE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct QuotaHolder<'a> {
    org: &'a str,
    caller: &'a str,
}

/// Usage of the whole, by organization and caller.
#[derive(Debug)]
pub struct FairQuota {
    whole: QuotaUsage,
    held: QuotaUsage,
    orgs: HashMap<String, OrgQuota>,
}

#[derive(Debug, Default)]
struct OrgQuota {
    held: QuotaUsage,
    callers: HashMap<String, QuotaUsage>,
}

/// The party that has no room left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaExceeded {
    Caller,
    Org,
}

impl FairQuota {
    /// Creates the quota of a resource that has `whole` in all, of which nothing is held.
    pub fn new(whole: QuotaUsage) -> Self {
        Self { whole, held: QuotaUsage::default(), orgs: HashMap::new() }
    }

    /// Checks whether the caller of this scope may hold one more entry.
    pub fn check(&self, scope: &str) -> Result<(), QuotaExceeded> {
        let QuotaHolder { org, caller } = QuotaHolder::of(scope);
        let left = self.whole.less(self.held);
        let org = self.orgs.get(org);
        let of_org = org.map(|org| org.held).unwrap_or_default();
        if !of_org.is_below(left) {
            return Err(QuotaExceeded::Org);
        }
        let of_caller = org.and_then(|org| org.callers.get(caller)).copied().unwrap_or_default();
        // Of what is left less what the organization has, it can take half: each entry it adds is also one less left.
        let left_to_org = left.less(of_org).half();
        if of_caller.is_below(left_to_org) { Ok(()) } else { Err(QuotaExceeded::Caller) }
    }

    /// Counts an entry of this scope, without a check: entries accepted earlier are counted again at start.
    pub fn add(&mut self, scope: &str, bytes: usize) {
        let QuotaHolder { org, caller } = QuotaHolder::of(scope);
        let one = QuotaUsage { entries: 1, bytes };
        self.held += one;
        if !self.orgs.contains_key(org) {
            self.orgs.insert(org.to_owned(), OrgQuota::default());
        }
        let Some(org) = self.orgs.get_mut(org) else { return };
        org.held += one;
        match org.callers.get_mut(caller) {
            Some(count) => *count += one,
            None => {
                org.callers.insert(caller.to_owned(), one);
            }
        }
    }

    /// Removes an entry that was added.
    pub fn remove(&mut self, scope: &str, bytes: usize) {
        let QuotaHolder { org: name, caller } = QuotaHolder::of(scope);
        let one = QuotaUsage { entries: 1, bytes };
        self.held -= one;
        let Some(org) = self.orgs.get_mut(name) else { return };
        org.held -= one;
        if let Some(count) = org.callers.get_mut(caller) {
            *count -= one;
            if count.entries == 0 {
                org.callers.remove(caller);
            }
        }
        if org.held.entries == 0 {
            self.orgs.remove(name);
        }
    }

    /// Returns the usage of all holders together.
    #[cfg(test)]
    pub fn held(&self) -> QuotaUsage {
        self.held
    }
}

impl<'a> QuotaHolder<'a> {
    fn of(scope: &'a str) -> Self {
        let (org, rest) = scope.split_once('/').unwrap_or((scope, ""));
        let caller = rest.split_once(' ').map_or(rest, |(caller, _)| caller);
        Self { org, caller }
    }
}

impl QuotaUsage {
    fn less(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_sub(other.entries),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// Rounds up, so that remaining room is never unusable.
    fn half(self) -> Self {
        Self { entries: self.entries.div_ceil(2), bytes: self.bytes.div_ceil(2) }
    }

    fn is_below(self, other: Self) -> bool {
        self.entries < other.entries && self.bytes < other.bytes
    }
}

impl AddAssign for QuotaUsage {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }
}

impl SubAssign for QuotaUsage {
    fn sub_assign(&mut self, other: Self) {
        self.entries -= other.entries;
        self.bytes -= other.bytes;
    }
}

#[cfg(test)]
#[path = "fair_quota_tests.rs"]
mod tests;
