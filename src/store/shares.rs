//! Shares of a bounded whole: no caller and no organization takes all of what is for everybody.
//!
//! A share follows from what is left. An organization may hold as much as is left for the others, so that one alone has
//! half of the whole, and whoever comes later always finds something. Within an organization callers stand in the same
//! way: one alone has half of what its organization may have.

use std::collections::HashMap;
use std::ops::{AddAssign, SubAssign};

/// Entries, and the bytes they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    pub entries: usize,
    pub bytes: usize,
}

/// Whose an entry is, as its scope says it: `ORGANIZATION/CALLER ROUTE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder<'a> {
    org: &'a str,
    caller: &'a str,
}

/// What is held of a whole, and by whom.
#[derive(Debug)]
pub struct Shares {
    whole: Amount,
    held: Amount,
    orgs: HashMap<String, Org>,
}

#[derive(Debug, Default)]
struct Org {
    held: Amount,
    callers: HashMap<String, Amount>,
}

/// Who has no more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    Caller,
    Org,
}

impl Shares {
    pub fn new(whole: Amount) -> Self {
        Self { whole, held: Amount::default(), orgs: HashMap::new() }
    }

    /// Whether the caller of this scope may hold one entry more.
    pub fn check(&self, scope: &str) -> Result<(), Full> {
        let Holder { org, caller } = Holder::of(scope);
        let left = self.whole.less(self.held);
        let org = self.orgs.get(org);
        let of_org = org.map(|org| org.held).unwrap_or_default();
        if !of_org.is_below(left) {
            return Err(Full::Org);
        }
        let of_caller = org.and_then(|org| org.callers.get(caller)).copied().unwrap_or_default();
        // As much as the organization takes until it holds what is left by then.
        let left_to_org = left.less(of_org).half();
        if of_caller.is_below(left_to_org) { Ok(()) } else { Err(Full::Caller) }
    }

    /// Counts an entry of this scope. What was accepted once, and is found again at the start, is counted unchecked.
    pub fn add(&mut self, scope: &str, bytes: usize) {
        let Holder { org, caller } = Holder::of(scope);
        let one = Amount { entries: 1, bytes };
        self.held += one;
        if !self.orgs.contains_key(org) {
            self.orgs.insert(org.to_owned(), Org::default());
        }
        let Some(org) = self.orgs.get_mut(org) else { return };
        org.held += one;
        match org.callers.get_mut(caller) {
            Some(held) => *held += one,
            None => {
                org.callers.insert(caller.to_owned(), one);
            }
        }
    }

    /// Takes an entry that was added out of the count.
    pub fn remove(&mut self, scope: &str, bytes: usize) {
        let Holder { org: name, caller } = Holder::of(scope);
        let one = Amount { entries: 1, bytes };
        self.held -= one;
        let Some(org) = self.orgs.get_mut(name) else { return };
        org.held -= one;
        if let Some(held) = org.callers.get_mut(caller) {
            *held -= one;
            if held.entries == 0 {
                org.callers.remove(caller);
            }
        }
        if org.held.entries == 0 {
            self.orgs.remove(name);
        }
    }

    /// What all hold together.
    #[cfg(test)]
    pub fn held(&self) -> Amount {
        self.held
    }
}

impl<'a> Holder<'a> {
    fn of(scope: &'a str) -> Self {
        let (org, rest) = scope.split_once('/').unwrap_or((scope, ""));
        let caller = rest.split_once(' ').map_or(rest, |(caller, _)| caller);
        Self { org, caller }
    }
}

impl Amount {
    fn less(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_sub(other.entries),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// Rounded up: what is left is for somebody.
    fn half(self) -> Self {
        Self { entries: self.entries.div_ceil(2), bytes: self.bytes.div_ceil(2) }
    }

    fn is_below(self, other: Self) -> bool {
        self.entries < other.entries && self.bytes < other.bytes
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        self.entries -= other.entries;
        self.bytes -= other.bytes;
    }
}

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;
