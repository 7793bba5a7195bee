//! Scores and the anomalies they give, row by row. A window ends every microsecond; `None` is a gap.

use proptest::prelude::*;

use super::threshold::{AnomalyTransition, Peak, ThresholdRule, ThresholdState};
use crate::domain::Micros;

fn opened(at: i64, score: f64, since: i64) -> AnomalyTransition {
    AnomalyTransition::Opened { at: Micros(at), score, since: Micros(since) }
}

fn peaked(at: i64, score: f64) -> AnomalyTransition {
    AnomalyTransition::Peaked(Peak { score, at: Micros(at) })
}

fn closed(at: i64, since: i64, (peak_at, score): (i64, f64)) -> AnomalyTransition {
    AnomalyTransition::Closed {
        at: Micros(at),
        since: Micros(since),
        peak: Peak { score, at: Micros(peak_at) },
    }
}

fn transitions(
    rule: ThresholdRule,
    crossing: &mut ThresholdState,
    scores: &[Option<f64>],
    from: i64,
) -> Vec<AnomalyTransition> {
    let mut transitions = Vec::new();
    for (at, score) in (from..).zip(scores) {
        match score {
            Some(score) => transitions.extend(rule.apply_score(crossing, Micros(at), *score)),
            None => rule.apply_gap(crossing),
        }
    }
    transitions
}

/// Name, threshold, minimum consecutive windows, scores, expected transitions.
type Row<'a> = (&'a str, f64, u32, &'a [f64], Vec<AnomalyTransition>);

#[test]
fn an_anomaly_opens_peaks_and_closes() {
    let rows: [Row<'_>; 11] = [
        ("below", 1.0, 1, &[0.0, 0.5, 0.99], vec![]),
        ("at_the_threshold_is_not_above", 1.0, 1, &[1.0, 1.0], vec![]),
        ("opens", 1.0, 1, &[0.5, 1.5], vec![opened(1, 1.5, 1)]),
        ("closes", 1.0, 1, &[1.5, 0.5], vec![opened(0, 1.5, 0), closed(1, 0, (0, 1.5))]),
        ("between_the_levels_it_stays", 1.0, 1, &[1.5, 0.95, 0.9, 1.0], vec![opened(0, 1.5, 0)]),
        (
            "peaks_are_told_when_they_grow",
            1.0,
            1,
            &[1.5, 1.2, 2.0, 2.0, 1.9, 3.0, 0.1],
            vec![opened(0, 1.5, 0), peaked(2, 2.0), peaked(5, 3.0), closed(6, 0, (5, 3.0))],
        ),
        (
            "opens_again",
            1.0,
            1,
            &[2.0, 0.1, 1.5, 0.1],
            vec![opened(0, 2.0, 0), closed(1, 0, (0, 2.0)), opened(2, 1.5, 2), closed(3, 2, (2, 1.5))],
        ),
        ("too_few_in_a_row", 1.0, 3, &[2.0, 2.0, 0.5, 2.0, 2.0, 1.0, 2.0], vec![]),
        (
            "enough_in_a_row_with_their_peak",
            1.0,
            3,
            &[0.5, 1.1, 4.0, 1.2, 0.1],
            vec![opened(3, 1.2, 1), closed(4, 1, (2, 4.0))],
        ),
        (
            "without_end",
            1.0,
            1,
            &[f64::INFINITY, 0.0],
            vec![opened(0, f64::INFINITY, 0), closed(1, 0, (0, f64::INFINITY))],
        ),
        ("at_a_threshold_of_zero", 0.0, 1, &[0.0, 0.1, 0.0], vec![opened(1, 0.1, 1), closed(2, 1, (1, 0.1))]),
    ];
    for (name, threshold, min_windows, scores, expected) in rows {
        let rule = ThresholdRule::new(threshold, min_windows, 0.9).unwrap();
        let scores: Vec<_> = scores.iter().copied().map(Some).collect();
        assert_eq!(transitions(rule, &mut ThresholdState::default(), &scores, 0), expected, "{name}");
    }
}

