//! Tests of rules whose readings come ahead, late and twice, while clocks are set (rest.md A1, A2, A5; plant.md A1).

use super::*;
use crate::domain::StreamId;
use crate::domain::alert::Severity;
use crate::domain::alert::budget::MAX_ALERTS_PER_HOUR;
use crate::domain::alert::rule::{Operator, Threshold};
use crate::domain::alert::target::RuleTarget;

const HOUR_S: i64 = 3600;
const YEAR_S: i64 = 365 * 86_400;
/// When the tests begin, seconds.
const START_S: i64 = 50 * YEAR_S;
const AHEAD_S: i64 = 60;
const WINDOW_S: i64 = 30;

fn rule(evaluation: Evaluation, limit: f64, cooldown_s: i64) -> AlertRuleSpec {
    AlertRuleSpec {
        name: "rule".to_owned(),
        target: RuleTarget::Stream(StreamId(1)),
        evaluation,
        window_s: (evaluation != Evaluation::Value).then_some(WINDOW_S),
        operator: (evaluation != Evaluation::NoData).then_some(Operator::Gt),
        threshold: (evaluation != Evaluation::NoData).then_some(Threshold::Number(limit)),
        severity: Severity::Warning,
        cooldown_s,
        auto_resolve: true,
        ..AlertRuleSpec::blank()
    }
}

fn second(at: i64) -> Micros {
    Micros(at * MICROS_PER_SECOND)
}

fn clock(now_s: i64) -> Arrival {
    Arrival::at(second(now_s), AheadBound::default())
}

/// A rule, its state, a clock and the log.
struct Watch {
    rule: AlertRuleSpec,
    state: RuleState,
    now_s: i64,
    /// By how much somebody has set the clock: the rest is time that has passed.
    set_by_s: i64,
    seq: u64,
    /// Kinds of the decisions, with their seconds.
    decisions: Vec<(char, i64)>,
    /// Time of the last alert, as it is stored with that.
    stored_fired_at: Option<Micros>,
}

impl Watch {
    fn new(rule: AlertRuleSpec) -> Watch {
        let state = RuleState::watched_from(second(START_S));
        let (decisions, stored_fired_at) = (Vec::new(), None);
        Watch { rule, state, now_s: START_S, set_by_s: 0, seq: 0, decisions, stored_fired_at }
    }

    /// Somebody sets the clock.
    fn set_clock(&mut self, by_s: i64) {
        self.now_s += by_s;
        self.set_by_s += by_s;
    }

    fn reading(&self) -> ClockReading {
        ClockReading { now: second(self.now_s), monotonic: second(self.now_s - self.set_by_s) }
    }

    fn note(&mut self, decision: Option<Decision>) {
        if let Some(Decision::Fire { at, .. }) = &decision {
            self.stored_fired_at = Some(*at);
        }
        self.decisions.extend(decision.map(|decision| match decision {
            Decision::Fire { at, .. } => ('F', at.0 / MICROS_PER_SECOND),
            Decision::Resolve { at } => ('R', at.0 / MICROS_PER_SECOND),
        }));
    }

    /// A reading arrives, whose time is so far after the clock.
    fn arrive(&mut self, offset_s: i64, value: f64) {
        self.seq += 1;
        let sample = Sample { ts: second(self.now_s + offset_s), number: Some(value), text: None };
        let arrival = clock(self.now_s).with_monotonic(self.reading().monotonic);
        let decision = self.state.observe(&self.rule, sample, self.seq, arrival);
        self.note(decision);
    }

    fn tick(&mut self) {
        let now = second(self.now_s);
        while let Some(decision) = self.state.notice_due(&self.rule, now, AheadBound::default()) {
            self.note(Some(decision));
        }
        let decision = self.state.notice_silence(&self.rule, self.reading());
        self.note(decision);
    }

    /// A reading arrives each second, with the time of the clock.
    fn run(&mut self, values: &[f64]) -> String {
        let before = self.decisions.len();
        for value in values {
            self.now_s += 1;
            self.arrive(0, *value);
            self.tick();
        }
        self.decisions[before..].iter().map(|(kind, _)| *kind).collect()
    }
}

/// The time that the wrong clock showed comes after all, when the rule has been restarted.
#[test]
fn an_alert_of_a_clock_that_was_set_back_pauses_nothing_after_a_restart() {
    let mut watch = Watch::new(rule(Evaluation::Value, 80.0, 2 * HOUR_S));
    assert_eq!(watch.run(&[90.0, 10.0]), "FR");
    watch.now_s -= HOUR_S;
    watch.tick();
    assert!(watch.state.take_forgotten() && !watch.state.take_forgotten(), "it is stored, once");
    StoredStates::of(&watch).crash(&mut watch);
    watch.now_s += HOUR_S;
    assert_eq!(watch.run(&[90.0, 10.0, 90.0]), "FR", "its own alerts do pause");
}

