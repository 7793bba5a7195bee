//! The rules that are evaluated, by what they watch, each with what it remembers. It writes nothing: it returns what is to be
//! written.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::Array;

use super::states::{self, RuleVersion};
use crate::app::alert::counters::AlertCounters;
use crate::domain::alert::budget::AlertBudget;
use crate::domain::alert::evaluator::{Decision, MAX_AGE_US, RuleState};
use crate::domain::alert::rule::{AlertRule, Evaluation};
use crate::domain::alert::sample::Sample;
use crate::domain::alert::target::RuleTarget;
use crate::domain::arrival::{AheadBound, Arrival};
use crate::domain::clock_trust::ClockReading;
use crate::domain::device::DeviceState;
use crate::domain::reading::Quality;
use crate::domain::{AlertRuleId, DeviceId, Micros, StreamId};
use crate::store::catalog::{AlertChange, AlertDecision, RuleProgress, SuppressedAlerts};
use crate::store::memtable::run::Run;

/// Evaluations without a pause, of a reading by a rule each: some milliseconds, also where each adds up a full window.
const EVALUATIONS_AT_ONCE: usize = 2_048;

struct RuleEntry {
    rule: Arc<AlertRule>,
    /// Records before this are not evaluated.
    from_seq: u64,
    state: RuleState,
    /// How many alerts that were not raised are stored.
    stored_suppressed: u64,
}

impl RuleEntry {
    fn version(&self) -> RuleVersion {
        (self.rule.id, self.rule.first_seq)
    }

    fn decision(&self, change: AlertChange) -> AlertDecision {
        let RuleState { decided_until, decided_due, budget, .. } = self.state;
        AlertDecision { rule: Arc::clone(&self.rule), change, decided_until, decided_due, budget }
    }

    /// Lets the state decide, and counts an alert that is not raised.
    fn evaluate(
        &mut self,
        counters: &AlertCounters,
        decide: impl FnOnce(&mut RuleState, &AlertRule) -> Option<Decision>,
    ) -> Option<AlertDecision> {
        let before = self.state.budget.suppressed;
        let decision = decide(&mut self.state, &self.rule);
        if self.state.budget.suppressed != before {
            counters.set(self.rule.id, self.state.budget.suppressed);
        }
        Some(self.decision(change_of(decision?)))
    }

    /// Evaluates the readings that were ahead of the clock and whose time has come at a moment.
    fn evaluate_due(
        &mut self,
        counters: &AlertCounters,
        (now, bound): (Micros, AheadBound),
        decisions: &mut Vec<AlertDecision>,
    ) {
        let mut next = || self.evaluate(counters, |state, rule| state.notice_due(&rule.spec, now, bound));
        while let Some(decision) = next() {
            decisions.push(decision);
        }
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
    rules: HashMap<AlertRuleId, RuleEntry>,
    by_stream: HashMap<i32, Vec<AlertRuleId>>,
    /// Rules that watch for silence.
    silence: Vec<AlertRuleId>,
    /// Rules that watch the state of a device.
    of_devices: Vec<(DeviceId, AlertRuleId)>,
    counters: Arc<AlertCounters>,
    has_news: bool,
    /// Evaluations since the last pause.
    evaluations: usize,
}

impl RuleTable {
    /// An empty table that counts there what is not raised.
    pub fn new(counters: Arc<AlertCounters>) -> Self {
        Self { counters, ..Self::default() }
    }

    /// Whether the organization has no enabled rule, so that no readings need to be followed.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Streams with rules.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.by_stream.keys().map(|id| StreamId(*id))
    }

