//! Tests of rules on the state of a device.

use serde_json::json;

use super::DeviceState::{Connecting, Degraded, Disabled, Offline, Online};
use super::*;
use crate::domain::DeviceId;
use crate::domain::alert::Severity;
use crate::domain::alert::evaluator::{Decision, RuleState};
use crate::domain::alert::rule::Evaluation;
use crate::domain::alert::target::RuleTarget;
use crate::domain::clock_trust::ClockReading;

fn rule(operator: Operator, state: DeviceState) -> AlertRuleSpec {
    AlertRuleSpec {
        name: "rule".to_owned(),
        target: RuleTarget::Device(DeviceId(1)),
        evaluation: Evaluation::DeviceState,
        window_s: Some(10),
        operator: Some(operator),
        threshold: Some(Threshold::Text(state.name().to_owned())),
        severity: Severity::Critical,
        cooldown_s: 0,
        auto_resolve: true,
        ..AlertRuleSpec::blank()
    }
}

fn second(at: i64) -> Micros {
    Micros(at * MICROS_PER_SECOND)
}

/// A clock that nobody sets.
fn clock(at: i64) -> ClockReading {
    ClockReading::steady(second(at))
}

/// Shows states at seconds; returns the second and kind of every decision.
fn run(rule: &AlertRuleSpec, state: &mut RuleState, shown: &[(i64, DeviceState)]) -> Vec<(i64, char)> {
    let letters =
        shown.iter().filter_map(|(at, shown)| match state.notice_device(rule, *shown, clock(*at))? {
            Decision::Fire { at: fired, value } => {
                assert_eq!((fired, value), (second(*at), json!(shown.name())));
                Some((*at, 'F'))
            }
            Decision::Resolve { .. } => Some((*at, 'R')),
        });
    letters.collect()
}

#[test]
fn a_state_that_lasts_raises_one_alert_and_leaving_it_resolves() {
    let rule = rule(Operator::Eq, Offline);
    let shown =
        [(0, Online), (5, Offline), (14, Offline), (15, Offline), (16, Offline), (20, Online), (21, Offline)];
    assert_eq!(run(&rule, &mut RuleState::default(), &shown), [(15, 'F'), (20, 'R')]);
    let kept = AlertRuleSpec { auto_resolve: false, ..rule };
    let shown = [(5, Offline), (15, Offline), (20, Online), (21, Offline), (40, Offline)];
    assert_eq!(run(&kept, &mut RuleState::default(), &shown), [(15, 'F')], "its alert stays open");
}

#[test]
fn a_short_stay_raises_nothing_and_begins_anew() {
    let rule = rule(Operator::Eq, Offline);
    let shown = [(0, Offline), (9, Offline), (9, Degraded), (11, Offline), (20, Offline), (21, Offline)];
    assert_eq!(run(&rule, &mut RuleState::default(), &shown), [(21, 'F')]);
}

#[test]
fn whatever_is_not_the_state_counts_together() {
    let rule = rule(Operator::Neq, Online);
    let shown = [(0, Offline), (5, Degraded), (8, Disabled), (10, Offline), (11, Online)];
    assert_eq!(run(&rule, &mut RuleState::default(), &shown), [(10, 'F'), (11, 'R')]);
}

#[test]
fn connecting_again_changes_nothing_for_a_minute() {
    let rule = rule(Operator::Eq, Offline);
    let shown =
        [(0, Offline), (5, Connecting), (11, Connecting), (12, Offline), (13, Connecting), (72, Connecting)];
    assert_eq!(run(&rule, &mut RuleState::default(), &shown), [(12, 'F')]);
    let shown = [(0, Offline), (12, Offline), (13, Connecting), (73, Connecting)];
    assert_eq!(run(&rule, &mut RuleState::default(), &shown), [(12, 'F'), (73, 'R')]);
}

#[test]
fn a_device_that_was_never_reached_is_connecting() {
    let shown = [(0, Connecting), (59, Connecting), (60, Connecting), (69, Connecting), (70, Connecting)];
    for (operator, state, expected) in [
        (Operator::Neq, Online, vec![(70, 'F')]),
        (Operator::Eq, Connecting, vec![(70, 'F')]),
        (Operator::Eq, Offline, vec![]),
    ] {
        let rule = rule(operator, state);
        assert_eq!(
            run(&rule, &mut RuleState::default(), &shown),
            expected,
            "{} {}",
            operator.name(),
            state.name()
        );
    }
}

