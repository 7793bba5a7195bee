//! Tests of the table of rules.

use uuid::Uuid;

use super::*;
use crate::domain::OrgId;
use crate::domain::alert::Severity;
use crate::domain::alert::budget::MAX_ALERTS_PER_HOUR;
use crate::domain::alert::evaluator::LogPosition;
use crate::domain::alert::rule::{AlertRuleSpec, Operator, Threshold};
use crate::domain::reading::{Reading, Readings};
use crate::domain::time::MICROS_PER_SECOND;

const NOW: Micros = Micros(10_000 * MICROS_PER_SECOND);

fn rule(id: i32, stream: i32, first_seq: u64) -> Arc<AlertRule> {
    let spec = AlertRuleSpec {
        name: format!("rule {id}"),
        target: RuleTarget::Stream(StreamId(stream)),
        evaluation: Evaluation::Value,
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(10.0)),
        severity: Severity::Warning,
        cooldown_s: 0,
        auto_resolve: true,
        ..AlertRuleSpec::blank()
    };
    let (org, uuid) = (OrgId(1), Uuid::from_u128(1));
    let version = 1;
    Arc::new(AlertRule {
        id: AlertRuleId(id),
        org,
        uuid,
        spec,
        first_seq,
        version,
        created_at: NOW,
        updated_at: NOW,
    })
}

fn table(rules: &[Arc<AlertRule>]) -> RuleTable {
    table_after(rules, RuleProgress::default())
}

/// A table whose rules are so far decided.
fn table_after(rules: &[Arc<AlertRule>], progress: RuleProgress) -> RuleTable {
    let mut table = RuleTable::default();
    for (new, from_seq) in table.replace(rules.to_vec(), |_| 0) {
        table.begin(new, (from_seq, u64::MAX), RuleState::default(), progress);
    }
    table.index();
    table
}

/// Evaluates a whole record that arrives now.
fn observe(table: &mut RuleTable, run: &Run, seq: u64, decisions: &mut Vec<AlertDecision>) {
    let (arrival, mut row) = (Arrival::at(NOW, AheadBound::default()), 0);
    while row < run.len() {
        row = table.observe_rows((run, seq), row, arrival, decisions);
        table.takes_pause();
    }
}

/// Evaluates a record of `(stream, second before now, value)`; returns the rules that fired.
fn fired(table: &mut RuleTable, seq: u64, rows: &[(i32, i64, f64)]) -> Vec<i32> {
    let reading = |(stream, age_s, value): &(i32, i64, f64)| {
        Reading::good(StreamId(*stream), Micros(NOW.0 - age_s * MICROS_PER_SECOND), *value)
    };
    let readings: Readings = rows.iter().map(reading).collect();
    let mut decisions = Vec::new();
    observe(table, &Run::new(readings, seq), seq, &mut decisions);
    let fired = decisions.iter().filter(|one| matches!(one.change, AlertChange::Fire { .. }));
    let mut fired: Vec<i32> = fired.map(|one| one.rule.id.0).collect();
    fired.sort_unstable();
    fired
}

#[test]
fn a_reading_is_evaluated_by_each_rule_of_its_stream() {
    let mut table = table(&[rule(1, 5, 0), rule(2, 5, 0), rule(3, 6, 0)]);
    assert_eq!(fired(&mut table, 1, &[(4, 9, 99.0), (5, 9, 11.0), (6, 9, 9.0), (7, 9, 99.0)]), [1, 2]);
    assert_eq!(fired(&mut table, 2, &[(5, 8, 12.0), (6, 9, 99.0), (6, 8, 99.0)]), [3]);
}

#[test]
fn imports_and_records_before_a_rule_are_left_out() {
    let mut table = table(&[rule(1, 5, 10)]);
    assert_eq!(fired(&mut table, 9, &[(5, 9, 99.0)]), [0; 0]);
    assert_eq!(fired(&mut table, 10, &[(5, 3601, 99.0)]), [0; 0]);
    assert_eq!(fired(&mut table, 10, &[(5, 3600, 99.0)]), [1]);
}

#[test]
fn what_an_import_brings_is_left_out_however_new_it_is() {
    let mut table = table(&[rule(1, 5, 0)]);
    let readings: Readings = [Reading::good(StreamId(5), NOW, 99.0)].into_iter().collect();
    let mut decisions = Vec::new();
    observe(&mut table, &Run::new(readings, 1).imported(true), 1, &mut decisions);
    assert!(decisions.is_empty());
    assert_eq!(fired(&mut table, 2, &[(5, 1, 99.0)]), [1], "and older ones are still evaluated after it");
}