    /// Takes over the enabled ones of all rules. Returns those that are new, or are evaluated differently by now, each with the
    /// first record of which it is evaluated once [`RuleTable::begin`] has given it its state. A changed rule goes on where its
    /// former version ended, so that no reading is of neither; `next_seq` says of a rule which record that has not decided.
    pub fn replace(
        &mut self,
        rules: Vec<Arc<AlertRule>>,
        next_seq: impl Fn(AlertRuleId) -> u64,
    ) -> Vec<(Arc<AlertRule>, u64)> {
        let mut before = std::mem::take(&mut self.rules);
        let mut new = Vec::new();
        for rule in rules.into_iter().filter(|rule| rule.spec.enabled) {
            let first_seq = rule.first_seq;
            match before.remove(&rule.id) {
                Some(known) if known.rule.first_seq == first_seq => {
                    self.rules.insert(rule.id, RuleEntry { rule, ..known });
                }
                Some(known) if known.rule.spec.target == rule.spec.target => {
                    let from_seq = first_seq.min(known.from_seq.max(next_seq(rule.id)));
                    new.push((rule, from_seq));
                }
                _ => new.push((rule, first_seq)),
            }
        }
        self.index();
        new
    }

    /// Begins to evaluate a rule with record `from_seq`, while the log ends before record `end`.
    pub fn begin(
        &mut self,
        rule: Arc<AlertRule>,
        (from_seq, end): (u64, u64),
        mut state: RuleState,
        progress: RuleProgress,
    ) {
        let RuleProgress { decided_until, decided_due, fired_at, is_open, budget } = progress;
        state.fired_at = state.unless_forgotten(fired_at);
        (state.decided_until, state.decided_due, state.is_open) = (decided_until, decided_due, is_open);
        state.follow_log(end);
        // The hour of an alert that was forgotten is forgotten too.
        let is_forgotten = fired_at.is_some() && state.fired_at.is_none();
        let raised = if is_forgotten { 0 } else { budget.raised };
        state.budget = AlertBudget { is_held_back: state.budget.is_held_back, raised, ..budget };
        let stored_suppressed = budget.suppressed;
        self.rules.insert(rule.id, RuleEntry { rule, from_seq, state, stored_suppressed });
    }

    /// Brings the indexes in line with the rules.
    pub fn index(&mut self) {
        (self.by_stream, self.silence, self.of_devices) = (HashMap::new(), Vec::new(), Vec::new());
        for (id, watched) in &self.rules {
            let spec = &watched.rule.spec;
            match spec.target {
                RuleTarget::Stream(stream) => self.by_stream.entry(stream.0).or_default().push(*id),
                RuleTarget::Device(device) => self.of_devices.push((device, *id)),
            }
            if spec.evaluation == Evaluation::NoData {
                self.silence.push(*id);
            }
        }
    }

    /// Evaluates readings of a record, from a row on, until a pause is due. Returns the row to go on with, which is the
    /// number of rows at the end.
    pub fn observe_rows(
        &mut self,
        (run, seq): (&Run, u64),
        from: usize,
        arrival: Arrival,
        decisions: &mut Vec<AlertDecision>,
    ) -> usize {
        if run.is_import {
            return run.len();
        }
        let mut row = from;
        while row < run.len() && self.evaluations < EVALUATIONS_AT_ONCE {
            let stream = run.stream[row];
            if !self.by_stream.contains_key(&stream) {
                // Runs are sorted by stream.
                row += run.stream[row..].partition_point(|id| *id <= stream);
                self.evaluations += 1;
                continue;
            }
            let value = run.value[row];
            let text = run.text.as_ref().filter(|text| !text.is_null(row)).map(|text| text.value(row));
            if run.quality[row] != Quality::Bad as u8 {
                let number = (!value.is_nan()).then_some(value);
                let sample = Sample { ts: Micros(run.ts[row]), number, text };
                self.observe((stream, seq), sample, arrival, decisions);
            }
            row += 1;
        }
        row
    }

