//! Evaluation of a rule: what each reading of its stream, or each state of its device, does to the rule's state, and what
//! follows for its alerts. Pure.
//!
//! A state is a function of the readings that it was given, in their order in the log. After a crash the same readings
//! are given again from an earlier state: then [`RuleState::decided_until`], which is stored together with each alert,
//! keeps what was decided before from being decided again.

use serde_json::Value;

use super::budget::AlertBudget;
use super::device_watch::DeviceWatch;
use super::rule::{AlertRuleSpec, Evaluation, Operator, Threshold};
use super::window::{Window, take};
use crate::domain::Micros;
use crate::domain::device::DeviceState;
use crate::domain::time::MICROS_PER_SECOND;

/// Most characters of a text that an alert shows.
const MAX_SHOWN_CHARS: usize = 1000;
const VERSION: u8 = 2;
/// The form without rules on devices: it ends with the window.
const VERSION_OF_READINGS: u8 = 1;
/// Bits of the stored form.
const HAS_LAST: u8 = 1;
const IS_HELD_BACK: u8 = 2;

/// A reading that has a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// Its time.
    pub ts: Micros,
    /// 0 or 1 of a boolean; `None` for a text.
    pub number: Option<f64>,
    /// Text; of a whole number beyond ±2^53 its digits.
    pub text: Option<&'a str>,
}

/// What follows for the alerts of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// An alert is raised.
    Fire {
        /// Time of the reading; for silence and for the state of a device the time at which it was noticed.
        at: Micros,
        /// As [`super::AlertDetails::value`].
        value: Value,
    },
    /// The open alert is resolved, because the condition has ended.
    Resolve {
        /// Time of the reading, or that at which the device was seen to have left the state.
        at: Micros,
    },
}

/// What a rule remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleState {
    /// Time of the newest reading that was evaluated; older ones are not.
    pub last: Option<Micros>,
    window: Window,
    /// Readings up to this time were decided on before: they only fill the window.
    pub decided_until: Option<Micros>,
    /// Time of the last alert.
    pub fired_at: Option<Micros>,
    /// Whether an alert of the rule is open.
    pub is_open: bool,
    /// Arrival of the newest reading, or when the rule began to be watched.
    pub heard_at: Micros,
    /// Of a rule on a device what it knows of the device.
    device: DeviceWatch,
    /// How many alerts it may still raise.
    pub budget: AlertBudget,
}

impl Default for RuleState {
    /// A state without readings, of a stream that was never heard of.
    fn default() -> Self {
        let heard_at = Micros(i64::MIN);
        RuleState {
            last: None,
            window: Window::default(),
            decided_until: None,
            fired_at: None,
            is_open: false,
            heard_at,
            device: DeviceWatch::default(),
            budget: AlertBudget::default(),
        }
    }
}

impl RuleState {
    /// A state without readings, of a stream that is watched from `now` on.
    pub fn watched_from(now: Micros) -> RuleState {
        RuleState { heard_at: now, ..RuleState::default() }
    }

    /// Evaluates a reading that arrived at `arrived`. Readings that are not newer than the last one do nothing.
    pub fn observe(&mut self, rule: &AlertRuleSpec, sample: Sample<'_>, arrived: Micros) -> Option<Decision> {
        if self.last.is_some_and(|last| sample.ts <= last) {
            return None;
        }
        self.last = Some(sample.ts);
        self.heard_at = self.heard_at.max(arrived);
        let compared = self.compared(rule, sample)?;
        if self.decided_until.is_some_and(|until| sample.ts <= until) {
            return None;
        }
        self.decide(rule, sample.ts, holds(rule, &compared).then_some(compared))
    }

    /// Evaluates the silence of a stream at a moment.
    pub fn notice_silence(&mut self, rule: &AlertRuleSpec, now: Micros) -> Option<Decision> {
        let limit = rule.window_s?.saturating_mul(MICROS_PER_SECOND);
        let is_silent = now.0.saturating_sub(self.heard_at.0) >= limit;
        (rule.evaluation == Evaluation::NoData && is_silent).then_some(())?;
        self.decide(rule, now, Some(ComparedValue::Nothing))
    }

    /// Evaluates the state that a device shows at a moment.
    pub fn notice_device(
        &mut self,
        rule: &AlertRuleSpec,
        shown: DeviceState,
        now: Micros,
    ) -> Option<Decision> {
        let has_lasted = self.device.observe(rule, shown, now)?;
        self.decide(rule, now, has_lasted.then(|| ComparedValue::Text(shown.name())))
    }

    /// Goes on at `now` with what was stored at `stored_at`: a device was not watched between the two.
    pub fn resume(&mut self, stored_at: Micros, now: Micros) {
        self.device.resume(stored_at, now);
    }

    /// What is known of the device of a rule on a device: it differs after what has to be stored.
    pub fn device(&self) -> DeviceWatch {
        self.device
    }

    /// The open alert was resolved or deleted by somebody: the next reading may raise another.
    pub fn close(&mut self) {
        self.is_open = false;
        self.decided_until = self.last;
    }

