//! Threshold detection with hysteresis: turns scores into anomalies that open, peak and close.

use crate::domain::Micros;

/// Threshold with a lower clear level, so that a score around the threshold does not flicker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdRule {
    threshold: f64,
    min_windows: u32,
    clear_ratio: f64,
}

/// Default clear level relative to the threshold: below it an anomaly ends.
pub const DEFAULT_CLEAR_RATIO: f64 = 0.9;

/// Detection state, kept from window to window and across restarts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ThresholdState {
    /// Consecutive scores above the threshold while no anomaly is open.
    pub pending: Option<AnomalyRun>,
    /// The open anomaly.
    pub open: Option<AnomalyRun>,
}

/// Windows of an anomaly or of a possible one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnomalyRun {
    /// End of the first window above the threshold.
    pub since: Micros,
    /// Number of windows above the threshold up to its opening; constant afterwards.
    pub windows: u32,
    /// Highest score of these windows.
    pub peak: Peak,
}

/// Highest score, and the end of the first window that had it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Score of the window; may be infinite, never NaN.
    pub score: f64,
    /// End of the window with this score.
    pub at: Micros,
}

/// State change caused by a window's score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AnomalyTransition {
    /// An anomaly opened at the end of this window, with its score. `since` is the end of the first of its windows.
    Opened {
        /// End of the window that opened it.
        at: Micros,
        /// Score of that window.
        score: f64,
        /// End of the first window above the threshold; earlier than `at` if several are needed.
        since: Micros,
    },
    /// The open anomaly has a new highest score.
    Peaked(Peak),
    /// The anomaly closed at the end of the first window below the clear level.
    Closed {
        /// End of the window that closed it.
        at: Micros,
        /// End of its first window above the threshold.
        since: Micros,
        /// Highest score while it was open, and its window.
        peak: Peak,
    },
}

impl ThresholdRule {
    /// Returns `None` unless the threshold is finite and not negative (scores are errors), `min_windows` is at least 1
    /// and `clear_ratio` is above 0 and at most 1.
    pub fn new(threshold: f64, min_windows: u32, clear_ratio: f64) -> Option<ThresholdRule> {
        let is_one = threshold.is_finite()
            && threshold >= 0.0
            && min_windows >= 1
            && clear_ratio > 0.0
            && clear_ratio <= 1.0;
        is_one.then_some(ThresholdRule { threshold, min_windows, clear_ratio })
    }

    /// Creates a rule that opens at the first score above the threshold and closes below 0.9 of it.
    pub fn from_threshold(threshold: f64) -> Option<ThresholdRule> {
        ThresholdRule::new(threshold, 1, DEFAULT_CLEAR_RATIO)
    }

    /// Applies the score of the window that ends at this time. A score that is not a number counts as a gap.
    pub fn apply_score(
        &self,
        crossing: &mut ThresholdState,
        at: Micros,
        score: f64,
    ) -> Option<AnomalyTransition> {
        if score.is_nan() {
            self.apply_gap(crossing);
            return None;
        }
        match crossing.open.take() {
            Some(open) => self.score_open(crossing, open, Peak { score, at }),
            None => self.score_closed(crossing, Peak { score, at }),
        }
    }

    /// Applies a gap: it does not close an open anomaly, but windows before and after it are not consecutive.
    pub fn apply_gap(&self, crossing: &mut ThresholdState) {
        crossing.pending = None;
    }

    fn score_open(
        &self,
        crossing: &mut ThresholdState,
        open: AnomalyRun,
        new: Peak,
    ) -> Option<AnomalyTransition> {
        // No score is below a clear level of 0: there, a score of zero ends the anomaly.
        if new.score < self.threshold * self.clear_ratio || new.score <= 0.0 {
            return Some(AnomalyTransition::Closed { at: new.at, since: open.since, peak: open.peak });
        }
        let is_peak = new.score > open.peak.score;
        crossing.open = Some(if is_peak { AnomalyRun { peak: new, ..open } } else { open });
        is_peak.then_some(AnomalyTransition::Peaked(new))
    }

    fn score_closed(&self, crossing: &mut ThresholdState, new: Peak) -> Option<AnomalyTransition> {
        let before = crossing.pending.take();
        if new.score <= self.threshold {
            return None;
        }
        let run = match before {
            Some(run) => AnomalyRun {
                windows: run.windows.saturating_add(1),
                peak: if new.score > run.peak.score { new } else { run.peak },
                ..run
            },
            None => AnomalyRun { since: new.at, windows: 1, peak: new },
        };
        if run.windows < self.min_windows {
            crossing.pending = Some(run);
            return None;
        }
        crossing.open = Some(run);
        Some(AnomalyTransition::Opened { at: new.at, score: new.score, since: run.since })
    }
}