/// Of two readings that come due together the first changes nothing, because the alert is open, and the second resolves it.
#[test]
fn what_was_due_before_a_crash_is_decided_once() {
    let mut watch = Watch::new(rule(Evaluation::Value, 80.0, 0));
    assert_eq!(watch.run(&[90.0]), "F");
    watch.arrive(HOUR_S, 95.0);
    watch.arrive(HOUR_S + 1, 10.0);
    let stored = StoredStates::of(&watch);
    watch.now_s += 2 * HOUR_S;
    watch.tick();
    stored.crash(&mut watch);
    watch.tick();
    let kinds: String = watch.decisions.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, "FR");
}

#[test]
fn one_reading_of_next_week_silences_no_rule() {
    for evaluation in [Evaluation::Value, Evaluation::Avg, Evaluation::Min, Evaluation::Max] {
        let mut watch = Watch::new(rule(evaluation, 80.0, 0));
        assert_eq!(watch.run(&[10.0]), "");
        watch.arrive(7 * 86_400, 99.0);
        assert!(watch.decisions.is_empty(), "{evaluation:?}: it is ahead");
        watch.now_s += WINDOW_S;
        assert_eq!(watch.run(&[99.0, 99.0]), "F", "{evaluation:?}");
        watch.now_s += WINDOW_S;
        assert_eq!(watch.run(&[10.0]), "R", "{evaluation:?}");
        watch.now_s += 7 * 86_400;
        watch.tick();
        assert_eq!(watch.decisions.len(), 3, "{evaluation:?}: its time has come");
    }
}

#[test]
fn a_reading_that_was_ahead_is_evaluated_when_its_time_has_come() {
    let mut watch = Watch::new(rule(Evaluation::Value, 80.0, 0));
    watch.arrive(AHEAD_S + 1, 99.0);
    watch.now_s += AHEAD_S;
    watch.tick();
    assert_eq!(watch.decisions, []);
    watch.now_s += 1;
    watch.tick();
    assert_eq!(watch.decisions, [('F', START_S + AHEAD_S + 1)]);
}

#[test]
fn a_reading_that_was_ahead_and_is_overwritten_is_not_evaluated() {
    for evaluation in [Evaluation::Value, Evaluation::Avg] {
        let mut watch = Watch::new(rule(evaluation, 80.0, 0));
        watch.arrive(AHEAD_S + 10, 5.0);
        watch.now_s += AHEAD_S;
        // Of the same time, which is within the bound now; then one that is late.
        watch.arrive(10, 99.0);
        watch.arrive(-WINDOW_S, 99.0);
        watch.now_s += 10;
        watch.tick();
        assert_eq!(watch.decisions, [('F', START_S + AHEAD_S + 10)], "{evaluation:?}");
        // One that raises nothing overwrites one that would.
        let mut watch = Watch::new(rule(evaluation, 80.0, 0));
        watch.arrive(AHEAD_S + 10, 99.0);
        watch.now_s += AHEAD_S;
        watch.arrive(10, 5.0);
        watch.arrive(-WINDOW_S, 5.0);
        watch.now_s += 10;
        watch.tick();
        assert_eq!(watch.decisions, [], "{evaluation:?}");
    }
}

#[test]
fn a_clock_that_is_set_silences_no_rule_and_repeats_no_alert() {
    for step_s in [-YEAR_S, -HOUR_S, -AHEAD_S, -1, HOUR_S, YEAR_S] {
        for evaluation in [Evaluation::Value, Evaluation::Avg, Evaluation::Min, Evaluation::Max] {
            let mut watch = Watch::new(rule(evaluation, 80.0, 0));
            assert_eq!(watch.run(&[99.0, 99.0]), "F");
            watch.now_s += step_s;
            assert_eq!(watch.run(&[99.0]), "", "{evaluation:?} {step_s}: it is open");
            watch.now_s += 2 * WINDOW_S + AHEAD_S;
            assert_eq!(watch.run(&[10.0]), "R", "{evaluation:?} {step_s}");
            watch.now_s += 2 * WINDOW_S;
            assert_eq!(watch.run(&[99.0]), "F", "{evaluation:?} {step_s}");
        }
    }
}

