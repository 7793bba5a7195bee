//! From readings to the stretches of samples that a model judges at once.

use crate::domain::model::ModelSettings;
use crate::domain::{Error, Micros, Result};
use crate::infer::window::{Item, Plan, Windows};

/// Samples of a stretch beyond the first window: as much as is judged at once.
const STRETCH: usize = 256;

/// What one source of a model said.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Its place among the model's sources.
    pub source: usize,
    /// Microseconds.
    pub ts: i64,
    /// NaN when it says that it has none.
    pub value: f64,
}

/// What becomes of readings.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Stretch(Stretch),
    /// A source was silent for too long.
    Gap,
}

/// Samples without a gap: as many windows as there are samples from the first whole window on.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// One value for each source, sample by sample.
    pub samples: Vec<f64>,
    /// The time of the newest sample of the first window.
    pub first: Micros,
    pub windows: usize,
    pub interval_us: i64,
}

impl Stretch {
    /// The end of each window, in order.
    pub fn ends(&self) -> impl Iterator<Item = Micros> + use<> {
        let (first, interval_us) = (self.first.0, self.interval_us);
        (0..self.windows as i64).map(move |i| Micros(first + i * interval_us))
    }

    /// The samples of at most `windows` windows from the `first` on, of windows of so many samples and features.
    pub fn part(&self, first: usize, windows: usize, (window, features): (usize, usize)) -> &[f64] {
        let windows = windows.min(self.windows - first);
        &self.samples[first * features..(first + windows + window - 1) * features]
    }

    fn next_end(&self) -> Micros {
        Micros(self.first.0 + self.windows as i64 * self.interval_us)
    }
}

/// The scores of windows that follow each other.
pub struct Scores {
    pub stretch: Stretch,
    pub scores: Vec<f64>,
}

impl Scores {
    /// Time and score of each window.
    pub fn iter(&self) -> impl Iterator<Item = (Micros, f64)> {
        self.stretch.ends().zip(self.scores.iter().copied())
    }
}

/// Gathers readings of a model's sources.
pub struct Feed {
    plan: Plan,
    windows: Windows,
    /// Met behind the stretch that was handed out last.
    gap: bool,
}

/// How a model cuts time, given the samples of its window.
pub fn plan(settings: &ModelSettings, window: usize) -> Result<Plan> {
    Plan::new(settings.sources.len(), window, settings.interval_us())
        .map_err(|e| Error::invalid(format!("the model has no windows: {e}")))
}

impl Feed {
    /// Goes on behind a window. It wants the readings from `Plan::feed_from` that on.
    pub fn after(plan: Plan, position: Micros) -> Self {
        Self { plan, windows: Windows::resume(plan, position), gap: false }
    }

    /// Readings of a source come in order of time. Whether this one came when its time had been decided.
    pub fn push(&mut self, point: Point) -> bool {
        let Point { source, ts, value } = point;
        let before = self.windows.late().readings;
        self.windows.push(source, Micros(ts), Some(value).filter(|value| !value.is_nan()));
        self.windows.late().readings > before
    }

    /// What comes of this time or before comes late.
    pub fn decided(&self) -> Micros {
        self.windows.decided()
    }

    /// Nothing before this time is waited for.
    pub fn advance(&mut self, time: Micros) {
        self.windows.advance(time);
    }

    /// The next piece, if one is complete.
    pub fn next(&mut self) -> Option<Piece> {
        if std::mem::take(&mut self.gap) {
            return Some(Piece::Gap);
        }
        let features = self.plan.features();
        let mut stretch: Option<Stretch> = None;
        while stretch.as_ref().is_none_or(|stretch| stretch.windows < STRETCH) {
            match (self.windows.next_item(), &mut stretch) {
                // Windows that follow each other share all but one sample.
                (Some(Item::Window { end, values }), Some(stretch)) => {
                    debug_assert_eq!(end, stretch.next_end());
                    stretch.samples.extend_from_slice(&values[values.len() - features..]);
                    stretch.windows += 1;
                }
                (Some(Item::Window { end, values }), None) => {
                    let (samples, interval_us) = (values.to_vec(), self.plan.interval_us());
                    stretch = Some(Stretch { samples, first: end, windows: 1, interval_us });
                }
                (Some(Item::GapBegan(_)), None) => return Some(Piece::Gap),
                (Some(Item::GapBegan(_)), Some(_)) => {
                    self.gap = true;
                    break;
                }
                (Some(Item::GapEnded { .. }), _) => {}
                (None, _) => break,
            }
        }
        stretch.map(Piece::Stretch)
    }
}
