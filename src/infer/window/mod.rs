//! From the readings of a model's sources to the windows it scores, and from scores to anomalies that begin and end.
//!
//! Streaming and pure: the caller pushes readings and says how far time has come, and takes items out until there are
//! none. Nothing here reads a clock or a store. What was scored up to a position can be continued from there.

pub mod crossing;
mod grid;
mod plan;
mod slide;
mod source;

use crate::domain::Micros;

use grid::{Decided, Grid};
pub use grid::{GapBegan, Late};
pub use plan::{HELD_INTERVALS, MAX_INTERVAL_US, MAX_VALUES, Plan, WrongPlan};
use slide::Slide;

/// The windows of one model, as its readings come.
#[derive(Debug)]
pub struct Windows {
    plan: Plan,
    grid: Grid,
    slide: Slide,
    /// The newest sample in `slide`.
    newest: Option<Micros>,
    /// Windows up to here have been scored.
    position: Option<Micros>,
}

/// What came of the readings so far, in order of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// To be scored: samples × features, row by row, oldest first; `end` is the time of the newest sample.
    Window { end: Micros, values: &'a [f64] },
    /// A source has been silent for too long. No window has a missing sample in it: the next one begins after the gap.
    GapBegan(GapBegan),
    /// All sources have values again: samples from `from` on, `until` not included, are missing.
    GapEnded { from: Micros, until: Micros },
}

impl Windows {
    /// Begins with the first sample for which all sources have a value. Silence before it is no gap.
    pub fn new(plan: Plan) -> Self {
        let slide = Slide::new(plan.features(), plan.samples());
        Self { plan, grid: Grid::new(plan), slide, newest: None, position: None }
    }

    /// Continues right after `position`, the end of the last window that was scored.
    ///
    /// To be fed with all readings since `Plan::feed_from(position)`: from the same readings come the items that
    /// followed that window, none twice and none left out. A gap that began since the position is told again, at the
    /// same time.
    pub fn resume(plan: Plan, position: Micros) -> Self {
        let position = plan.sample_at_or_before(position);
        Self { grid: Grid::resume(plan, position), position: Some(position), ..Self::new(plan) }
    }

    /// A source, by its place among the model's features, has said something at a time: a value, or that it has none
    /// (null, or of bad quality), which does not end what it said before.
    ///
    /// Meant to be in order of each source's time. A value whose sample is decided is counted as late: the sample
    /// stays, later ones may hold the value. Panics if the plan has no such feature.
    pub fn push(&mut self, feature: usize, ts: Micros, value: Option<f64>) {
        self.grid.push(feature, ts, value);
    }

    /// Time has come to here: silent sources are waited for no longer. To be called also when nothing comes, and
    /// some while behind the clock where readings take a while.
    pub fn advance(&mut self, time: Micros) {
        self.grid.advance(time);
    }

    /// Readings that came too late for their sample, since the beginning. Scoring again from the oldest mends.
    pub fn late(&self) -> Late {
        self.grid.late()
    }

    /// The last sample that was decided, whether or not a window ended there; before all time if none was.
    pub fn decided(&self) -> Micros {
        self.grid.decided()
    }

    /// The next item; `None` until there is more to read or time has come further.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        loop {
            match self.grid.decide()? {
                Decided::Row { at } => {
                    self.append(at);
                    if self.is_due(at) {
                        return Some(Item::Window { end: at, values: self.slide.window() });
                    }
                }
                Decided::GapBegan(began) => return Some(Item::GapBegan(began)),
                Decided::GapEnded { from, until } => return Some(Item::GapEnded { from, until }),
            }
        }
    }

    fn append(&mut self, at: Micros) {
        let follows =
            self.newest.is_some_and(|newest| at.0.saturating_sub(newest.0) == self.plan.interval_us());
        if !follows {
            self.slide.clear();
        }
        self.slide.push(self.grid.row());
        self.newest = Some(at);
    }

    /// Whether the window that ends with the newest sample is one to score. After a gap the first whole one is.
    fn is_due(&self, end: Micros) -> bool {
        let stride = self.plan.stride() as u64;
        let windows = self.slide.windows();
        windows > 0
            && (windows - 1).is_multiple_of(stride)
            && self.position.is_none_or(|position| end > position)
    }
}

#[cfg(test)]
mod crossing_tests;
#[cfg(test)]
mod restart_tests;
#[cfg(test)]
mod window_tests;