#[test]
fn silence_is_that_of_arrivals_whatever_their_times() {
    for step_s in [-YEAR_S, -HOUR_S, HOUR_S, YEAR_S] {
        let mut watch = Watch::new(rule(Evaluation::NoData, 0.0, 0));
        assert_eq!(watch.run(&[1.0; 40]), "");
        watch.set_clock(step_s);
        watch.tick();
        assert_eq!(watch.decisions, [], "{step_s}: nobody was silent");
        assert_eq!(watch.run(&[1.0; 40]), "", "{step_s}: data arrive");
        watch.now_s += WINDOW_S - 1;
        watch.tick();
        watch.set_clock(step_s);
        watch.tick();
        assert_eq!(watch.decisions, [], "{step_s}: no step is time that passes");
        watch.now_s += 1;
        watch.tick();
        assert_eq!(watch.decisions, [('F', watch.now_s)], "{step_s}: none arrive any more");
    }
    for offset_s in [-YEAR_S, -2 * HOUR_S, 2 * HOUR_S, YEAR_S] {
        let mut watch = Watch::new(rule(Evaluation::NoData, 0.0, 0));
        watch.now_s += WINDOW_S;
        watch.tick();
        watch.arrive(offset_s, 1.0);
        let kinds: String = watch.decisions.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, "FR", "{offset_s}: data arrive again");
        watch.tick();
        assert_eq!(watch.decisions.len(), 2);
    }
}

#[test]
fn silence_is_counted_from_the_begin_of_a_watch_also_when_older_readings_are_read_again() {
    let begin_s = START_S + 10 * WINDOW_S;
    let mut watch = Watch::new(rule(Evaluation::NoData, 0.0, 0));
    watch.state = RuleState::watched_from(second(begin_s));
    for (seq, arrived_s) in (1..).zip([START_S, START_S + 2 * WINDOW_S]) {
        let sample = Sample { ts: second(arrived_s), number: Some(1.0), text: None };
        let decision = watch.state.observe(&watch.rule, sample, seq, clock(arrived_s).read_again());
        assert_eq!(decision, None);
    }
    for (after_s, expected) in [(0, ""), (WINDOW_S - 1, ""), (WINDOW_S, "F")] {
        watch.now_s = begin_s + after_s;
        watch.tick();
        let kinds: String = watch.decisions.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, expected, "{after_s} s after the begin");
    }
}

#[test]
fn an_alert_of_a_clock_that_was_ahead_holds_no_other_back() {
    for step_s in [-YEAR_S, -2 * HOUR_S] {
        let mut watch = Watch::new(rule(Evaluation::Value, 80.0, HOUR_S / 2));
        assert_eq!(watch.run(&[99.0, 10.0, 99.0]), "FR", "the pause");
        watch.now_s += step_s;
        assert_eq!(watch.run(&[99.0]), "F", "{step_s}");
        let mut watch = Watch::new(rule(Evaluation::Value, 80.0, 0));
        let values: Vec<f64> =
            (0..2 * MAX_ALERTS_PER_HOUR + 2).map(|n| f64::from((n + 1) % 2 * 99)).collect();
        let raised = watch.run(&values);
        assert_eq!(raised.len(), 2 * MAX_ALERTS_PER_HOUR as usize, "the hour has enough");
        watch.now_s += step_s;
        assert_eq!(watch.run(&[99.0]), "F", "{step_s}: it is another hour");
    }
}

/// A state as it was stored, and the readings that were given since, with the clock at their arrival.
struct StoredStates {
    bytes: Vec<u8>,
    since: Vec<(u64, i64, i64, f64)>,
    /// Whether the clock was set back meanwhile: the log does not say what was due before that.
    is_set_back: bool,
}

impl StoredStates {
    fn of(watch: &Watch) -> StoredStates {
        StoredStates { bytes: watch.state.encode(), since: Vec::new(), is_set_back: false }
    }

    /// The rule begins with what was stored, and is given the rest of the log again.
    fn crash(&self, watch: &mut Watch) {
        let before = watch.decisions.len();
        let mut state = RuleState::decode(&self.bytes, second(watch.now_s)).expect("what was stored is read");
        let old = &watch.state;
        // What is stored with each decision.
        state.fired_at = state.unless_forgotten(watch.stored_fired_at);
        (state.decided_until, state.decided_due) = (old.decided_until, old.decided_due);
        state.is_open = old.is_open;
        state.budget = AlertBudget { is_held_back: state.budget.is_held_back, ..old.budget };
        for (seq, now_s, ts_s, value) in &self.since {
            let sample = Sample { ts: second(*ts_s), number: Some(*value), text: None };
            let arrival = clock(*now_s).read_again();
            let due = state.notice_due(&watch.rule, arrival.earliest(), arrival.bound());
            assert_eq!(due, None, "what was due before it was decided before");
            let decision = state.observe(&watch.rule, sample, *seq, arrival);
            assert_eq!(decision, None, "it was decided before");
        }
        watch.state = state;
        assert_eq!(watch.decisions.len(), before);
    }
}

#[path = "arrival_model_tests.rs"]
mod model;
