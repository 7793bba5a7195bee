//! The plain program: what the rule of one stream does, by the readings in the order of their arrival. It keeps everything and
//! knows nothing of restarts, but that silence is counted from the start. Silence is time that has passed, whatever the clock was set
//! to meanwhile. Times are microseconds.

use crate::support::rows;
use basalt::domain::StreamId;
use basalt::domain::alert::Severity;
use basalt::domain::alert::rule::{AlertRuleSpec, Evaluation, Operator, Threshold};
use basalt::domain::alert::target::RuleTarget;

pub const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
/// `ingest.max_ahead_live` of the tests.
pub const MAX_AHEAD: i64 = 60 * SECOND;
/// Windows of rules.
const WINDOW: i64 = 30 * SECOND;
/// Rules compare with this; values are never near it.
const LIMIT: f64 = 50.0;

/// A moment: the time that the clock shows, and the time that has passed, which nobody sets.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: i64,
    pub passed: i64,
}

/// A reading as it is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SentReading {
    pub ts: i64,
    pub value: f64,
    pub is_bad: bool,
}

/// Evaluation of a rule, and the pause after its alerts, seconds.
#[derive(Debug, Clone, Copy)]
pub struct RuleKind {
    pub evaluation: Evaluation,
    pub cooldown_s: i64,
}

impl RuleKind {
    /// One of all kinds in turn.
    pub fn nth(nth: usize) -> RuleKind {
        let kinds = rows![
            Evaluation::Value; Evaluation::Avg; Evaluation::Min; Evaluation::Max; Evaluation::Count;
            Evaluation::NoData;
        ];
        let evaluation = kinds[nth % kinds.len()];
        let pauses = if evaluation == Evaluation::NoData { [0; 3] } else { [0, 20, 7200] };
        RuleKind { evaluation, cooldown_s: pauses[nth / kinds.len() % 3] }
    }

    fn limit(self) -> f64 {
        if self.evaluation == Evaluation::Count { 2.0 } else { LIMIT }
    }

    pub fn spec(self, stream: StreamId) -> AlertRuleSpec {
        let compares = self.evaluation != Evaluation::NoData;
        AlertRuleSpec {
            name: format!("rule of {stream}"),
            target: RuleTarget::Stream(stream),
            evaluation: self.evaluation,
            window_s: (self.evaluation != Evaluation::Value).then_some(WINDOW / SECOND),
            operator: compares.then_some(Operator::Gt),
            threshold: compares.then_some(Threshold::Number(self.limit())),
            severity: Severity::Warning,
            cooldown_s: self.cooldown_s,
            auto_resolve: true,
            ..AlertRuleSpec::blank()
        }
    }
}

/// An alert: when it was raised, and whether it was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RaisedAlert {
    pub at: i64,
    pub is_resolved: bool,
}

/// The rule of a stream.
#[derive(Debug)]
pub struct PlainRule {
    kind: RuleKind,
    seen: Vec<(i64, f64)>,
    window: Vec<(i64, f64)>,
    waiting: Vec<(i64, f64)>,
    current: Option<i64>,
    fired_at: Option<i64>,
    /// Of the time that has passed.
    heard_at: i64,
    pub alerts: Vec<RaisedAlert>,
}

impl PlainRule {
    /// A rule that no server watches yet.
    pub fn new(kind: RuleKind) -> PlainRule {
        PlainRule {
            kind,
            seen: Vec::new(),
            window: Vec::new(),
            waiting: Vec::new(),
            current: None,
            fired_at: None,
            heard_at: 0,
            alerts: Vec::new(),
        }
    }

    /// How many readings wait for their time.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The server starts.
    pub fn start(&mut self, at: Moment) {
        self.heard_at = at.passed;
    }

    /// A request arrives with readings of the stream. Of one time the last counts.
    pub fn arrive(&mut self, at: Moment, request: &[SentReading]) {
        let mut rows: Vec<SentReading> = Vec::new();
        for row in request {
            rows.retain(|other| other.ts != row.ts);
            rows.push(*row);
        }
        rows.sort_by_key(|row| row.ts);
        for row in rows.into_iter().filter(|row| !row.is_bad) {
            self.read(at, (row.ts, row.value));
        }
    }

    fn read(&mut self, Moment { now, passed }: Moment, reading: (i64, f64)) {
        let (ts, _) = reading;
        self.forget(now);
        self.heard_at = passed;
        if self.kind.evaluation == Evaluation::NoData {
            return self.decide(ts, false);
        }
        let is_repeated = self.seen.contains(&reading);
        let stands_still = self.seen.last().is_some_and(|last| last.0 == ts && *last != reading);
        if now - ts > HOUR || is_repeated && !stands_still {
            return;
        }
        self.seen.push(reading);
        self.waiting.retain(|other| other.0 != ts);
        if ts > now + MAX_AHEAD {
            self.waiting.push(reading);
        } else {
            self.evaluate(now, reading);
        }
    }

    /// Time passes.
    pub fn look(&mut self, Moment { now, passed }: Moment) {
        self.forget(now);
        self.waiting.sort_by_key(|reading| reading.0);
        while self.waiting.first().is_some_and(|first| first.0 <= now) {
            let due = self.waiting.remove(0);
            if self.current.is_none_or(|current| current < due.0) {
                self.evaluate(now, due);
            }
        }
        if self.kind.evaluation == Evaluation::NoData && passed - self.heard_at >= WINDOW {
            self.decide(now, true);
        }
    }

    /// The clock may have been set back.
    fn forget(&mut self, now: i64) {
        self.fired_at = self.fired_at.filter(|at| *at <= now + MAX_AHEAD);
        self.current = self.current.filter(|at| *at <= now + MAX_AHEAD);
    }

    fn evaluate(&mut self, now: i64, (ts, value): (i64, f64)) {
        self.current = Some(ts);
        self.window.retain(|other| other.0 != ts && other.0 > ts - WINDOW && other.0 <= now + MAX_AHEAD);
        self.window.push((ts, value));
        let inside = || self.window.iter().filter(|other| other.0 <= ts).map(|other| other.1);
        let compared = match self.kind.evaluation {
            Evaluation::Max => inside().fold(f64::MIN, f64::max),
            Evaluation::Min => inside().fold(f64::MAX, f64::min),
            Evaluation::Avg => inside().sum::<f64>() / inside().count() as f64,
            Evaluation::Count => inside().count() as f64,
            Evaluation::Value | Evaluation::NoData | Evaluation::DeviceState => value,
        };
        self.decide(ts, compared > self.kind.limit());
    }

    fn decide(&mut self, at: i64, holds: bool) {
        let open = self.alerts.last_mut().filter(|alert| !alert.is_resolved);
        let passed = self.fired_at.map(|fired| at - fired);
        let pause = self.kind.cooldown_s * SECOND;
        let is_cool = passed.is_none_or(|passed| passed.abs() >= pause || passed < -MAX_AHEAD);
        match open {
            Some(open) if !holds => open.is_resolved = true,
            None if holds && is_cool => {
                self.fired_at = Some(at);
                self.alerts.push(RaisedAlert { at, is_resolved: false });
            }
            _ => {}
        }
    }
}