    /// What the operator compares. `None` when the reading has no such value.
    fn compared<'a>(&mut self, rule: &AlertRuleSpec, sample: Sample<'a>) -> Option<ComparedValue<'a>> {
        let length_us = rule.window_s.unwrap_or_default().saturating_mul(MICROS_PER_SECOND);
        let number = || sample.number.or_else(|| sample.text?.parse().ok()).filter(|n: &f64| n.is_finite());
        match rule.evaluation {
            Evaluation::NoData => Some(ComparedValue::Data),
            Evaluation::DeviceState => None,
            Evaluation::Value => match (rule.operator?, &rule.threshold) {
                (Operator::IsTrue | Operator::IsFalse, _) => Some(ComparedValue::Boolean(number()? != 0.0)),
                (_, Some(Threshold::Text(_))) => sample.text.map(ComparedValue::Text),
                _ => number().map(ComparedValue::Number),
            },
            Evaluation::Count => {
                Some(ComparedValue::Number(self.window.push(sample.ts, 0.0, length_us).count as f64))
            }
            Evaluation::Avg => {
                let all = self.window.push(sample.ts, number()?, length_us);
                Some(ComparedValue::Number(all.sum / all.count as f64))
            }
            Evaluation::Min => {
                Some(ComparedValue::Number(self.window.push(sample.ts, number()?, length_us).min))
            }
            Evaluation::Max => {
                Some(ComparedValue::Number(self.window.push(sample.ts, number()?, length_us).max))
            }
        }
    }

    /// `cause` is what raises an alert; `None` when the condition does not hold.
    fn decide(
        &mut self,
        rule: &AlertRuleSpec,
        at: Micros,
        cause: Option<ComparedValue<'_>>,
    ) -> Option<Decision> {
        let Some(cause) = cause else {
            self.budget.end_condition();
            (self.is_open && rule.auto_resolve).then_some(())?;
            self.close();
            return Some(Decision::Resolve { at });
        };
        let cooldown_us = rule.cooldown_s.saturating_mul(MICROS_PER_SECOND);
        let is_cool = self.fired_at.is_none_or(|fired| at.0.saturating_sub(fired.0) >= cooldown_us);
        (!self.is_open && is_cool && self.budget.take(at)).then_some(())?;
        (self.is_open, self.fired_at, self.decided_until) = (true, Some(at), self.last);
        Some(Decision::Fire { at, value: cause.to_json() })
    }

    /// The stored form of what readings and states of a device alone make of a state: the last reading, the window, and
    /// what is known of the device.
    pub fn encode(&self) -> Vec<u8> {
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let flags = flag(self.last.is_some(), HAS_LAST) | flag(self.budget.is_held_back, IS_HELD_BACK);
        let mut out = vec![VERSION, flags];
        out.extend(self.last.unwrap_or(Micros(0)).0.to_le_bytes());
        self.window.encode(&mut out);
        self.device.encode(&mut out);
        out
    }

    /// Reads the stored form into a state without alerts that began to be watched at `now`; `None` for anything else.
    pub fn decode(bytes: &[u8], now: Micros) -> Option<RuleState> {
        let mut rest = bytes;
        let [version, flags] = take(&mut rest)?;
        let last = Micros(i64::from_le_bytes(take(&mut rest)?));
        let window = Window::decode(&mut rest)?;
        let device = match version {
            VERSION => DeviceWatch::decode(&mut rest)?,
            VERSION_OF_READINGS => DeviceWatch::default(),
            _ => return None,
        };
        let is_sound = flags & !(HAS_LAST | IS_HELD_BACK) == 0 && rest.is_empty();
        let last = (flags & HAS_LAST != 0).then_some(last);
        let budget = AlertBudget { is_held_back: flags & IS_HELD_BACK != 0, ..AlertBudget::default() };
        is_sound.then_some(RuleState { last, window, heard_at: now, device, budget, ..RuleState::default() })
    }
}

/// What an operator compares with the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ComparedValue<'a> {
    Number(f64),
    Boolean(bool),
    Text(&'a str),
    /// A reading of a stream that is watched for silence.
    Data,
    /// Silence.
    Nothing,
}

impl ComparedValue<'_> {
    fn to_json(self) -> Value {
        match self {
            ComparedValue::Number(number) => Value::from(number),
            ComparedValue::Boolean(is_true) => Value::from(is_true),
            ComparedValue::Text(text) => Value::from(text.chars().take(MAX_SHOWN_CHARS).collect::<String>()),
            ComparedValue::Data | ComparedValue::Nothing => Value::Null,
        }
    }
}

/// Whether the condition of the rule holds. Numbers are compared as they are, without a tolerance.
fn holds(rule: &AlertRuleSpec, compared: &ComparedValue<'_>) -> bool {
    let Some(operator) = rule.operator else { return false };
    match (compared, operator, &rule.threshold) {
        (ComparedValue::Boolean(is_true), Operator::IsTrue, _) => *is_true,
        (ComparedValue::Boolean(is_true), Operator::IsFalse, _) => !*is_true,
        (ComparedValue::Text(text), Operator::Contains, Some(Threshold::Text(part))) => {
            text.contains(part.as_str())
        }
        (ComparedValue::Text(text), Operator::Eq, Some(Threshold::Text(whole))) => text == whole,
        (ComparedValue::Number(number), _, Some(Threshold::Number(limit))) => match operator {
            Operator::Gt => number > limit,
            Operator::Gte => number >= limit,
            Operator::Lt => number < limit,
            Operator::Lte => number <= limit,
            Operator::Eq => number == limit,
            Operator::Neq => number != limit,
            Operator::IsTrue | Operator::IsFalse | Operator::Contains => false,
        },
        _ => false,
    }
}

#[cfg(test)]
#[path = "evaluator_tests.rs"]
mod tests;
