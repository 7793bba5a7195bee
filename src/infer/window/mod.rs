//! Windowing: turns readings of a model's sources into the windows that it scores, and scores into anomalies.
//!
//! Streaming and pure: the caller pushes readings, advances the watermark and takes events until there are none.
//! Nothing here reads a clock or a store. Scoring can resume from any position up to which it has run.

mod resampler;
mod sliding_window;
mod source_buffer;
mod spec;
pub mod threshold;

use crate::domain::Micros;

pub use resampler::{GapStarted, LateReadings};
use resampler::{Resampler, SampleEvent};
use sliding_window::SlidingWindow;
pub use spec::{InvalidWindowSpec, MAX_HOLD_INTERVALS, MAX_INTERVAL_US, MAX_VALUES, WindowSpec};

/// Assembles the windows of one model from its readings.
#[derive(Debug)]
pub struct WindowAssembler {
    plan: WindowSpec,
    resampler: Resampler,
    sliding_window: SlidingWindow,
    /// Time of the newest sample in the sliding window.
    newest: Option<Micros>,
    /// End of the last window that was scored.
    position: Option<Micros>,
}

/// Events in order of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WindowEvent<'a> {
    /// A window to score: samples × features, row by row, oldest first; `end` is the time of the newest sample.
    Window {
        /// Time of the window's newest sample, a multiple of the interval.
        end: Micros,
        /// `[sample, feature]`, row by row, in the units of the readings; always finite.
        values: &'a [f64],
    },
    /// A source has been silent for too long. No window contains a missing sample: the next one starts after the gap.
    GapStarted(GapStarted),
    /// All sources have values again: samples from `from` (inclusive) to `until` (exclusive) are missing.
    GapEnded {
        /// Time of the first missing sample, inclusive.
        from: Micros,
        /// Time of the first complete sample after the gap, exclusive.
        until: Micros,
    },
}

impl WindowAssembler {
    /// Starts with the first sample for which all sources have a value. Silence before it is no gap.
    pub fn new(plan: WindowSpec) -> Self {
        let slide = SlidingWindow::new(plan.features(), plan.samples());
        Self { plan, resampler: Resampler::new(plan), sliding_window: slide, newest: None, position: None }
    }

    /// Resumes right after `position`, the end of the last window that was scored.
    ///
    /// The caller must push all readings since `WindowSpec::replay_from(position)`: the same readings give the same
    /// events after that window, none twice and none omitted. A gap that began after the position is reported again
    /// with the same time.
    pub fn resume(plan: WindowSpec, position: Micros) -> Self {
        let position = plan.sample_at_or_before(position);
        Self { resampler: Resampler::resume(plan, position), position: Some(position), ..Self::new(plan) }
    }

    /// Records an observation of a source, given by its index among the model's features: a value, or `None` (null, or
    /// of bad quality), which does not end the value before it.
    ///
    /// Readings of one source should be in order of time. A value whose sample is decided counts as late: the sample
    /// stays, and later samples may hold the value. Panics if the spec has no such feature.
    pub fn push(&mut self, feature: usize, ts: Micros, value: Option<f64>) {
        self.resampler.push(feature, ts, value);
    }

    /// Advances the watermark: samples up to this time no longer wait for silent sources. It must also be called when
    /// nothing arrives, and lag behind the clock where readings are delayed.
    pub fn advance_watermark(&mut self, time: Micros) {
        self.resampler.advance_watermark(time);
    }

    /// Returns the readings that came too late for their sample. Rescoring from the oldest corrects the scores.
    pub fn late(&self) -> LateReadings {
        self.resampler.late()
    }

    /// Returns the last decided sample, whether or not a window ended there; it lies before all times if there is none.
    pub fn last_decided_sample(&self) -> Micros {
        self.resampler.last_decided_sample()
    }

    /// Returns the next event, or `None` until more readings arrive or the watermark advances.
    pub fn next_event(&mut self) -> Option<WindowEvent<'_>> {
        loop {
            match self.resampler.next_event()? {
                SampleEvent::Row { at } => {
                    self.append(at);
                    if self.is_due(at) {
                        return Some(WindowEvent::Window { end: at, values: self.sliding_window.window() });
                    }
                }
                SampleEvent::GapStarted(began) => return Some(WindowEvent::GapStarted(began)),
                SampleEvent::GapEnded { from, until } => return Some(WindowEvent::GapEnded { from, until }),
            }
        }
    }

    fn append(&mut self, at: Micros) {
        let follows =
            self.newest.is_some_and(|newest| at.0.saturating_sub(newest.0) == self.plan.interval_us());
        if !follows {
            self.sliding_window.clear();
        }
        self.sliding_window.push(self.resampler.row());
        self.newest = Some(at);
    }

    /// Whether the window that ends with the newest sample is to be scored. The first complete one after a gap is.
    fn is_due(&self, end: Micros) -> bool {
        let stride = self.plan.stride() as u64;
        let windows = self.sliding_window.window_count();
        windows > 0
            && (windows - 1).is_multiple_of(stride)
            && self.position.is_none_or(|position| end > position)
    }
}

#[cfg(test)]
mod restart_tests;
#[cfg(test)]
mod threshold_tests;
#[cfg(test)]
mod window_tests;
