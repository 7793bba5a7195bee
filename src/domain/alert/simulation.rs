//! Simulation of a rule: its evaluation over readings of the past, in the order of their times. Pure.
//!
//! Nobody resolved the alerts that were never raised, so each is resolved when its condition ends, as with
//! [`AlertRuleSpec::auto_resolve`]; without that a rule would raise a single one.

use serde_json::Value;

use super::evaluator::{Decision, RuleState};
use super::rule::{AlertRuleSpec, Evaluation};
use super::sample::Sample;
use crate::domain::Micros;
use crate::domain::arrival::{AheadBound, Arrival};
use crate::domain::clock_trust::ClockReading;
use crate::domain::time::MICROS_PER_SECOND;

/// Alerts that a simulation keeps; further ones are counted only.
pub const MAX_KEPT_ALERTS: usize = 1000;
const HOUR_US: i64 = 3600 * MICROS_PER_SECOND;

/// An alert that a rule would have raised.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedAlert {
    /// Time of the reading that raises it, or at which silence is noticed.
    pub at: Micros,
    /// Value that raises the alert ([`super::AlertDetails::value`]).
    pub value: Value,
    /// Text of the alert for people.
    pub message: String,
    /// When its condition ended; `None` if that was not within the range.
    pub resolved_at: Option<Micros>,
}

/// Outcome of a simulated rule over a range of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SimulationResult {
    /// The first [`MAX_KEPT_ALERTS`] alerts, in the order of time.
    pub alerts: Vec<SimulatedAlert>,
    /// Number of all alerts.
    pub raised: usize,
    /// Alerts that would not have been raised because the rule had raised enough in the hour.
    pub suppressed: u64,
    /// Number of readings that were evaluated.
    pub readings: usize,
}

/// The evaluation of a rule over a range.
#[derive(Debug)]
pub struct Simulation {
    rule: AlertRuleSpec,
    state: RuleState,
    result: SimulationResult,
}

impl Simulation {
    /// A rule that begins to watch its stream at `from`.
    pub fn new(rule: AlertRuleSpec, from: Micros) -> Simulation {
        let rule = AlertRuleSpec { auto_resolve: true, ..rule };
        Simulation { rule, state: RuleState::watched_from(from), result: SimulationResult::default() }
    }

    /// Evaluates a reading, which is newer than all before and arrived at its time.
    pub fn observe(&mut self, sample: Sample<'_>) {
        if sample.number.is_none() && sample.text.is_none() {
            return;
        }
        self.pass_silence(sample.ts);
        self.result.readings += 1;
        let arrival = Arrival::at(sample.ts, AheadBound::default());
        let decision = self.state.observe(&self.rule, sample, self.result.readings as u64, arrival);
        self.apply(decision);
    }

    /// Ends at `to`, which does not belong to the range.
    pub fn finish(mut self, to: Micros) -> SimulationResult {
        self.pass_silence(to);
        self.result.suppressed = self.state.budget.suppressed;
        self.result
    }

    /// Notices the silence before a moment, at the times at which an alert may be raised.
    fn pass_silence(&mut self, until: Micros) {
        let (Evaluation::NoData, Some(window_s)) = (self.rule.evaluation, self.rule.window_s) else { return };
        let silent_at = self.state.heard_at.0.saturating_add(window_s.saturating_mul(MICROS_PER_SECOND));
        let cooldown_us = self.rule.cooldown_s.saturating_mul(MICROS_PER_SECOND);
        let cool_at = self.state.fired_at.map_or(i64::MIN, |fired| fired.0.saturating_add(cooldown_us));
        let mut at = silent_at.max(cool_at);
        while !self.state.is_open && at < until.0 {
            let decision = self.state.notice_silence(&self.rule, ClockReading::steady(Micros(at)));
            self.apply(decision);
            // The hour has enough alerts: the next one may have another.
            at = at.div_euclid(HOUR_US).saturating_add(1).saturating_mul(HOUR_US);
        }
    }

    fn apply(&mut self, decision: Option<Decision>) {
        match decision {
            Some(Decision::Fire { at, value }) => {
                self.result.raised += 1;
                if self.result.alerts.len() < MAX_KEPT_ALERTS {
                    let message = self.rule.message(&value);
                    self.result.alerts.push(SimulatedAlert { at, value, message, resolved_at: None });
                }
            }
            Some(Decision::Resolve { at }) if self.result.raised == self.result.alerts.len() => {
                if let Some(open) = self.result.alerts.last_mut() {
                    open.resolved_at = Some(at);
                }
            }
            Some(Decision::Resolve { .. }) | None => {}
        }
    }
}

#[cfg(test)]
#[path = "simulation_tests.rs"]
mod tests;