#[test]
fn a_restart_neither_repeats_an_alert_nor_forgets_since_when() {
    let rule = rule(Operator::Eq, Offline);
    let mut before = RuleState::default();
    assert!(run(&rule, &mut before, &[(0, Offline), (4, Offline)]).is_empty());
    // The server was away from second 4 to 30, which does not count: six seconds are left.
    let mut after = RuleState::decode(&before.encode(), second(30)).expect("what was stored is read");
    after.resume(second(4), second(30));
    let shown = [(30, Connecting), (33, Offline), (35, Offline), (36, Offline)];
    assert_eq!(run(&rule, &mut after, &shown), [(36, 'F')]);
    let mut again = RuleState::decode(&after.encode(), second(40)).expect("what was stored is read");
    // As stored with the alert.
    (again.is_open, again.fired_at) = (after.is_open, after.fired_at);
    let shown = [(40, Connecting), (41, Offline), (60, Offline), (61, Online)];
    assert_eq!(run(&rule, &mut again, &shown), [(61, 'R')]);
}

/// rest.md A2.
#[test]
fn a_clock_that_is_set_makes_no_state_longer_or_shorter() {
    let (hour_s, year_s) = (3600, 365 * 86_400);
    let start_s = 50 * year_s;
    for step_s in [-year_s, -hour_s, hour_s, year_s] {
        let rule = rule(Operator::Eq, Offline);
        let (mut state, mut fired) = (RuleState::default(), Vec::new());
        for passed_s in 0..80 {
            let set_by_s = if passed_s < 4 { 0 } else { step_s };
            // It connects again for a minute at most, also when that is interrupted by another step.
            let set_by_s = if passed_s < 30 { set_by_s } else { 2 * set_by_s };
            let shown = if passed_s < 20 { Offline } else { Connecting };
            let (now, monotonic) = (second(start_s + passed_s + set_by_s), second(passed_s));
            let decision = state.notice_device(&rule, shown, ClockReading { now, monotonic });
            fired.extend(decision.map(|decision| (passed_s, matches!(decision, Decision::Fire { .. }))));
        }
        assert_eq!(fired, [(10, true)], "{step_s}: it is offline since second 0");
        let now = second(start_s + 80 + 2 * step_s);
        let decision = state.notice_device(&rule, Connecting, ClockReading { now, monotonic: second(80) });
        assert_eq!(decision, Some(Decision::Resolve { at: now }), "{step_s}: it connects since second 20");
    }
}

#[test]
fn a_start_says_nothing_of_a_device_whose_alert_is_open() {
    // What the rule remembered was not stored before the process was killed.
    let mut open = RuleState::watched_from(second(30));
    (open.is_open, open.fired_at) = (true, Some(second(0)));
    let rule = rule(Operator::Eq, Offline);
    let shown = [(30, Connecting), (31, Offline), (50, Offline), (51, Online)];
    assert_eq!(run(&rule, &mut open.clone(), &shown), [(51, 'R')]);
    assert_eq!(run(&rule, &mut open.clone(), &[(30, Connecting), (31, Online)]), [(31, 'R')]);
}

#[test]
fn a_device_that_is_enabled_is_no_longer_disabled() {
    let rule = rule(Operator::Eq, Disabled);
    let shown = [(0, Disabled), (10, Disabled), (11, Connecting)];
    assert_eq!(run(&rule, &mut RuleState::default(), &shown), [(10, 'F'), (11, 'R')]);
}

#[test]
fn cooldown_separates_alerts_of_a_device() {
    let rule = AlertRuleSpec { cooldown_s: 30, window_s: Some(1), ..rule(Operator::Eq, Offline) };
    let shown =
        [(0, Offline), (1, Offline), (2, Online), (3, Offline), (4, Offline), (30, Offline), (31, Offline)];
    assert_eq!(run(&rule, &mut RuleState::default(), &shown), [(1, 'F'), (2, 'R'), (31, 'F')]);
}
