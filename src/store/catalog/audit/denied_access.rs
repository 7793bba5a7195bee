//! Counts of denied accesses before they are written: kept apart while there are few, aggregated when there are many.
//! No denial is lost: unwritten ones stay counted, and memory is bounded.
//!
//! The denials of an organization (unauthenticated callers count as one organization) are kept apart only while it
//! has fewer entries than are left for the others. Whoever floods the log coarsens only his own rows.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::domain::audit::AccessDenial;
use crate::domain::caller::Caller;
use crate::domain::{Micros, OrgId};

/// Up to this many entries per window, denials are kept apart by request; beyond it, by caller and address only.
const MAX_KEYS_BY_REQUEST: usize = 128;
/// Beyond this many entries, denials are kept apart by organization and outcome only.
const MAX_KEYS_BY_CALLER: usize = 256;
/// Beyond this many entries, denials are kept apart by outcome only.
const MAX_KEYS_BY_ORG: usize = 512;
/// Equal denials within this time share a row.
const DENIAL_WINDOW_US: i64 = 60_000_000;

/// Request text of aggregated denials.
pub(in crate::store::catalog) const SEVERAL_REQUESTS: &str = "(several)";

/// Identity of a denial: equal keys share a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::store::catalog) struct DenialKey {
    pub(in crate::store::catalog) org: Option<OrgId>,
    pub(in crate::store::catalog) caller: Option<Caller>,
    pub(in crate::store::catalog) address: Option<IpAddr>,
    pub(in crate::store::catalog) refusal: AccessDenial,
    pub(in crate::store::catalog) request: String,
}

#[derive(Debug)]
struct DenialCount {
    /// Id of its row, once written.
    row: Option<i32>,
    unwritten: i64,
    first: Micros,
    last: Micros,
    request_id: String,
}

/// Denials to be written: a new row, or an addition to row `row`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::catalog) struct PendingDenial {
    pub(in crate::store::catalog) key: DenialKey,
    pub(in crate::store::catalog) row: Option<i32>,
    pub(in crate::store::catalog) count: i64,
    pub(in crate::store::catalog) first: Micros,
    pub(in crate::store::catalog) last: Micros,
    pub(in crate::store::catalog) request_id: String,
}

#[derive(Debug, Default)]
pub(in crate::store::catalog) struct DenialCounts(HashMap<DenialKey, DenialCount>);

impl DenialCounts {
    /// Counts one denial.
    pub(in crate::store::catalog) fn count(&mut self, same: DenialKey, request_id: &str, now: Micros) {
        let fresh = || DenialCount {
            row: None,
            unwritten: 0,
            first: now,
            last: now,
            request_id: request_id.to_owned(),
        };
        let same = self.coarsened_key(same);
        let counted = self.0.entry(same).or_insert_with(fresh);
        if counted.unwritten == 0 && is_over(counted, now) {
            *counted = fresh();
        }
        counted.unwritten += 1;
        counted.last = now.max(counted.last);
    }

    /// Takes the unwritten denials, oldest first, and drops entries whose window is over. The caller then calls
    /// `mark_written` for each, or `put_back` for all.
    pub(in crate::store::catalog) fn take_unwritten(&mut self, now: Micros) -> Vec<PendingDenial> {
        self.0.retain(|_, counted| counted.unwritten > 0 || !is_over(counted, now));
        let mut due: Vec<PendingDenial> = Vec::new();
        for (same, counted) in self.0.iter_mut().filter(|(_, counted)| counted.unwritten > 0) {
            let count = std::mem::take(&mut counted.unwritten);
            let DenialCount { row, first, last, ref request_id, .. } = *counted;
            due.push(PendingDenial {
                key: same.clone(),
                row,
                count,
                first,
                last,
                request_id: request_id.clone(),
            });
        }
        due.sort_by_key(|due| due.first);
        due
    }

    pub(in crate::store::catalog) fn mark_written(&mut self, same: &DenialKey, row: i32) {
        if let Some(counted) = self.0.get_mut(same) {
            counted.row = Some(row);
        }
    }

    pub(in crate::store::catalog) fn put_back(&mut self, due: Vec<PendingDenial>) {
        for PendingDenial { key: same, row, count, first, last, request_id } in due {
            let counted =
                self.0.entry(same).or_insert(DenialCount { row, unwritten: 0, first, last, request_id });
            counted.unwritten += count;
        }
    }

    /// The key itself, or the most precise coarser key that there is room for.
    fn coarsened_key(&self, same: DenialKey) -> DenialKey {
        if self.has_room(&same, MAX_KEYS_BY_REQUEST) {
            return same;
        }
        let same = DenialKey { request: SEVERAL_REQUESTS.to_owned(), ..same };
        if self.has_room(&same, MAX_KEYS_BY_CALLER) {
            return same;
        }
        let same = DenialKey { caller: None, address: None, ..same };
        if self.0.len() < MAX_KEYS_BY_ORG || self.0.contains_key(&same) {
            return same;
        }
        DenialKey { org: None, ..same }
    }

    /// Whether the key is counted already, or its organization has fewer entries than are left.
    fn has_room(&self, same: &DenialKey, most: usize) -> bool {
        let left = most.saturating_sub(self.0.len());
        self.0.contains_key(same)
            || (left > 0 && self.0.keys().filter(|known| known.org == same.org).count() < left)
    }
}

fn is_over(counted: &DenialCount, now: Micros) -> bool {
    now.0.saturating_sub(counted.first.0) >= DENIAL_WINDOW_US
}

#[cfg(test)]
#[path = "denied_access_tests.rs"]
mod tests;