    /// Gives a reading of a stream, from a record of the log, to its rules.
    pub fn observe(
        &mut self,
        (stream, seq): (i32, u64),
        sample: Sample<'_>,
        arrival: Arrival,
        decisions: &mut Vec<AlertDecision>,
    ) {
        let Some(ids) = self.by_stream.get(&stream) else { return };
        self.evaluations += ids.len();
        if sample.number.is_none() && sample.text.is_none() {
            return;
        }
        self.has_news = true;
        let mut without = Vec::new();
        let is_old = arrival.is_older(sample.ts, MAX_AGE_US);
        for id in ids {
            let Some(watched) = self.rules.get_mut(id).filter(|watched| seq >= watched.from_seq) else {
                continue;
            };
            if is_old && watched.rule.spec.evaluation != Evaluation::NoData {
                without.push(*id);
            }
            if watched.state.is_waiting() {
                // Their time came before this one arrived.
                watched.evaluate_due(&self.counters, (arrival.earliest(), arrival.bound()), decisions);
            }
            let decision = watched
                .evaluate(&self.counters, |state, rule| state.observe(&rule.spec, sample, seq, arrival));
            decisions.extend(decision);
        }
        if !without.is_empty() {
            self.counters.note_old(without.into_iter());
        }
    }

    /// Whether other tasks are to have a turn after so many evaluations; the next ones are counted from here on.
    pub fn takes_pause(&mut self) -> bool {
        let is_due = self.evaluations >= EVALUATIONS_AT_ONCE;
        if is_due {
            self.evaluations = 0;
        }
        is_due
    }

    /// Evaluates readings that were ahead of the clock and whose time has come. Returns whether a rule has forgotten times, because
    /// the clock was set back.
    pub fn notice_due(&mut self, now: Micros, bound: AheadBound, decisions: &mut Vec<AlertDecision>) -> bool {
        let mut has_forgotten = false;
        for watched in self.rules.values_mut() {
            watched.evaluate_due(&self.counters, (now, bound), decisions);
            has_forgotten |= watched.state.take_forgotten();
        }
        has_forgotten
    }

    /// Everything that was to be read again after a start has been given to the rules.
    pub fn end_replay(&mut self) {
        self.rules.values_mut().for_each(|watched| watched.state.end_replay());
    }

    /// Whether rules were given readings since the last call: then what they remember is to be stored soon.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Looks for silent streams.
    pub fn notice_silence(&mut self, at: ClockReading, decisions: &mut Vec<AlertDecision>) {
        for id in &self.silence {
            if let Some(watched) = self.rules.get_mut(id) {
                let decision =
                    watched.evaluate(&self.counters, |state, rule| state.notice_silence(&rule.spec, at));
                decisions.extend(decision);
            }
        }
    }

    /// Evaluates the states that devices show now. Returns whether a rule has anything new to remember.
    pub fn notice_devices(
        &mut self,
        at: ClockReading,
        shown: impl Fn(DeviceId) -> Option<DeviceState>,
        decisions: &mut Vec<AlertDecision>,
    ) -> bool {
        let mut has_news = false;
        for (device, id) in &self.of_devices {
            let Some(shown) = shown(*device) else { continue };
            if let Some(watched) = self.rules.get_mut(id) {
                let before = watched.state.device();
                let decision = watched
                    .evaluate(&self.counters, |state, rule| state.notice_device(&rule.spec, shown, at));
                decisions.extend(decision);
                has_news |= watched.state.device() != before;
            }
        }
        has_news
    }

    /// Whether a device is in the state of a rule, and not yet for long enough: how long is to be stored from time to time.
    pub fn is_timing(&self) -> bool {
        let mut states = self.of_devices.iter().filter_map(|(_, id)| Some(&self.rules.get(id)?.state));
        states.any(|state| !state.is_open && state.device().is_running())
    }

    /// The rules whose number of alerts that were not raised is not stored yet, with that number.
    pub fn unstored_suppressed(&mut self) -> SuppressedAlerts {
        let changed = self.rules.values_mut().filter_map(|watched| {
            let count = watched.state.budget.suppressed;
            let is_new = std::mem::replace(&mut watched.stored_suppressed, count) != count;
            is_new.then_some((watched.rule.id, count))
        });
        changed.collect()
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
