//! The rules that are evaluated, by stream, each with what it remembers. It writes nothing: it returns what is to be
//! written.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::Array;

use super::states::{self, RuleVersion};
use crate::domain::alert::evaluator::{Decision, RuleState, Sample};
use crate::domain::alert::rule::{AlertRule, Evaluation};
use crate::domain::reading::Quality;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{AlertRuleId, Micros, StreamId};
use crate::store::catalog::{AlertChange, AlertDecision, RuleProgress};
use crate::store::memtable::run::Run;

/// Readings that are older than this when they arrive are imports, which are not evaluated.
const MAX_AGE_US: i64 = 3600 * MICROS_PER_SECOND;

struct Watched {
    rule: Arc<AlertRule>,
    /// Records before this are not evaluated.
    from_seq: u64,
    state: RuleState,
}

impl Watched {
    fn version(&self) -> RuleVersion {
        (self.rule.id, self.rule.first_seq)
    }

    fn decision(&self, change: AlertChange) -> AlertDecision {
        let decided_until = self.state.decided_until;
        AlertDecision { rule: Arc::clone(&self.rule), change, decided_until }
    }

    fn observe(&mut self, sample: Sample<'_>, arrived: Micros) -> Option<AlertDecision> {
        let decision = self.state.observe(&self.rule.spec, sample, arrived)?;
        Some(self.decision(change_of(decision)))
    }
}

fn change_of(decision: Decision) -> AlertChange {
    match decision {
        Decision::Fire { at, value } => AlertChange::Fire { at, value },
        Decision::Resolve { .. } => AlertChange::Resolve,
    }
}

/// The rules that are evaluated.
#[derive(Default)]
pub struct RuleTable {
    rules: HashMap<AlertRuleId, Watched>,
    by_stream: HashMap<i32, Vec<AlertRuleId>>,
    /// Rules that watch for silence.
    silence: Vec<AlertRuleId>,
}

impl RuleTable {
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Streams with rules.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.by_stream.keys().map(|id| StreamId(*id))
    }

    /// Takes over the enabled ones of all rules. Returns those that are new, or are evaluated differently by now: they are
    /// evaluated once [`RuleTable::begin`] has given them their state.
    pub fn replace(&mut self, rules: Vec<Arc<AlertRule>>) -> Vec<Arc<AlertRule>> {
        let mut before = std::mem::take(&mut self.rules);
        let mut new = Vec::new();
        for rule in rules.into_iter().filter(|rule| rule.spec.enabled) {
            match before.remove(&rule.id).filter(|known| known.rule.first_seq == rule.first_seq) {
                Some(known) => {
                    self.rules.insert(rule.id, Watched { rule, ..known });
                }
                None => new.push(rule),
            }
        }
        self.index();
        new
    }

    /// Begins to evaluate a rule with record `from_seq`.
    pub fn begin(
        &mut self,
        rule: Arc<AlertRule>,
        from_seq: u64,
        mut state: RuleState,
        progress: RuleProgress,
    ) {
        let RuleProgress { decided_until, fired_at, is_open } = progress;
        (state.decided_until, state.fired_at, state.is_open) = (decided_until, fired_at, is_open);
        self.rules.insert(rule.id, Watched { rule, from_seq, state });
    }

    /// Brings the indexes in line with the rules.
    pub fn index(&mut self) {
        (self.by_stream, self.silence) = (HashMap::new(), Vec::new());
        for (id, watched) in &self.rules {
            let spec = &watched.rule.spec;
            self.by_stream.entry(spec.stream.0).or_default().push(*id);
            if spec.evaluation == Evaluation::NoData {
                self.silence.push(*id);
            }
        }
    }

    /// Evaluates the readings of a record, which arrived at `arrived`.
    pub fn observe_run(&mut self, run: &Run, seq: u64, arrived: Micros, decisions: &mut Vec<AlertDecision>) {
        let mut row = 0;
        while row < run.len() {
            let stream = run.stream[row];
            // Runs are sorted by stream.
            let end = row + run.stream[row..].partition_point(|id| *id <= stream);
            if self.by_stream.contains_key(&stream) {
                for at in row..end {
                    let value = run.value[at];
                    let text = run.text.as_ref().filter(|text| !text.is_null(at)).map(|text| text.value(at));
                    if run.quality[at] != Quality::Bad as u8 {
                        let number = (!value.is_nan()).then_some(value);
                        let sample = Sample { ts: Micros(run.ts[at]), number, text };
                        self.observe((stream, seq), sample, arrived, decisions);
                    }
                }
            }
            row = end;
        }
    }

    /// Evaluates a reading of a stream, from a record of the log.
    pub fn observe(
        &mut self,
        (stream, seq): (i32, u64),
        sample: Sample<'_>,
        arrived: Micros,
        decisions: &mut Vec<AlertDecision>,
    ) {
        let is_empty = sample.number.is_none() && sample.text.is_none();
        if is_empty || arrived.0.saturating_sub(sample.ts.0) > MAX_AGE_US {
            return;
        }
        for id in self.by_stream.get(&stream).into_iter().flatten() {
            if let Some(watched) = self.rules.get_mut(id).filter(|watched| seq >= watched.from_seq) {
                decisions.extend(watched.observe(sample, arrived));
            }
        }
    }

    /// Looks for silent streams.
    pub fn notice_silence(&mut self, now: Micros, decisions: &mut Vec<AlertDecision>) {
        for id in &self.silence {
            if let Some(watched) = self.rules.get_mut(id)
                && let Some(decision) = watched.state.notice_silence(&watched.rule.spec, now)
            {
                decisions.push(watched.decision(change_of(decision)));
            }
        }
    }

    /// Rules with an open alert, as far as the table knows.
    pub fn open(&self) -> Vec<AlertRuleId> {
        let open = self.rules.values().filter(|watched| watched.state.is_open);
        open.map(|watched| watched.rule.id).collect()
    }

    /// Notes that the open alert of a rule was resolved or deleted by somebody.
    pub fn close(&mut self, id: AlertRuleId) -> Option<AlertDecision> {
        let watched = self.rules.get_mut(&id).filter(|watched| watched.state.is_open)?;
        watched.state.close();
        Some(watched.decision(AlertChange::Close))
    }

    /// Returns the stored form of what the rules remember.
    pub fn encode(&self) -> Vec<u8> {
        states::encode(self.rules.values().map(|watched| (watched.version(), watched.state.encode())))
    }
}

#[cfg(test)]
#[path = "rule_table_tests.rs"]
mod tests;
