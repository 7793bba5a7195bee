//! Random readings, steps of the clock and crashes: a rule decides what a plain program decides.

use proptest::prelude::*;

use super::*;

/// Step that a rule is tested with.
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
        self.waiting.retain(|other| other.0 != ts);
        if ts > now + AHEAD_S {
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
