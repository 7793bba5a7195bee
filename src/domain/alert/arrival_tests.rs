//! Tests of rules whose readings come ahead, late and twice, while clocks are set (rest.md A1, A2, A5; plant.md A1).

use proptest::prelude::*;

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
        enabled: true,
        channels: Vec::new(),
        description: None,
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
    seq: u64,
    /// Kinds of the decisions, with their seconds.
    decisions: Vec<(char, i64)>,
    /// Time of the last alert, as it is stored with that.
    stored_fired_at: Option<Micros>,
}

impl Watch {
    fn new(rule: AlertRuleSpec) -> Watch {
        let state = RuleState::watched_from(second(START_S));
        Watch { rule, state, now_s: START_S, seq: 0, decisions: Vec::new(), stored_fired_at: None }
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
        let decision = self.state.observe(&self.rule, sample, self.seq, clock(self.now_s));
        self.note(decision);
    }

    fn tick(&mut self) {
        let now = second(self.now_s);
        while let Some(decision) = self.state.notice_due(&self.rule, now, AheadBound::default()) {
            self.note(Some(decision));
        }
        let decision = self.state.notice_silence(&self.rule, now);
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
    for step_s in [-YEAR_S, -HOUR_S] {
        let mut watch = Watch::new(rule(Evaluation::NoData, 0.0, 0));
        assert_eq!(watch.run(&[1.0; 40]), "");
        watch.now_s += step_s;
        assert_eq!(watch.run(&[1.0; 40]), "", "{step_s}: data arrive");
        watch.now_s += WINDOW_S + 1;
        watch.tick();
        assert_eq!(watch.decisions.pop().map(|(kind, _)| kind), Some('F'), "{step_s}: none arrive any more");
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

/// What is done to a rule.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A reading arrives: its time after the clock, and whether its value is high.
    Arrive(i64, bool),
    /// The reading of so many before arrives again.
    Repeat(usize),
    /// Time passes, or the clock is set.
    Clock(i64),
    Save,
    /// The process is killed, and goes on with what it saved.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let offset = prop_oneof![
        6 => -40_i64..=AHEAD_S,
        1 => -2 * HOUR_S..=0,
        1 => AHEAD_S..=200,
        1 => prop::sample::select(vec![-YEAR_S, -HOUR_S, HOUR_S, YEAR_S]),
    ];
    let clock = prop_oneof![
        8 => 0_i64..=20,
        1 => prop::sample::select(vec![-YEAR_S, -HOUR_S, HOUR_S, YEAR_S, -90, 90]),
    ];
    let step = prop_oneof![
        8 => (offset, any::<bool>()).prop_map(|(offset_s, is_high)| Step::Arrive(offset_s, is_high)),
        1 => (1_usize..5).prop_map(Step::Repeat),
        6 => clock.prop_map(Step::Clock),
        1 => Just(Step::Save),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

/// A plain program that does what a rule is to do. It keeps every reading, and times are seconds.
struct Plain {
    evaluation: Evaluation,
    limit: f64,
    cooldown_s: i64,
    seen: Vec<(i64, f64)>,
    window: Vec<(i64, f64)>,
    waiting: Vec<(i64, f64)>,
    current: Option<i64>,
    fired_at: Option<i64>,
    is_open: bool,
    decisions: Vec<(char, i64)>,
}

impl Plain {
    fn arrive(&mut self, now: i64, reading: (i64, f64)) {
        let (ts, _) = reading;
        self.forget(now);
        let is_repeated = self.seen.contains(&reading);
        let stands_still = self.seen.last().is_some_and(|last| last.0 == ts && *last != reading);
        if now - ts > HOUR_S || is_repeated && !stands_still {
            return;
        }
        self.seen.push(reading);
        if ts > now + AHEAD_S {
            self.waiting.retain(|other| other.0 != ts);
            self.waiting.push(reading);
        } else {
            self.evaluate(now, reading, false);
        }
    }

    fn tick(&mut self, now: i64) {
        self.forget(now);
        self.waiting.sort_by_key(|reading| reading.0);
        while self.waiting.first().is_some_and(|first| first.0 <= now) {
            let due = self.waiting.remove(0);
            if self.current.is_none_or(|current| current < due.0) {
                self.evaluate(now, due, true);
            }
        }
    }

    fn forget(&mut self, now: i64) {
        self.fired_at = self.fired_at.filter(|at| *at <= now + AHEAD_S);
        self.current = self.current.filter(|at| *at <= now + AHEAD_S);
    }

    fn evaluate(&mut self, now: i64, (ts, value): (i64, f64), is_due: bool) {
        self.current = Some(ts);
        self.window.retain(|other| other.0 != ts && other.0 > ts - WINDOW_S && other.0 <= now + AHEAD_S);
        self.window.push((ts, value));
        let inside: Vec<f64> =
            self.window.iter().filter(|other| other.0 <= ts).map(|other| other.1).collect();
        let compared = match self.evaluation {
            Evaluation::Value => value,
            Evaluation::Max => inside.iter().copied().fold(f64::MIN, f64::max),
            Evaluation::Min => inside.iter().copied().fold(f64::MAX, f64::min),
            _ => inside.len() as f64,
        };
        let passed = self.fired_at.map(|fired| ts - fired);
        let is_cool = passed.is_none_or(|passed| passed.abs() >= self.cooldown_s || passed < -AHEAD_S);
        // After a crash nobody knows more of the reading that raised the last alert than its time.
        let is_decided = is_due && self.fired_at == Some(ts);
        if is_decided {
            return;
        }
        if compared > self.limit && !self.is_open && is_cool {
            (self.is_open, self.fired_at) = (true, Some(ts));
            self.decisions.push(('F', ts));
        } else if compared <= self.limit && self.is_open {
            self.is_open = false;
            self.decisions.push(('R', ts));
        }
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

proptest! {
    /// Readings ahead, late, repeated, steps of the clock, and crashes: what is decided is what the plain program decides.
    #[test]
    fn a_rule_decides_what_a_plain_program_decides(
        steps in steps(),
        evaluation in prop::sample::select(vec![Evaluation::Value, Evaluation::Max, Evaluation::Min, Evaluation::Count]),
        cooldown_s in prop::sample::select(vec![0, 20, 2 * HOUR_S]),
    ) {
        let limit = if evaluation == Evaluation::Count { 2.0 } else { 80.0 };
        let mut watch = Watch::new(rule(evaluation, limit, cooldown_s));
        let (seen, window, waiting, decisions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (current, fired_at, is_open) = (None, None, false);
        let mut plain =
            Plain { evaluation, limit, cooldown_s, seen, window, waiting, current, fired_at, is_open, decisions };
        let mut saved = StoredStates::of(&watch);
        let mut sent: Vec<(i64, f64)> = Vec::new();
        for step in steps {
            let reading = match step {
                // Every value is another, so that only what is repeated is the same.
                Step::Arrive(offset_s, is_high) => {
                    let value = sent.len() as f64 / 1000.0 + if is_high { 90.0 } else { 0.0 };
                    Some((watch.now_s + offset_s, value))
                }
                Step::Repeat(back) => sent.len().checked_sub(back).map(|nth| sent[nth]),
                _ => None,
            };
            match step {
                Step::Clock(by_s) => {
                    watch.now_s += by_s;
                    saved.is_set_back |= by_s < 0;
                }
                Step::Save => saved = StoredStates::of(&watch),
                Step::Crash if !saved.is_set_back => saved.crash(&mut watch),
                _ => {}
            }
            if let Some((ts, value)) = reading.filter(|_| plain.waiting.len() < crate::domain::alert::waiting::MAX_WAITING) {
                sent.push((ts, value));
                watch.arrive(ts - watch.now_s, value);
                plain.arrive(watch.now_s, (ts, value));
                saved.since.push((watch.seq, watch.now_s, ts, value));
            }
            watch.tick();
            plain.tick(watch.now_s);
            prop_assert_eq!(&watch.decisions, &plain.decisions, "after {:?}", step);
        }
    }
}
