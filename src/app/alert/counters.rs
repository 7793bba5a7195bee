//! Counters of the evaluation of rules: alerts that were not raised because their rule had raised enough in the hour, readings
//! that were too old when they arrived, and how far each organization's rules are evaluated.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::domain::{AlertRuleId, OrgId};

/// How far the rules of an organization are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EvaluationProgress {
    /// Number of the first record of the log that is not evaluated yet.
    pub next_seq: u64,
    /// Looks at what time alone brings about, since the start.
    pub looks: u64,
}

/// The counts of all rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertCounts {
    /// Alerts since the start that were not raised because their rule had raised enough.
    pub suppressed: u64,
    /// Readings since the start that rules did not evaluate because they were too old when they arrived.
    pub old_readings: u64,
    /// Records of the log that are not evaluated yet, in the organization that is furthest behind.
    pub unevaluated_records: u64,
}

/// Counters of the evaluation.
#[derive(Debug, Default)]
pub struct AlertCounters {
    suppressed: AtomicU64,
    of_rules: RwLock<HashMap<AlertRuleId, u64>>,
    old: AtomicU64,
    old_of_rules: RwLock<HashMap<AlertRuleId, u64>>,
    progress: RwLock<HashMap<OrgId, EvaluationProgress>>,
}

impl AlertCounters {
    /// Takes over the counts of rules as they are stored; a rule without an entry has none.
    pub fn load(&self, stored: HashMap<AlertRuleId, u64>) {
        *self.of_rules.write() = stored;
    }

    /// Notes that a rule has not raised so many alerts since it was made.
    pub fn set(&self, rule: AlertRuleId, count: u64) {
        let before = self.of_rules.write().insert(rule, count).unwrap_or_default();
        self.suppressed.fetch_add(count.saturating_sub(before), Ordering::Relaxed);
    }

    /// Forgets rules that are no more.
    pub fn retain(&self, is_there: impl Fn(AlertRuleId) -> bool) {
        self.of_rules.write().retain(|id, _| is_there(*id));
        self.old_of_rules.write().retain(|id, _| is_there(*id));
    }

    /// Notes a reading that each of these rules did not evaluate, because it was too old when it arrived.
    pub fn note_old(&self, rules: impl Iterator<Item = AlertRuleId>) {
        self.old.fetch_add(1, Ordering::Relaxed);
        let mut of_rules = self.old_of_rules.write();
        rules.for_each(|rule| *of_rules.entry(rule).or_default() += 1);
    }

    /// Notes that the rules of an organization have evaluated everything before a record, or have looked at the time as well.
    pub fn note_progress(&self, org: OrgId, next_seq: u64, has_looked: bool) {
        let mut all = self.progress.write();
        let progress = all.entry(org).or_default();
        progress.next_seq = next_seq;
        progress.looks += u64::from(has_looked);
    }

    /// Forgets how far an organization's rules are evaluated, because it has none.
    pub fn forget_progress(&self, org: OrgId) {
        self.progress.write().remove(&org);
    }

    /// The counts of all rules, while the log ends before record `next_seq`.
    pub fn counts(&self, next_seq: u64) -> AlertCounts {
        let first = self.progress.read().values().map(|progress| progress.next_seq).min();
        AlertCounts {
            suppressed: self.suppressed(),
            old_readings: self.old.load(Ordering::Relaxed),
            unevaluated_records: first.map_or(0, |first| next_seq.saturating_sub(first)),
        }
    }

    /// How far the rules of an organization are evaluated since the start.
    pub fn progress(&self, org: OrgId) -> EvaluationProgress {
        self.progress.read().get(&org).copied().unwrap_or_default()
    }

    /// Readings since the start that a rule did not evaluate because they were too old.
    pub fn old_of_rule(&self, rule: AlertRuleId) -> u64 {
        self.old_of_rules.read().get(&rule).copied().unwrap_or_default()
    }

    /// Alerts that a rule has not raised since it was made.
    pub fn of_rule(&self, rule: AlertRuleId) -> u64 {
        self.of_rules.read().get(&rule).copied().unwrap_or_default()
    }

    /// Alerts that all rules have not raised since the start.
    pub fn suppressed(&self) -> u64 {
        self.suppressed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_rules_are_totals_and_that_of_all_is_since_the_start() {
        let counters = AlertCounters::default();
        let (one, two) = (AlertRuleId(1), AlertRuleId(2));
        counters.load(HashMap::from([(one, 7)]));
        assert_eq!((counters.of_rule(one), counters.suppressed()), (7, 0));
        counters.set(one, 9);
        counters.set(two, 1);
        assert_eq!((counters.of_rule(one), counters.of_rule(two), counters.suppressed()), (9, 1, 3));
        counters.note_old([one, two].into_iter());
        counters.note_old([two].into_iter());
        assert_eq!(
            (counters.old_of_rule(one), counters.old_of_rule(two), counters.counts(0).old_readings),
            (1, 2, 2)
        );
        counters.note_progress(OrgId(1), 5, true);
        counters.note_progress(OrgId(2), 9, false);
        assert_eq!((counters.counts(12).unevaluated_records, counters.progress(OrgId(1)).looks), (7, 1));
        counters.forget_progress(OrgId(1));
        assert_eq!(counters.counts(12).unevaluated_records, 3);
        counters.retain(|id| id == two);
        assert_eq!((counters.old_of_rule(one), counters.old_of_rule(two)), (0, 2));
        assert_eq!((counters.of_rule(one), counters.of_rule(two)), (0, 1));
    }
}
