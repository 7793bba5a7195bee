//! From scores to anomalies: when one begins, how far it goes, when it is over.

use crate::domain::Micros;

/// When a score is one of an anomaly. Two levels, so that a score at the threshold does not flicker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    threshold: f64,
    min_windows: u32,
    clear_ratio: f64,
}

/// Of the threshold: what a score must fall below for an anomaly to be over.
pub const CLEAR_RATIO: f64 = 0.9;

/// What is remembered from window to window, and across restarts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Crossing {
    /// Scores above the threshold, one after the other, while no anomaly is open.
    pub run: Option<Run>,
    /// The anomaly that is open.
    pub open: Option<Run>,
}

/// Windows of an anomaly, or of what may become one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// The end of the first window above the threshold.
    pub since: Micros,
    /// Windows above the threshold before it opened; the same ever after.
    pub windows: u32,
    pub peak: Peak,
}

/// The highest score, and the end of the first window that had it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    pub score: f64,
    pub at: Micros,
}

/// What a window's score changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transition {
    /// With the end of the window that made it one, and that window's score. `since` is the first of its windows.
    Opened { at: Micros, score: f64, since: Micros },
    /// An open anomaly has a new highest score.
    Peaked(Peak),
    /// With the end of the first window below the level.
    Closed { at: Micros, since: Micros, peak: Peak },
}

impl Rule {
    /// `None` unless the threshold is finite and not negative (the scores are errors), `min_windows` is at least 1 and
    /// `clear_ratio` is above 0 and at most 1.
    pub fn new(threshold: f64, min_windows: u32, clear_ratio: f64) -> Option<Rule> {
        let is_one = threshold.is_finite()
            && threshold >= 0.0
            && min_windows >= 1
            && clear_ratio > 0.0
            && clear_ratio <= 1.0;
        is_one.then_some(Rule { threshold, min_windows, clear_ratio })
    }

    /// Opens with the first score above the threshold, closes below 0.9 of it.
    pub fn of_threshold(threshold: f64) -> Option<Rule> {
        Rule::new(threshold, 1, CLEAR_RATIO)
    }

    /// The score of the window that ends there. One that is not a number is as a gap.
    pub fn score(&self, crossing: &mut Crossing, at: Micros, score: f64) -> Option<Transition> {
        if score.is_nan() {
            self.gap(crossing);
            return None;
        }
        match crossing.open.take() {
            Some(open) => self.score_open(crossing, open, Peak { score, at }),
            None => self.score_closed(crossing, Peak { score, at }),
        }
    }

    /// A gap says nothing of an anomaly that is open; but windows on its two sides do not follow each other.
    pub fn gap(&self, crossing: &mut Crossing) {
        crossing.run = None;
    }

    fn score_open(&self, crossing: &mut Crossing, open: Run, new: Peak) -> Option<Transition> {
        // Nothing is below a level of 0: there, no error at all is the end.
        if new.score < self.threshold * self.clear_ratio || new.score <= 0.0 {
            return Some(Transition::Closed { at: new.at, since: open.since, peak: open.peak });
        }
        let is_peak = new.score > open.peak.score;
        crossing.open = Some(if is_peak { Run { peak: new, ..open } } else { open });
        is_peak.then_some(Transition::Peaked(new))
    }

    fn score_closed(&self, crossing: &mut Crossing, new: Peak) -> Option<Transition> {
        let before = crossing.run.take();
        if new.score <= self.threshold {
            return None;
        }
        let run = match before {
            Some(run) => Run {
                windows: run.windows.saturating_add(1),
                peak: if new.score > run.peak.score { new } else { run.peak },
                ..run
            },
            None => Run { since: new.at, windows: 1, peak: new },
        };
        if run.windows < self.min_windows {
            crossing.run = Some(run);
            return None;
        }
        crossing.open = Some(run);
        Some(Transition::Opened { at: new.at, score: new.score, since: run.since })
    }
}
