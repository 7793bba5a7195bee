//! Anomalies of the past, out of scores in order.

use super::feed::Scores;
use crate::domain::Micros;
use crate::domain::model::{Anomaly, Model};
use crate::infer::window::crossing::{Crossing, Rule, Transition};

/// Gathers the anomalies of a range; without a threshold there are none.
pub struct PastAnomalies {
    rule: Option<Rule>,
    crossing: Crossing,
    /// The end of the last window.
    last: Option<Micros>,
    interval_us: i64,
    found: Vec<Anomaly>,
}

impl PastAnomalies {
    pub fn new(model: &Model) -> Self {
        let settings = &model.version.settings;
        let rule = settings.threshold.and_then(|t| Rule::new(t, settings.min_windows, settings.clear_ratio));
        let interval_us = settings.interval_us();
        Self { rule, crossing: Crossing::default(), last: None, interval_us, found: Vec::new() }
    }

    pub fn judge(&mut self, scores: &Scores) {
        let Some(rule) = self.rule else { return };
        for (at, score) in scores.iter() {
            if self.last.is_some_and(|last| at.0 - last.0 > self.interval_us) {
                rule.gap(&mut self.crossing);
            }
            self.last = Some(at);
            if let Some(Transition::Closed { at, since, peak }) = rule.score(&mut self.crossing, at, score) {
                self.found.push(Anomaly { since, peak: peak.score, ended_at: Some(at) });
            }
        }
    }

    /// All of them; one that goes on at the end of the range is told as ending there.
    pub fn finish(mut self) -> Vec<Anomaly> {
        if let Some(open) = self.crossing.open {
            self.found.push(Anomaly { since: open.since, peak: open.peak.score, ended_at: self.last });
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ai::feed::Stretch;

    fn scores(first: i64, scores: &[f64]) -> Scores {
        let stretch =
            Stretch { samples: Vec::new(), first: Micros(first), windows: scores.len(), interval_us: 1 };
        Scores { stretch, scores: scores.to_vec() }
    }

    /// Two windows in a row above 1 make an anomaly; when those of the range were.
    fn found(pieces: &[Scores]) -> Vec<(i64, Option<i64>)> {
        let (rule, crossing) = (Rule::new(1.0, 2, 0.9), Crossing::default());
        let mut past = PastAnomalies { rule, crossing, last: None, interval_us: 1, found: Vec::new() };
        pieces.iter().for_each(|piece| past.judge(piece));
        past.finish().iter().map(|one| (one.since.0, one.ended_at.map(|at| at.0))).collect()
    }

    #[test]
    fn windows_on_two_sides_of_a_gap_do_not_follow_each_other() {
        assert_eq!(found(&[scores(0, &[0.0, 2.0]), scores(2, &[2.0, 0.0])]), [(1, Some(3))]);
        assert_eq!(found(&[scores(0, &[0.0, 2.0]), scores(3, &[2.0, 0.0])]), []);
        assert_eq!(found(&[scores(0, &[2.0, 2.0, 2.0])]), [(0, Some(2))], "it ends with the range");
    }
}