#[test]
fn a_rule_goes_on_as_its_alerts_were_stored() {
    let before = |age_s: i64| Some(Micros(NOW.0 - age_s * MICROS_PER_SECOND));
    let until = |seq: u64, age_s: i64| before(age_s).map(|ts| LogPosition { seq, ts });
    let mut slow = AlertRule::clone(&rule(1, 5, 0));
    slow.spec.cooldown_s = 10;
    let slow = [Arc::new(slow)];
    let cooling = RuleProgress { fired_at: before(20), ..RuleProgress::default() };
    let mut table = table_after(&slow, cooling);
    assert_eq!(fired(&mut table, 1, &[(5, 11, 99.0), (5, 10, 99.0)]), [1], "the cooldown goes on");
    let open = RuleProgress { is_open: true, ..RuleProgress::default() };
    assert_eq!(fired(&mut table_after(&slow, open), 1, &[(5, 9, 99.0)]), [0; 0], "its alert is open");
    let decided = RuleProgress { decided_until: until(1, 9), ..RuleProgress::default() };
    assert_eq!(fired(&mut table_after(&slow, decided), 1, &[(5, 9, 99.0)]), [0; 0], "decided before");
    let hour = NOW.0 / (3600 * MICROS_PER_SECOND);
    let budget = AlertBudget { hour, raised: MAX_ALERTS_PER_HOUR, suppressed: 4, is_held_back: false };
    let mut full = table_after(&slow, RuleProgress { budget, ..RuleProgress::default() });
    assert_eq!(fired(&mut full, 1, &[(5, 9, 99.0), (5, 8, 99.0)]), [0; 0], "it raised enough");
    assert_eq!((full.counters.of_rule(AlertRuleId(1)), full.counters.suppressed()), (5, 5));
    assert_eq!(full.unstored_suppressed(), [(AlertRuleId(1), 5)]);
    assert_eq!(full.unstored_suppressed(), []);
}

#[test]
fn devices_are_looked_at_by_their_rules_alone() {
    let mut down = AlertRule::clone(&rule(2, 5, 0));
    down.spec.target = RuleTarget::Device(DeviceId(7));
    (down.spec.evaluation, down.spec.window_s) = (Evaluation::DeviceState, Some(10));
    (down.spec.operator, down.spec.threshold) =
        (Some(Operator::Eq), Some(Threshold::Text("offline".to_owned())));
    let mut table = table(&[rule(1, 5, 0), Arc::new(down)]);
    assert_eq!(table.streams().collect::<Vec<_>>(), [StreamId(5)]);
    let mut look = |at_s: i64, shown: Option<DeviceState>| {
        let mut decisions = Vec::new();
        let at = ClockReading::steady(Micros(NOW.0 + at_s * MICROS_PER_SECOND));
        let has_news = table.notice_devices(at, |id| shown.filter(|_| id == DeviceId(7)), &mut decisions);
        (has_news, decisions.into_iter().map(|one| (one.rule.id.0, one.change)).collect::<Vec<_>>())
    };
    let offline = Some(DeviceState::Offline);
    assert_eq!(look(0, offline), (true, vec![]), "since when is to be stored");
    assert_eq!(look(9, offline), (false, vec![]));
    assert_eq!(look(9, None), (false, vec![]), "a device that is gone");
    let raised = AlertChange::Fire { at: Micros(NOW.0 + 10 * MICROS_PER_SECOND), value: "offline".into() };
    assert_eq!(look(10, offline), (false, vec![(2, raised)]));
    assert_eq!(look(11, Some(DeviceState::Online)), (true, vec![(2, AlertChange::Resolve)]));
    look(12, offline);
    assert!(table.is_timing());
    assert!(!self::table(&[rule(1, 5, 0)]).is_timing());
}

#[test]
fn a_rule_keeps_what_it_remembers_until_it_is_evaluated_differently() {
    let mut table = table(&[rule(1, 5, 0)]);
    assert_eq!(fired(&mut table, 1, &[(5, 9, 99.0)]), [1]);
    let mut renamed = AlertRule::clone(&rule(1, 5, 0));
    renamed.spec.name = "another".to_owned();
    assert_eq!(table.replace(vec![Arc::new(renamed)], |_| 2), []);
    assert_eq!(fired(&mut table, 2, &[(5, 8, 99.0)]), [0; 0], "its alert is open");
    assert!(table.close(AlertRuleId(1)).is_some());
    assert!(table.close(AlertRuleId(1)).is_none());
    assert_eq!(fired(&mut table, 3, &[(5, 7, 99.0)]), [1]);
    assert_eq!(table.replace(vec![rule(1, 5, 4)], |_| 4), [(rule(1, 5, 4), 4)]);
    assert!(table.replace(Vec::new(), |_| 4).is_empty() && table.is_empty());
}

#[test]
fn a_rule_that_is_changed_takes_over_the_records_that_its_former_version_was_not_given() {
    let first_of = |stream: i32, next_seq: u64| {
        let mut table = table(&[rule(1, 5, 3)]);
        table.replace(vec![rule(1, stream, 9)], |_| next_seq).remove(0).1
    };
    assert_eq!([first_of(5, 7), first_of(5, 12), first_of(5, 1)], [7, 9, 3]);
    assert_eq!(first_of(6, 7), 9, "those of another stream were never its own");
}

#[test]
fn states_are_read_by_the_version_of_their_rule() {
    let mut first = table(&[rule(1, 5, 3)]);
    fired(&mut first, 3, &[(5, 9, 1.0)]);
    let stored = states::decode(&first.encode()).unwrap();
    let state = RuleState::decode(&stored[&(AlertRuleId(1), 3)], NOW).unwrap();
    assert_eq!(state.last, Some(LogPosition { seq: 3, ts: Micros(NOW.0 - 9 * MICROS_PER_SECOND) }));
}

