//! Tests of the evaluation of rules.

use proptest::prelude::*;

use super::stored_form::VERSION;
use super::*;
use crate::domain::StreamId;
use crate::domain::alert::Severity;
use crate::domain::alert::budget::MAX_ALERTS_PER_HOUR;
use crate::domain::alert::rule::{Operator, Threshold};
use crate::domain::alert::target::RuleTarget;

fn rule(operator: Operator, threshold: Option<Threshold>) -> AlertRuleSpec {
    AlertRuleSpec {
        name: "rule".to_owned(),
        target: RuleTarget::Stream(StreamId(1)),
        evaluation: Evaluation::Value,
        operator: Some(operator),
        threshold,
        severity: Severity::Warning,
        cooldown_s: 0,
        auto_resolve: true,
        ..AlertRuleSpec::blank()
    }
}

/// An arrival while the clock shows this.
fn at(now: Micros) -> Arrival {
    Arrival::at(now, AheadBound::default())
}

/// The record of the log of a reading: in these tests each has its own, numbered by the second.
fn seq_of(sample: &Sample<'_>) -> u64 {
    (sample.ts.0 / MICROS_PER_SECOND).unsigned_abs() + 1
}

fn number(ts_s: i64, value: f64) -> Sample<'static> {
    Sample { ts: Micros(ts_s * MICROS_PER_SECOND), number: Some(value), text: None }
}

/// Gives readings one second apart, and returns `F`, `R` or `-` for each.
fn run(rule: &AlertRuleSpec, state: &mut RuleState, from_s: i64, values: &[f64]) -> String {
    let decisions = values.iter().enumerate().map(|(nth, value)| {
        let sample = number(from_s + nth as i64, *value);
        match state.observe(rule, sample, seq_of(&sample), at(sample.ts)) {
            Some(Decision::Fire { at, .. }) if at == sample.ts => 'F',
            Some(Decision::Resolve { at }) if at == sample.ts => 'R',
            None => '-',
            other => panic!("{other:?}"),
        }
    });
    decisions.collect()
}

#[test]
fn every_operator_compares_as_it_says() {
    let nan_free = [79.0, 80.0, 80.5];
    let rows = [
        (Operator::Gt, [false, false, true]),
        (Operator::Gte, [false, true, true]),
        (Operator::Lt, [true, false, false]),
        (Operator::Lte, [true, true, false]),
        (Operator::Eq, [false, true, false]),
        (Operator::Neq, [true, false, true]),
        (Operator::Contains, [false, false, false]),
    ];
    for (operator, expected) in rows {
        let rule = rule(operator, Some(Threshold::Number(80.0)));
        let found = nan_free.map(|value| run(&rule, &mut RuleState::default(), 0, &[value]) == "F");
        assert_eq!(found, expected, "{}", operator.name());
    }
    for (operator, expected) in [(Operator::IsTrue, "F-"), (Operator::IsFalse, "-F")] {
        let rule = rule(operator, None);
        let found: String =
            [1.0, 0.0].map(|value| run(&rule, &mut RuleState::default(), 0, &[value])).concat();
        assert_eq!(found, expected);
    }
    let texts = [("overheated", true, false), ("heat", true, true), ("cold", false, false)];
    for (text, contains, is_equal) in texts {
        for (operator, expected) in [(Operator::Contains, contains), (Operator::Eq, is_equal)] {
            let rule = rule(operator, Some(Threshold::Text("heat".to_owned())));
            let sample = Sample { ts: Micros(1), number: None, text: Some(text) };
            let found = RuleState::default().observe(&rule, sample, 1, at(Micros(1)));
            assert_eq!(found.is_some(), expected, "{text}");
        }
    }
}

#[test]
fn a_whole_number_that_is_stored_as_text_is_a_number() {
    let rule = rule(Operator::Gt, Some(Threshold::Number(9e15)));
    let sample = Sample { ts: Micros(1), number: None, text: Some("9223372036854775807") };
    let decision = RuleState::default().observe(&rule, sample, 1, at(Micros(1)));
    let Some(Decision::Fire { value, .. }) = decision else { panic!("{decision:?}") };
    // The alert shows each of its digits.
    assert_eq!(value.to_string(), "9223372036854775807");
}

#[test]
fn one_alert_is_open_at_a_time_and_cooldown_separates_them() {
    let mut rule = rule(Operator::Gt, Some(Threshold::Number(10.0)));
    let state = &mut RuleState::default();
    assert_eq!(run(&rule, state, 0, &[5.0, 11.0, 12.0, 9.0, 8.0, 11.0, 9.0]), "-F-R-FR");
    rule.cooldown_s = 5;
    let state = &mut RuleState::default();
    assert_eq!(run(&rule, state, 0, &[11.0, 9.0, 11.0, 11.0, 11.0, 11.0]), "FR---F");
    rule.auto_resolve = false;
    let state = &mut RuleState::default();
    assert_eq!(run(&rule, state, 0, &[11.0, 9.0, 9.0, 9.0, 9.0, 9.0, 11.0]), "F------");
    state.close();
    assert_eq!(run(&rule, state, 7, &[9.0, 11.0]), "-F");
}

