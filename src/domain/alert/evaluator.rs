//! Evaluation of a rule: what each reading of its stream, or each state of its device, does to the rule's state, and what
//! follows for its alerts. Pure.
//!
//! A state is a function of the readings that it was given, in their order in the log, which is that of their arrival
//! (see [`crate::domain::arrival`]). After a crash the same readings are given again from an earlier state: then
//! [`RuleState::decided_until`], which is stored together with each alert, keeps what was decided before from being decided
//! again. Both positions are places in the log and no times, so that no clock moves them.

mod stored_form;

use serde_json::Value;

use super::budget::AlertBudget;
use super::comparison::{ComparedValue, Content, holds, of_reading, waiting_content};
use super::device_watch::DeviceWatch;
use super::recent::RecentReadings;
use super::rule::{AlertRuleSpec, Evaluation};
use super::sample::Sample;
use super::waiting::{WaitingContent, WaitingReading, WaitingReadings};
use super::window::Window;
use crate::domain::Micros;
use crate::domain::arrival::{AheadBound, Arrival};
use crate::domain::clock_trust::{ClockReading, step};
use crate::domain::device::DeviceState;
use crate::domain::time::MICROS_PER_SECOND;

/// Readings that are older than this when they arrive are not evaluated; that they arrived is noticed nevertheless.
pub const MAX_AGE_US: i64 = 3600 * MICROS_PER_SECOND;
/// An alert that was raised so much after a reading was raised by another clock: its pause says nothing of the reading.
const CLOCK_TOLERANCE_US: i64 = 60 * MICROS_PER_SECOND;
/// A clock that moves by less than this beside the monotonic one was not set.
const MIN_STEP_US: i64 = MICROS_PER_SECOND;

/// Place of a reading in the log: its record, and its time within that, because a record has its readings in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition {
    /// Number of the record.
    pub seq: u64,
    /// Time of the reading.
    pub ts: Micros,
}

/// Consequence for the alerts of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// An alert is raised.
    Fire {
        /// Time of the reading; for silence and for the state of a device the time at which it was noticed.
        at: Micros,
        /// Value that raises the alert ([`super::AlertDetails::value`]).
        value: Value,
    },
    /// The open alert is resolved, because the condition has ended.
    Resolve {
        /// Time of the reading, or that at which the device was seen to have left the state.
        at: Micros,
    },
}

/// Memory of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleState {
    /// Place of the last reading that the rule was given; what is not after it was given before.
    pub last: Option<LogPosition>,
    window: Window,
    /// Readings up to this place were decided on before: they only fill the window.
    pub decided_until: Option<LogPosition>,
    /// Of the readings whose time came after that place and before the next one, those up to this time were decided on too.
    pub decided_due: Option<Micros>,
    /// Time of the last reading whose time has come since the last one that arrived.
    due: Option<Micros>,
    /// Time of the last alert.
    pub fired_at: Option<Micros>,
    /// Time of the last alert if it was forgotten, which is stored because that of the alert itself stays stored.
    forgotten_alert: Option<Micros>,
    /// Whether times were forgotten since the last [`RuleState::take_forgotten`].
    has_forgotten: bool,
    /// Whether an alert of the rule is open.
    pub is_open: bool,
    /// Arrival of the newest reading, or when the rule began to be watched, by the monotonic clock.
    pub heard_at: Micros,
    /// Time of the reading that was evaluated last.
    current: Option<Micros>,
    /// The last readings, of which none is evaluated twice when its sender repeats it.
    recent: RecentReadings,
    /// Readings whose time is still to come.
    waiting: WaitingReadings,
    /// Of a rule on a device what it knows of the device.
    device: DeviceWatch,
    /// When the device was looked at last, in this process.
    device_seen_at: Option<ClockReading>,
    /// How many alerts it may still raise.
    pub budget: AlertBudget,
}

impl Default for RuleState {
    /// A state without readings, of a stream that was never heard of.
    fn default() -> Self {
        RuleState {
            last: None,
            window: Window::default(),
            decided_until: None,
            decided_due: None,
            due: None,
            fired_at: None,
            forgotten_alert: None,
            has_forgotten: false,
            is_open: false,
            heard_at: Micros(i64::MIN),
            current: None,
            recent: RecentReadings::default(),
            waiting: WaitingReadings::default(),
            device: DeviceWatch::default(),
            device_seen_at: None,
            budget: AlertBudget::default(),
        }
    }
}

impl RuleState {
    /// A state without readings, of a stream that is watched from a time of the monotonic clock on.
    pub fn watched_from(monotonic: Micros) -> RuleState {
        RuleState { heard_at: monotonic, ..RuleState::default() }
    }

