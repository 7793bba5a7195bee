//! Retention: from which time on rows are kept. Arithmetic only: policies come from the catalog, rows from the store.
//!
//! All times are microseconds. `EVERYTHING` and `NOTHING` stand for a time before and after every row.

use std::collections::HashMap;
use std::sync::Arc;

use super::Micros;
use super::time::MICROS_PER_SECOND;
use super::window::Windows;

/// Kept from the beginning of time.
pub const EVERYTHING: i64 = i64::MIN;
/// Kept from the end of time: rows of what was deleted.
pub const NOTHING: i64 = i64::MAX;

/// A row that has expired is shown for at most this long.
const SHOWN_LATE_US: i64 = 60 * MICROS_PER_SECOND;

/// Where a policy cuts at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Rows before this are shown to nobody: the beginning of the window that holds the time the policy reaches back to,
    /// or of its minute when windows are longer.
    pub shown: i64,
    /// Raw rows before this may be removed: a window begins here, so that every window is there whole or not at all.
    pub removed: i64,
    /// From this time of the clock on, the policy cuts elsewhere.
    pub until: i64,
}

/// Where a policy cuts a stream whose statistics have these windows.
pub fn cut(now: Micros, drop_after_s: i64, windows: &Windows) -> Cut {
    let drop_after = drop_after_s.saturating_mul(MICROS_PER_SECOND);
    let reached = now.0.saturating_sub(drop_after);
    if reached < 0 {
        return Cut { shown: EVERYTHING, removed: EVERYTHING, until: drop_after };
    }
    let (start, end) = windows.around(reached);
    let step = (end - start).min(SHOWN_LATE_US);
    let slot = reached.div_euclid(step) * step;
    let until = end.min(slot + step).saturating_add(drop_after);
    Cut { shown: slot.max(start), removed: start, until }
}

/// From when on something holds, by stream; what is not in it holds from the beginning of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since(HashMap<i32, i64>);

impl Since {
    pub fn of(&self, id: i32) -> i64 {
        self.0.get(&id).copied().unwrap_or(EVERYTHING)
    }

    pub fn set(&mut self, id: i32, from: i64) {
        if from > EVERYTHING {
            self.0.insert(id, from);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What readers are shown at one moment, of every stream there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Raw rows before this are shown to nobody.
    pub shown: Arc<Since>,
    /// The window that begins here is the first whose raw rows count for anything; earlier ones have statistics only.
    pub raw: Arc<Since>,
    /// Raw rows before this can be gone already. Between here and `raw` they are there until their windows have
    /// statistics, and stand for these.
    pub there: Arc<Since>,
    /// Rows of statistics before this are shown to nobody; where raw rows are kept longer, they are the truth.
    pub statistics: Arc<Since>,
}

/// From which time on a table keeps the rows of each source: a stream, or a device in `messages`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cutoffs {
    /// By id.
    known: Vec<(i32, i64)>,
}

impl Cutoffs {
    /// From sources in any order, each once.
    pub fn new(mut known: Vec<(i32, i64)>) -> Self {
        known.sort_unstable();
        Self { known }
    }

    pub fn is_empty(&self) -> bool {
        self.known.iter().all(|(_, from)| *from == EVERYTHING)
    }

    /// What this catalog has never heard of is kept: it may be the catalog that is wrong.
    pub fn from(&self, id: i32) -> i64 {
        let at = self.known.binary_search_by_key(&id, |(known, _)| *known);
        at.map_or(EVERYTHING, |at| self.known[at].1)
    }

    /// Whether rows of the ids `low..=high` and the times `oldest..=newest` can have expired, given that those which had
    /// by `before` are gone already.
    pub fn may_take(&self, (low, high): (i32, i32), (oldest, newest): (i64, i64), before: &Cutoffs) -> bool {
        let first = self.known.partition_point(|(id, _)| *id < low);
        let mut within = self.known[first..].iter().take_while(|(id, _)| *id <= high);
        within.any(|(id, from)| {
            let done = before.from(*id);
            *from > oldest && *from > done && done <= newest
        })
    }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
