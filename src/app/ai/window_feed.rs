//! Turns readings into sample runs: gap-free samples that a model scores in one batch.

use crate::domain::model::ModelSettings;
use crate::domain::{Error, Micros, Result};
use crate::infer::window::{WindowAssembler, WindowEvent, WindowSpec};

/// Maximum windows in a run: as many as are scored in one batch.
const MAX_RUN_WINDOWS: usize = 256;

/// A reading of one source of a model.
#[derive(Debug, Clone, Copy)]
pub struct SourceReading {
    /// Index among the model's sources.
    pub source: usize,
    /// Time of the reading, microseconds.
    pub ts: i64,
    /// NaN when the reading has no usable value.
    pub value: f64,
}

/// An output of the feed.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedItem {
    Samples(SampleRun),
    /// A source was silent for too long.
    Gap,
}

/// Samples without a gap. There is a window for each sample from the first complete window on.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRun {
    /// One value for each source, sample by sample.
    pub samples: Vec<f64>,
    /// Time of the newest sample of the first window.
    pub first: Micros,
    pub windows: usize,
    pub interval_us: i64,
}

/// Size of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowShape {
    /// Samples in a window.
    pub samples: usize,
    /// Values in a sample.
    pub features: usize,
}

impl SampleRun {
    /// Returns the end of each window, in order.
    pub fn ends(&self) -> impl Iterator<Item = Micros> + use<> {
        let (first, interval_us) = (self.first.0, self.interval_us);
        (0..self.windows as i64).map(move |i| Micros(first + i * interval_us))
    }

    /// Returns the samples of at most `windows` windows from index `first` on.
    pub fn part(&self, first: usize, windows: usize, shape: WindowShape) -> &[f64] {
        let windows = windows.min(self.windows - first);
        &self.samples[first * shape.features..(first + windows + shape.samples - 1) * shape.features]
    }

    fn next_end(&self) -> Micros {
        Micros(self.first.0 + self.windows as i64 * self.interval_us)
    }
}

/// Scores of consecutive windows.
pub struct WindowScores {
    pub stretch: SampleRun,
    pub scores: Vec<f64>,
}

impl WindowScores {
    /// Iterates over end time and score of each window.
    pub fn iter(&self) -> impl Iterator<Item = (Micros, f64)> {
        self.stretch.ends().zip(self.scores.iter().copied())
    }
}

/// Assembles the readings of a model's sources into sample runs.
pub struct WindowFeed {
    plan: WindowSpec,
    windows: WindowAssembler,
    /// A gap was met after the run that was returned last.
    gap: bool,
}

/// Returns the window layout of a model whose windows have `window` samples.
pub fn window_plan(settings: &ModelSettings, window: usize) -> Result<WindowSpec> {
    WindowSpec::new(settings.sources.len(), window, settings.interval_us())
        .map_err(|e| Error::invalid(format!("the model has no windows: {e}")))
}

impl WindowFeed {
    /// Continues after the window at `position`. It needs the readings from `WindowSpec::replay_from` of that position
    /// on.
    pub fn resume_after(plan: WindowSpec, position: Micros) -> Self {
        Self { plan, windows: WindowAssembler::resume(plan, position), gap: false }
    }

    /// Adds a reading; those of a source must come in time order. Returns whether it was late: its time had already
    /// been decided.
    pub fn push(&mut self, point: SourceReading) -> bool {
        let SourceReading { source, ts, value } = point;
        let before = self.windows.late().readings;
        self.windows.push(source, Micros(ts), Some(value).filter(|value| !value.is_nan()));
        self.windows.late().readings > before
    }

    /// Readings at or before this time are late.
    pub fn last_decided_sample(&self) -> Micros {
        self.windows.last_decided_sample()
    }

    /// Advances the watermark: readings before this time are not waited for.
    pub fn advance(&mut self, time: Micros) {
        self.windows.advance_watermark(time);
    }

    /// Returns the next item if one is complete.
    pub fn next(&mut self) -> Option<FeedItem> {
        if std::mem::take(&mut self.gap) {
            return Some(FeedItem::Gap);
        }
        let features = self.plan.features();
        let mut run: Option<SampleRun> = None;
        while run.as_ref().is_none_or(|run| run.windows < MAX_RUN_WINDOWS) {
            match (self.windows.next_event(), &mut run) {
                // Consecutive windows share all but one sample.
                (Some(WindowEvent::Window { end, values }), Some(run)) => {
                    debug_assert_eq!(end, run.next_end());
                    run.samples.extend_from_slice(&values[values.len() - features..]);
                    run.windows += 1;
                }
                (Some(WindowEvent::Window { end, values }), None) => {
                    let (samples, interval_us) = (values.to_vec(), self.plan.interval_us());
                    run = Some(SampleRun { samples, first: end, windows: 1, interval_us });
                }
                (Some(WindowEvent::GapStarted(_)), None) => return Some(FeedItem::Gap),
                (Some(WindowEvent::GapStarted(_)), Some(_)) => {
                    self.gap = true;
                    break;
                }
                (Some(WindowEvent::GapEnded { .. }), _) => {}
                (None, _) => break,
            }
        }
        run.map(FeedItem::Samples)
    }
}
