//! Scores in, anomalies out, row by row. A window ends every microsecond; `None` is a gap.

use proptest::prelude::*;

use super::crossing::{Crossing, Peak, Rule, Transition};
use crate::domain::Micros;

fn opened(at: i64, score: f64, since: i64) -> Transition {
    Transition::Opened { at: Micros(at), score, since: Micros(since) }
}

fn peaked(at: i64, score: f64) -> Transition {
    Transition::Peaked(Peak { score, at: Micros(at) })
}

fn closed(at: i64, since: i64, (peak_at, score): (i64, f64)) -> Transition {
    Transition::Closed { at: Micros(at), since: Micros(since), peak: Peak { score, at: Micros(peak_at) } }
}

fn transitions(rule: Rule, crossing: &mut Crossing, scores: &[Option<f64>], from: i64) -> Vec<Transition> {
    let mut told = Vec::new();
    for (at, score) in (from..).zip(scores) {
        match score {
            Some(score) => told.extend(rule.score(crossing, Micros(at), *score)),
            None => rule.gap(crossing),
        }
    }
    told
}

/// Name, threshold, windows in a row, scores, what is told.
type Row<'a> = (&'a str, f64, u32, &'a [f64], Vec<Transition>);

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
        let rule = Rule::new(threshold, min_windows, 0.9).unwrap();
        let scores: Vec<_> = scores.iter().copied().map(Some).collect();
        assert_eq!(transitions(rule, &mut Crossing::default(), &scores, 0), expected, "{name}");
    }
}

#[test]
fn a_gap_neither_opens_nor_closes_but_breaks_a_run() {
    let rule = Rule::new(1.0, 2, 0.9).unwrap();
    for gap in [None, Some(f64::NAN)] {
        let broken = [Some(2.0), gap, Some(2.0)];
        assert_eq!(transitions(rule, &mut Crossing::default(), &broken, 0), [], "{gap:?}");
        let open = [Some(2.0), Some(2.0), gap, gap, Some(3.0), Some(0.5)];
        let expected = [opened(1, 2.0, 0), peaked(4, 3.0), closed(5, 0, (4, 3.0))];
        assert_eq!(transitions(rule, &mut Crossing::default(), &open, 0), expected, "{gap:?}");
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
        assert_eq!(Rule::new(threshold, min_windows, clear_ratio), None, "{name}");
    }
    assert_eq!(Rule::of_threshold(2.0), Rule::new(2.0, 1, 0.9));
}

proptest! {
    /// What is remembered is all there is: stopped anywhere and resumed from a copy, the same is told.
    #[test]
    fn kept_state_goes_on_as_if_it_had_not_stopped(
        scores in prop::collection::vec(prop::option::weighted(0.9, 0.0..2.0_f64), 0..80),
        min_windows in 1..4_u32,
        stop in any::<prop::sample::Index>(),
    ) {
        let rule = Rule::new(1.0, min_windows, 0.9).unwrap();
        let whole = transitions(rule, &mut Crossing::default(), &scores, 0);
        let stop = stop.index(scores.len() + 1);
        let mut kept = Crossing::default();
        let mut parts = transitions(rule, &mut kept, &scores[..stop], 0);
        let Crossing { run, open } = kept;
        parts.extend(transitions(rule, &mut Crossing { run, open }, &scores[stop..], stop as i64));
        prop_assert_eq!(parts, whole);
    }

    /// Opened and closed take turns; a closed one tells the highest score since it began, above the threshold.
    #[test]
    fn anomalies_follow_each_other_and_tell_their_peak(
        scores in prop::collection::vec(prop::option::weighted(0.9, 0.0..2.0_f64), 0..80),
        min_windows in 1..4_u32,
    ) {
        let rule = Rule::new(1.0, min_windows, 0.9).unwrap();
        let mut is_open = false;
        for told in transitions(rule, &mut Crossing::default(), &scores, 0) {
            match told {
                Transition::Opened { at, since, .. } => {
                    prop_assert!(!is_open && at.0 - since.0 == i64::from(min_windows) - 1);
                    is_open = true;
                }
                Transition::Peaked(_) => prop_assert!(is_open),
                Transition::Closed { at, since, peak } => {
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