    /// Takes a reading. One that was given before, or that its sender repeats, does nothing, and one that is old only shows
    /// that the stream is not silent; so does one that is ahead, until its time has come. Any other is evaluated, whatever
    /// the times of those before it.
    pub fn observe(
        &mut self,
        rule: &AlertRuleSpec,
        sample: Sample<'_>,
        seq: u64,
        arrival: Arrival,
    ) -> Option<Decision> {
        let position = LogPosition { seq, ts: sample.ts };
        let is_decided = self.decided_until.is_some_and(|until| position <= until);
        if is_decided {
            // Read again after a crash: what is stored with each alert is of a later clock than this one.
            self.forget_current(arrival.latest_time());
        } else {
            self.follow_clock(arrival.latest_time());
        }
        if let Some(at) = arrival.monotonic() {
            self.heard_at = self.heard_at.max(at);
        }
        if self.last.is_some_and(|last| position <= last) {
            return None;
        }
        (self.last, self.due) = (Some(position), None);
        if rule.evaluation == Evaluation::NoData {
            return if is_decided { None } else { self.decide(rule, sample.ts, None) };
        }
        if arrival.is_older(sample.ts, MAX_AGE_US) || !self.recent.note(sample) {
            return None;
        }
        // Of one time the last that arrived counts, also where the one before still waits.
        self.waiting.remove(sample.ts);
        if arrival.is_ahead(sample.ts) {
            let content = waiting_content(rule, sample)?;
            self.waiting.add(WaitingReading { ts: sample.ts, content });
            return None;
        }
        self.current = Some(sample.ts);
        let cause = match of_reading(rule, sample)? {
            Content::Value(compared) => holds(rule, &compared).then(|| compared.to_json()),
            Content::OfWindow(number) => self.enter_window(rule, (sample.ts, number), arrival.latest_time()),
        };
        if is_decided { None } else { self.decide(rule, sample.ts, cause) }
    }

    /// Evaluates the next reading that was ahead and whose time has come, unless what was evaluated since is newer by its
    /// time. To be called until there is no decision: from time to time, and before each reading with the time of its arrival, so
    /// that after a crash both come in the order in which they came before it.
    pub fn notice_due(&mut self, rule: &AlertRuleSpec, now: Micros, bound: AheadBound) -> Option<Decision> {
        let latest = bound.latest(now);
        // After a crash: what is still to be read again was decided after this one.
        let is_before_decided = self.is_before_decided();
        if is_before_decided {
            self.forget_current(latest);
        } else {
            self.follow_clock(latest);
        }
        // Of several that came after the same reading, those up to the last decision were decided.
        let decided_due = self.decided_due.filter(|_| self.decided_until == self.last);
        while let Some(WaitingReading { ts, content }) = self.waiting.take_due(now) {
            self.due = self.due.max(Some(ts));
            if self.current.is_some_and(|current| current >= ts) {
                continue;
            }
            self.current = Some(ts);
            let cause = match content {
                WaitingContent::Verdict(cause) => cause,
                WaitingContent::Number(number) => self.enter_window(rule, (ts, number), latest),
            };
            let is_decided = is_before_decided
                || decided_due.is_some_and(|until| ts <= until)
                || self.fired_at == Some(ts);
            let decision = if is_decided { None } else { self.decide(rule, ts, cause) };
            if decision.is_some() {
                return decision;
            }
        }
        None
    }

    /// Whether readings that were decided before a crash are still to be read again.
    fn is_before_decided(&self) -> bool {
        self.decided_until.is_some_and(|until| self.last.is_none_or(|last| last < until))
    }

    /// Everything was read again. What was decided then and is not in the log any more does not come.
    pub fn end_replay(&mut self) {
        if self.is_before_decided() {
            self.note_decision();
        }
    }

    /// Everything that was given so far is decided.
    fn note_decision(&mut self) {
        (self.decided_until, self.decided_due) = (self.last, self.due);
    }

    /// Whether readings wait for their time.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Forgets places at or after the end of the log, which are those of another log: its directory was restored.
    pub fn follow_log(&mut self, next_seq: u64) {
        self.last = self.last.filter(|last| last.seq < next_seq);
        self.decided_until = self.decided_until.filter(|until| until.seq < next_seq);
        self.decided_due = self.decided_due.filter(|_| self.decided_until.is_some());
    }

    /// Forgets times that no clock shows any more: after the clock was set back they would silence the rule.
    fn follow_clock(&mut self, latest: Micros) {
        if let Some(at) = self.fired_at.take_if(|at| *at > latest) {
            (self.forgotten_alert, self.has_forgotten) = (Some(at), true);
        }
        self.budget.follow_clock(latest);
        self.forget_current(latest);
    }