#[test]
fn a_gap_neither_opens_nor_closes_but_breaks_a_run() {
    let rule = ThresholdRule::new(1.0, 2, 0.9).unwrap();
    for gap in [None, Some(f64::NAN)] {
        let broken = [Some(2.0), gap, Some(2.0)];
        assert_eq!(transitions(rule, &mut ThresholdState::default(), &broken, 0), [], "{gap:?}");
        let open = [Some(2.0), Some(2.0), gap, gap, Some(3.0), Some(0.5)];
        let expected = [opened(1, 2.0, 0), peaked(4, 3.0), closed(5, 0, (4, 3.0))];
        assert_eq!(transitions(rule, &mut ThresholdState::default(), &open, 0), expected, "{gap:?}");
    }
}

#[test]
fn a_level_that_makes_no_sense_is_no_rule() {
    for (name, threshold, min_windows, clear_ratio) in [
        ("negative", -1.0, 1, 0.9),
        ("not_a_number", f64::NAN, 1, 0.9),
        ("infinite", f64::INFINITY, 1, 0.9),
        ("no_window", 1.0, 0, 0.9),
        ("never_clear", 1.0, 1, 0.0),
        ("clear_above", 1.0, 1, 1.1),
        ("clear_nowhere", 1.0, 1, f64::NAN),
    ] {
        assert_eq!(ThresholdRule::new(threshold, min_windows, clear_ratio), None, "{name}");
    }
    assert_eq!(ThresholdRule::from_threshold(2.0), ThresholdRule::new(2.0, 1, 0.9));
}

proptest! {
    /// The state is complete: stopped anywhere and resumed from a copy, the rule gives the same transitions.
    #[test]
    fn kept_state_goes_on_as_if_it_had_not_stopped(
        scores in prop::collection::vec(prop::option::weighted(0.9, 0.0..2.0_f64), 0..80),
        min_windows in 1..4_u32,
        stop in any::<prop::sample::Index>(),
    ) {
        let rule = ThresholdRule::new(1.0, min_windows, 0.9).unwrap();
        let whole = transitions(rule, &mut ThresholdState::default(), &scores, 0);
        let stop = stop.index(scores.len() + 1);
        let mut kept = ThresholdState::default();
        let mut parts = transitions(rule, &mut kept, &scores[..stop], 0);
        let ThresholdState { pending, open } = kept;
        parts.extend(transitions(rule, &mut ThresholdState { pending, open }, &scores[stop..], stop as i64));
        prop_assert_eq!(parts, whole);
    }

    /// Openings and closings alternate; a closing carries the highest score since the opening run began.
    #[test]
    fn anomalies_follow_each_other_and_tell_their_peak(
        scores in prop::collection::vec(prop::option::weighted(0.9, 0.0..2.0_f64), 0..80),
        min_windows in 1..4_u32,
    ) {
        let rule = ThresholdRule::new(1.0, min_windows, 0.9).unwrap();
        let mut is_open = false;
        for transition in transitions(rule, &mut ThresholdState::default(), &scores, 0) {
            match transition {
                AnomalyTransition::Opened { at, since, .. } => {
                    prop_assert!(!is_open && at.0 - since.0 == i64::from(min_windows) - 1);
                    is_open = true;
                }
                AnomalyTransition::Peaked(_) => prop_assert!(is_open),
                AnomalyTransition::Closed { at, since, peak } => {
                    prop_assert!(is_open);
                    is_open = false;
                    let within = &scores[since.0 as usize..at.0 as usize];
                    let highest = within.iter().flatten().copied().fold(0.0, f64::max);
                    prop_assert_eq!(peak.score, highest);
                    prop_assert_eq!(scores[peak.at.0 as usize], Some(highest));
                }
            }
        }
    }
}