#[test]
fn a_condition_that_comes_and_goes_raises_so_many_alerts_an_hour() {
    let rule = rule(Operator::Gt, Some(Threshold::Number(10.0)));
    let state = &mut RuleState::default();
    let most = MAX_ALERTS_PER_HOUR as usize;
    let values: Vec<f64> = (0..2 * most + 20).map(|nth| if nth % 2 == 0 { 11.0 } else { 9.0 }).collect();
    let decisions = run(&rule, state, 7200, &values);
    assert_eq!(decisions, "FR".repeat(most) + &"-".repeat(20));
    assert_eq!(state.budget.suppressed, 10);
    // One that goes on is counted once, and raised when the next hour begins.
    let decisions = run(&rule, state, 7200 + 3600 - 3, &[11.0, 12.0, 11.0, 11.0, 9.0]);
    assert_eq!((decisions.as_str(), state.budget.suppressed), ("---FR", 11));
}

#[test]
fn what_was_stored_by_another_version_is_refused() {
    let rule = AlertRuleSpec {
        evaluation: Evaluation::Count,
        window_s: Some(60),
        ..rule(Operator::Gt, Some(Threshold::Number(9.0)))
    };
    let state = &mut RuleState::default();
    run(&rule, state, 5, &[1.0, 2.0]);
    let ahead = number(6000, 1.0);
    assert_eq!(state.observe(&rule, ahead, 6001, at(Micros(9 * MICROS_PER_SECOND))), None);
    let mut stored = state.encode();
    let read = RuleState::decode(&stored, Micros(9)).expect("it is read");
    assert_eq!(read, RuleState { heard_at: Micros(9), ..state.clone() });
    for other in [VERSION - 1, VERSION + 1] {
        stored[0] = other;
        assert_eq!(RuleState::decode(&stored, Micros(9)), None);
    }
}

#[test]
fn aggregates_are_of_the_window() {
    let of = |evaluation, limit| {
        let rule = rule(Operator::Gte, Some(Threshold::Number(limit)));
        AlertRuleSpec { evaluation, window_s: Some(3), ..rule }
    };
    let values = [0.0, 0.0, 9.0, 9.0, 9.0, 0.0, 0.0, 0.0];
    let rows = [
        (of(Evaluation::Avg, 6.0), "---F--R-"),
        (of(Evaluation::Min, 9.0), "----FR--"),
        (of(Evaluation::Max, 9.0), "--F----R"),
        (of(Evaluation::Count, 3.0), "--F-----"),
    ];
    for (rule, expected) in rows {
        assert_eq!(run(&rule, &mut RuleState::default(), 0, &values), expected, "{:?}", rule.evaluation);
    }
}

#[test]
fn silence_raises_one_alert_and_data_ends_it() {
    let rule =
        AlertRuleSpec { evaluation: Evaluation::NoData, window_s: Some(10), ..rule(Operator::Gt, None) };
    let rule = AlertRuleSpec { operator: None, ..rule };
    let second = |at: i64| Micros(at * MICROS_PER_SECOND);
    let clock = |at: i64| ClockReading::steady(second(at));
    let state = &mut RuleState { heard_at: second(100), ..RuleState::default() };
    assert_eq!(state.notice_silence(&rule, clock(109)), None);
    let fired = Some(Decision::Fire { at: second(110), value: Value::Null });
    assert_eq!(state.notice_silence(&rule, clock(110)), fired);
    assert_eq!(state.notice_silence(&rule, clock(111)), None);
    // The clock of a device may be behind.
    let decisions = state.observe(&rule, number(90, 1.0), 1, at(second(112)));
    assert_eq!(decisions, Some(Decision::Resolve { at: second(90) }));
    assert_eq!(state.notice_silence(&rule, clock(121)), None);
    assert!(state.notice_silence(&rule, clock(122)).is_some());
}

proptest! {
    /// The readings of a crash's other side are evaluated again: nothing fires twice and nothing is missed.
    #[test]
    fn a_state_that_is_rebuilt_decides_the_rest_alike(
        values in prop::collection::vec(0_u8..4, 1..60),
        cooldown_s in 0_i64..6,
        auto_resolve in any::<bool>(),
        evaluation in prop::sample::select(vec![Evaluation::Value, Evaluation::Avg, Evaluation::Count]),
        saved in 0_usize..60,
        crashed in 0_usize..60,
    ) {
        let rule = AlertRuleSpec {
            evaluation,
            window_s: Some(3),
            cooldown_s,
            auto_resolve,
            ..rule(Operator::Gte, Some(Threshold::Number(2.0)))
        };
        let crashed = crashed.min(values.len());
        let saved = saved.min(crashed);
        let samples: Vec<_> =
            values.iter().enumerate().map(|(nth, value)| number(nth as i64, f64::from(*value))).collect();
        let mut whole = RuleState::default();
        let expected: Vec<_> = samples.iter().filter_map(|s| whole.observe(&rule, *s, seq_of(s), at(s.ts))).collect();

        let mut first = RuleState::default();
        let mut stored = first.encode();
        let mut found = Vec::new();
        // What is stored with each decision.
        let mut decided = (None, None, None, false, AlertBudget::default());
        for (nth, sample) in samples[..crashed].iter().enumerate() {
            if nth == saved {
                stored = first.encode();
            }
            if let Some(decision) = first.observe(&rule, *sample, seq_of(sample), at(sample.ts)) {
                decided =
                    (first.decided_until, first.decided_due, first.fired_at, first.is_open, first.budget);
                found.push(decision);
            }
        }
        let from = if saved < crashed { saved } else { 0 };
        let mut second = RuleState::decode(&stored, Micros(0)).expect("what was stored is read");
        (second.decided_until, second.decided_due, second.fired_at, second.is_open, second.budget) = decided;
        found.extend(samples[from..].iter().filter_map(|s| second.observe(&rule, *s, seq_of(s), at(s.ts))));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = RuleState::decode(&bytes, Micros(0));
    }
}
