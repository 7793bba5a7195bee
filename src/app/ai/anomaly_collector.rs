//! Collects the anomalies of a past range from its scores, which must arrive in time order.

use super::window_feed::WindowScores;
use crate::domain::Micros;
use crate::domain::model::{Anomaly, Model};
use crate::infer::window::threshold::{AnomalyTransition, ThresholdRule, ThresholdState};

/// Applies the model's threshold rule to a range of scores. A model without a threshold has no anomalies.
pub struct AnomalyCollector {
    rule: Option<ThresholdRule>,
    crossing: ThresholdState,
    /// The end of the last window.
    last: Option<Micros>,
    interval_us: i64,
    found: Vec<Anomaly>,
}

impl AnomalyCollector {
    /// Applies the threshold of the model's settings; a model without one has no anomalies.
    pub fn new(model: &Model) -> Self {
        Self::with_threshold(model, model.version.settings.threshold)
    }

    /// Applies the model's rule with another threshold.
    pub fn with_threshold(model: &Model, threshold: Option<f64>) -> Self {
        let settings = &model.version.settings;
        let rule = threshold.and_then(|t| ThresholdRule::new(t, settings.min_windows, settings.clear_ratio));
        let interval_us = settings.interval_us();
        Self { rule, crossing: ThresholdState::default(), last: None, interval_us, found: Vec::new() }
    }

    /// Adds the scores of a run of windows, which must follow the windows added before in time.
    pub fn add_scores(&mut self, scores: &WindowScores) {
        scores.iter().for_each(|(at, score)| self.add_score(at, score));
    }

    /// Adds the score of the window that ends at `at`.
    pub fn add_score(&mut self, at: Micros, score: f64) {
        let Some(rule) = self.rule else { return };
        if self.last.is_some_and(|last| at.0 - last.0 > self.interval_us) {
            rule.apply_gap(&mut self.crossing);
        }
        self.last = Some(at);
        if let Some(AnomalyTransition::Closed { at, since, peak }) =
            rule.apply_score(&mut self.crossing, at, score)
        {
            self.found.push(Anomaly { since, peak: peak.score, ended_at: Some(at) });
        }
    }

    /// Returns all anomalies. An anomaly still open at the end of the range is closed there.
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
    use crate::app::ai::window_feed::SampleRun;

    fn scores(first: i64, scores: &[f64]) -> WindowScores {
        let run =
            SampleRun { samples: Vec::new(), first: Micros(first), windows: scores.len(), interval_us: 1 };
        WindowScores { stretch: run, scores: scores.to_vec() }
    }

    /// Returns beginning and end of the anomalies; two windows in a row above 1 make one.
    fn found(pieces: &[WindowScores]) -> Vec<(i64, Option<i64>)> {
        let (rule, crossing) = (ThresholdRule::new(1.0, 2, 0.9), ThresholdState::default());
        let mut past = AnomalyCollector { rule, crossing, last: None, interval_us: 1, found: Vec::new() };
        pieces.iter().for_each(|piece| past.add_scores(piece));
        past.finish().iter().map(|one| (one.since.0, one.ended_at.map(|at| at.0))).collect()
    }

    #[test]
    fn windows_on_two_sides_of_a_gap_do_not_follow_each_other() {
        assert_eq!(found(&[scores(0, &[0.0, 2.0]), scores(2, &[2.0, 0.0])]), [(1, Some(3))]);
        assert_eq!(found(&[scores(0, &[0.0, 2.0]), scores(3, &[2.0, 0.0])]), []);
        assert_eq!(found(&[scores(0, &[2.0, 2.0, 2.0])]), [(0, Some(2))], "it ends with the range");
    }
}