/// security review 8.
#[test]
fn a_large_record_is_evaluated_in_slices() {
    let rules: Vec<Arc<AlertRule>> = (0..100).map(|id| rule(id, 5, 0)).collect();
    let mut table = table(&rules);
    let readings: Readings = (0..1000)
        .map(|nth| Reading::good(StreamId(5), Micros(NOW.0 - nth * 1000), if nth == 0 { 99.0 } else { 1.0 }))
        .collect();
    let (run, arrival) = (Run::new(readings, 1), Arrival::at(NOW, AheadBound::default()));
    let (mut row, mut slices, mut decisions) = (0, 0, Vec::new());
    while row < run.len() {
        let next = table.observe_rows((&run, 1), row, arrival, &mut decisions);
        assert!(next > row && (next - row) * rules.len() <= EVALUATIONS_AT_ONCE + rules.len());
        assert!(table.takes_pause() || next == run.len());
        (row, slices) = (next, slices + 1);
    }
    assert!(slices > 40, "{slices}");
    assert_eq!(decisions.len(), rules.len(), "the last reading fires each rule once");
    // As after a stop in the middle of a record, or a crash.
    observe(&mut table, &run, 1, &mut decisions);
    assert_eq!(decisions.len(), rules.len(), "what was evaluated is not evaluated again");
}

/// Security review 8 proposed a limit of rules times the readings of their windows: a rule remembers a bounded number of entries,
/// however long its window is and however many readings are in it.
#[test]
fn a_long_window_takes_no_more_memory_and_evaluations_than_a_short_one() {
    const READINGS: i64 = 600;
    let remembered = |window_s: i64| {
        let rules: Vec<Arc<AlertRule>> = (0..8)
            .map(|id| {
                let mut mean = AlertRule::clone(&rule(id, 5, 0));
                (mean.spec.evaluation, mean.spec.window_s) = (Evaluation::Avg, Some(window_s));
                Arc::new(mean)
            })
            .collect();
        let mut table = table(&rules);
        let at = |nth: i64| Micros(NOW.0 - (READINGS - nth) * MICROS_PER_SECOND);
        let readings: Readings =
            (0..READINGS).map(|nth| Reading::good(StreamId(5), at(nth), nth as f64)).collect();
        let mut decisions = Vec::new();
        observe(&mut table, &Run::new(readings, 1), 1, &mut decisions);
        assert_eq!(decisions.len(), rules.len(), "each of them is evaluated");
        table.encode().len() / rules.len()
    };
    let bytes = [30, 86_400].map(remembered);
    assert!(bytes[0] < 4096 && bytes[1] < 16_384, "{bytes:?}");
}

/// rest.md A5.
#[test]
fn readings_that_are_too_old_are_counted_with_their_rules() {
    let mut table = table(&[rule(1, 5, 0), rule(2, 5, 0), rule(3, 6, 0)]);
    assert_eq!(fired(&mut table, 1, &[(5, 3601, 99.0), (5, 9, 1.0), (6, 9, 1.0)]), [0; 0]);
    let of_rule = |id| table.counters.old_of_rule(AlertRuleId(id));
    assert_eq!(([1, 2, 3].map(of_rule), table.counters.counts(0).old_readings), ([1, 1, 0], 1));
}

/// rest.md A1: what waits for its time is raised by the table.
#[test]
fn a_reading_that_is_ahead_is_evaluated_when_its_time_has_come() {
    let mut table = table(&[rule(1, 5, 0)]);
    assert_eq!(fired(&mut table, 1, &[(5, -600, 99.0)]), [0; 0]);
    assert_eq!(fired(&mut table, 2, &[(5, 1, 1.0)]), [0; 0]);
    let mut look = |after_s: i64| {
        let mut decisions = Vec::new();
        let now = Micros(NOW.0 + after_s * MICROS_PER_SECOND);
        table.notice_due(now, AheadBound::default(), &mut decisions);
        decisions.len()
    };
    assert_eq!([look(599), look(600), look(601)], [0, 1, 0]);
}

#[test]
fn what_was_due_comes_before_what_arrived_after_it() {
    let mut table = table(&[rule(1, 5, 0)]);
    assert_eq!(fired(&mut table, 1, &[(5, -600, 99.0)]), [0; 0]);
    let later = Micros(NOW.0 + 700 * MICROS_PER_SECOND);
    let readings: Readings = [Reading::good(StreamId(5), later, 1.0)].into_iter().collect();
    let mut decisions = Vec::new();
    let arrival = Arrival::at(later, AheadBound::default());
    table.observe_rows((&Run::new(readings, 2), 2), 0, arrival, &mut decisions);
    let changes: Vec<_> = decisions.iter().map(|one| one.change.clone()).collect();
    assert!(matches!(changes[..], [AlertChange::Fire { .. }, AlertChange::Resolve]), "{changes:?}");
}
