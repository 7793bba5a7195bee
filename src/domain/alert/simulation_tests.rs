//! Tests of rules over the past.

use super::*;
use crate::domain::StreamId;
use crate::domain::alert::Severity;
use crate::domain::alert::budget::MAX_ALERTS_PER_HOUR;
use crate::domain::alert::rule::{Operator, Threshold};
use crate::domain::alert::target::RuleTarget;

fn above(limit: f64) -> AlertRuleSpec {
    AlertRuleSpec {
        name: "hot".to_owned(),
        target: RuleTarget::Stream(StreamId(1)),
        evaluation: Evaluation::Value,
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(limit)),
        severity: Severity::Warning,
        cooldown_s: 0,
        ..AlertRuleSpec::blank()
    }
}

fn silent_for(window_s: i64) -> AlertRuleSpec {
    AlertRuleSpec {
        evaluation: Evaluation::NoData,
        window_s: Some(window_s),
        operator: None,
        threshold: None,
        ..above(0.0)
    }
}

fn at(second: i64) -> Micros {
    Micros(second * MICROS_PER_SECOND)
}

/// The result for readings of these seconds and values, from second 0 to `to`.
fn run(rule: AlertRuleSpec, readings: &[(i64, f64)], to: i64) -> SimulationResult {
    let mut simulation = Simulation::new(rule, at(0));
    for (second, value) in readings {
        simulation.observe(Sample { ts: at(*second), number: Some(*value), text: None });
    }
    simulation.finish(at(to))
}

/// Begin and end of each alert, seconds.
fn spans(result: &SimulationResult) -> Vec<(i64, Option<i64>)> {
    let second = |ts: Micros| ts.0 / MICROS_PER_SECOND;
    result.alerts.iter().map(|alert| (second(alert.at), alert.resolved_at.map(second))).collect()
}

#[test]
fn an_alert_lasts_as_long_as_its_condition() {
    let readings = [(1, 10.0), (2, 90.0), (3, 95.0), (4, 10.0), (5, 91.0)];
    let result = run(above(80.0), &readings, 10);
    assert_eq!(spans(&result), [(2, Some(4)), (5, None)]);
    assert_eq!((result.raised, result.readings, result.suppressed), (2, 5, 0));
    assert_eq!(result.alerts[0].value, Value::from(90.0));
    assert!(result.alerts[0].message.starts_with("hot: value 90.0"), "{}", result.alerts[0].message);
    let pausing = AlertRuleSpec { cooldown_s: 4, ..above(80.0) };
    assert_eq!(spans(&run(pausing, &readings, 10)), [(2, Some(4))], "the second comes within the pause");
}

#[test]
fn silence_is_noticed_between_readings_and_at_the_end() {
    let result = run(silent_for(10), &[(5, 1.0), (20, 1.0), (25, 1.0)], 60);
    assert_eq!(spans(&result), [(15, Some(20)), (35, None)]);
    assert_eq!(spans(&run(silent_for(10), &[], 10)), [], "the end does not belong to the range");
    assert_eq!(spans(&run(silent_for(10), &[], 11)), [(10, None)]);
    let pausing = AlertRuleSpec { cooldown_s: 30, ..silent_for(10) };
    let result = run(pausing, &[(5, 1.0), (20, 1.0)], 60);
    assert_eq!(spans(&result), [(15, Some(20)), (45, None)], "after the pause it is silent still");
}

#[test]
fn an_hour_has_no_more_alerts_than_a_live_rule_raises() {
    let readings: Vec<(i64, f64)> = (0..200).map(|n| (n, if n % 2 == 0 { 90.0 } else { 10.0 })).collect();
    let result = run(above(80.0), &readings, 200);
    assert_eq!(result.raised, MAX_ALERTS_PER_HOUR as usize);
    assert_eq!(result.suppressed, 100 - u64::from(MAX_ALERTS_PER_HOUR));
}

#[test]
fn only_the_first_alerts_are_kept() {
    // One each two minutes: 30 an hour.
    let readings: Vec<(i64, f64)> =
        (0..3000).map(|n| (n * 60, if n % 2 == 0 { 90.0 } else { 10.0 })).collect();
    let result = run(above(80.0), &readings, 3000 * 60);
    assert_eq!((result.raised, result.alerts.len()), (1500, MAX_KEPT_ALERTS));
    assert_eq!(result.alerts[MAX_KEPT_ALERTS - 1].resolved_at, Some(at(1999 * 60)));
}