    fn forget_current(&mut self, latest: Micros) {
        self.has_forgotten |= self.current.take_if(|at| *at > latest).is_some();
    }

    /// Whether times were forgotten since the last call: the clock may have reached them again after a restart, so that it has to
    /// be stored.
    pub fn take_forgotten(&mut self) -> bool {
        std::mem::take(&mut self.has_forgotten)
    }

    /// The time of the last alert as it is stored with that, unless it was forgotten.
    pub fn unless_forgotten(&self, fired_at: Option<Micros>) -> Option<Micros> {
        fired_at.filter(|_| self.forgotten_alert != fired_at)
    }

    /// Adds a reading to the window. Returns what raises an alert, if the condition holds.
    fn enter_window(
        &mut self,
        rule: &AlertRuleSpec,
        (ts, number): (Micros, f64),
        latest: Micros,
    ) -> Option<Value> {
        let length_us = rule.window_s.unwrap_or_default().saturating_mul(MICROS_PER_SECOND);
        let all = self.window.push((ts, number), length_us, latest);
        let aggregate = match rule.evaluation {
            Evaluation::Count => all.count as f64,
            Evaluation::Avg => all.sum / all.count as f64,
            Evaluation::Min => all.min,
            Evaluation::Max => all.max,
            Evaluation::Value | Evaluation::NoData | Evaluation::DeviceState => return None,
        };
        let compared = ComparedValue::Number { value: aggregate, digits: None };
        holds(rule, &compared).then(|| compared.to_json())
    }

    /// Evaluates the silence of a stream at a moment: the time that has passed, whatever the clock was set to meanwhile.
    pub fn notice_silence(&mut self, rule: &AlertRuleSpec, at: ClockReading) -> Option<Decision> {
        let limit = rule.window_s?.saturating_mul(MICROS_PER_SECOND);
        self.follow_clock(AheadBound::default().latest(at.now));
        let is_silent = at.monotonic.0.saturating_sub(self.heard_at.0) >= limit;
        (rule.evaluation == Evaluation::NoData && is_silent).then_some(())?;
        self.decide(rule, at.now, Some(Value::Null))
    }

    /// Evaluates the state that a device shows at a moment.
    pub fn notice_device(
        &mut self,
        rule: &AlertRuleSpec,
        shown: DeviceState,
        at: ClockReading,
    ) -> Option<Decision> {
        self.follow_clock(AheadBound::default().latest(at.now));
        let set_by_us = self.device_seen_at.map_or(0, |before| step(before, at));
        if set_by_us.saturating_abs() >= MIN_STEP_US {
            self.device.shift(set_by_us);
        }
        self.device_seen_at = Some(at);
        let has_lasted = self.device.observe(rule, shown, at.now)?;
        self.decide(rule, at.now, has_lasted.then(|| ComparedValue::Text(shown.name()).to_json()))
    }

    /// Goes on at `now` with what was stored at `stored_at`: a device was not watched between the two.
    pub fn resume(&mut self, stored_at: Micros, now: Micros) {
        self.device.resume(stored_at, now);
    }

    /// Known facts of the device of a rule on a device: it differs after what has to be stored.
    pub fn device(&self) -> DeviceWatch {
        self.device
    }

    /// The open alert was resolved or deleted by somebody: the next reading may raise another.
    pub fn close(&mut self) {
        self.is_open = false;
        self.note_decision();
    }

    /// `cause` is what raises an alert; `None` when the condition does not hold.
    fn decide(&mut self, rule: &AlertRuleSpec, at: Micros, cause: Option<Value>) -> Option<Decision> {
        let Some(value) = cause else {
            self.budget.end_condition();
            (self.is_open && rule.auto_resolve).then_some(())?;
            self.close();
            return Some(Decision::Resolve { at });
        };
        let cooldown_us = rule.cooldown_s.saturating_mul(MICROS_PER_SECOND);
        let is_cool = self.fired_at.is_none_or(|fired| {
            let passed_us = at.0.saturating_sub(fired.0);
            // The source's clock may have been set back since.
            passed_us.saturating_abs() >= cooldown_us || passed_us < -CLOCK_TOLERANCE_US
        });
        (!self.is_open && is_cool && self.budget.take(at)).then_some(())?;
        (self.is_open, self.fired_at) = (true, Some(at));
        self.note_decision();
        self.forgotten_alert = None;
        Some(Decision::Fire { at, value })
    }
}

#[cfg(test)]
#[path = "arrival_tests.rs"]
mod arrival_tests;
#[cfg(test)]
#[path = "evaluator_tests.rs"]
mod tests;
