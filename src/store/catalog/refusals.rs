//! Refused accesses before they are written: told apart as long as there are few of them, counted together when there
//! are many. None is lost: what was not written yet is in a count, and the memory for it is bounded.
//!
//! An organization (and everybody who is nobody's, as if they were one) is told apart as long as it has fewer than are left
//! for the others: who floods the log makes his own rows coarse, not theirs.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::domain::audit::Refusal;
use crate::domain::principal::Caller;
use crate::domain::{Micros, OrgId};

/// Refusals told apart by their request within a window; past it, by who asked from where alone.
const MAX_EXACT: usize = 128;
/// Past this many, they are told apart by organization and outcome alone.
const MAX_KNOWN: usize = 256;
/// Past this many, by their outcome alone.
const MAX_ORGS: usize = 512;
/// The same refusal is one row for this long.
const WINDOW_US: i64 = 60_000_000;

/// Stands for requests that are counted together.
pub(super) const MANY: &str = "(several)";

/// What one row tells of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Same {
    pub(super) org: Option<OrgId>,
    pub(super) caller: Option<Caller>,
    pub(super) address: Option<IpAddr>,
    pub(super) refusal: Refusal,
    pub(super) request: String,
}

#[derive(Debug)]
struct Counted {
    /// Its row, once there is one.
    row: Option<i32>,
    unwritten: i64,
    first: Micros,
    last: Micros,
    request_id: String,
}

/// What is to be written: a new row, or more of one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) same: Same,
    pub(super) row: Option<i32>,
    pub(super) count: i64,
    pub(super) first: Micros,
    pub(super) last: Micros,
    pub(super) request_id: String,
}

#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<Same, Counted>);

impl Refusals {
    /// Counts one.
    pub(super) fn note(&mut self, same: Same, request_id: &str, now: Micros) {
        let fresh =
            || Counted { row: None, unwritten: 0, first: now, last: now, request_id: request_id.to_owned() };
        let same = self.fitting(same);
        let counted = self.0.entry(same).or_insert_with(fresh);
        if counted.unwritten == 0 && is_over(counted, now) {
            *counted = fresh();
        }
        counted.unwritten += 1;
        counted.last = now.max(counted.last);
    }

    /// Takes what is not written yet, oldest first, and forgets rows whose time is over. Each is then `written`, or all
    /// are `put_back`.
    pub(super) fn take(&mut self, now: Micros) -> Vec<Due> {
        self.0.retain(|_, counted| counted.unwritten > 0 || !is_over(counted, now));
        let mut due: Vec<Due> = Vec::new();
        for (same, counted) in self.0.iter_mut().filter(|(_, counted)| counted.unwritten > 0) {
            let count = std::mem::take(&mut counted.unwritten);
            let Counted { row, first, last, ref request_id, .. } = *counted;
            due.push(Due { same: same.clone(), row, count, first, last, request_id: request_id.clone() });
        }
        due.sort_by_key(|due| due.first);
        due
    }

    pub(super) fn written(&mut self, same: &Same, row: i32) {
        if let Some(counted) = self.0.get_mut(same) {
            counted.row = Some(row);
        }
    }

    pub(super) fn put_back(&mut self, due: Vec<Due>) {
        for Due { same, row, count, first, last, request_id } in due {
            let counted =
                self.0.entry(same).or_insert(Counted { row, unwritten: 0, first, last, request_id });
            counted.unwritten += count;
        }
    }

    /// The same, or as little of it as there is room for.
    fn fitting(&self, same: Same) -> Same {
        if self.has_room(&same, MAX_EXACT) {
            return same;
        }
        let same = Same { request: MANY.to_owned(), ..same };
        if self.has_room(&same, MAX_KNOWN) {
            return same;
        }
        let same = Same { caller: None, address: None, ..same };
        if self.0.len() < MAX_ORGS || self.0.contains_key(&same) {
            return same;
        }
        Same { org: None, ..same }
    }

    /// Whether it is counted already, or its organization has fewer than are left.
    fn has_room(&self, same: &Same, most: usize) -> bool {
        let left = most.saturating_sub(self.0.len());
        self.0.contains_key(same)
            || (left > 0 && self.0.keys().filter(|known| known.org == same.org).count() < left)
    }
}

fn is_over(counted: &Counted, now: Micros) -> bool {
    now.0.saturating_sub(counted.first.0) >= WINDOW_US
}

#[cfg(test)]
#[path = "refusals_tests.rs"]
mod tests;
