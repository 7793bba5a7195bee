//! Reconstruction of a range: expected and actual values at the ends of windows, and how much each source contributes
//! to their scores.

use std::sync::Arc;

use super::inference_pool::InferencePriority;
use super::window_feed::{FeedItem, WindowFeed, WindowShape, window_plan};
use crate::app::ai::ModelService;
use crate::domain::model::Model;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, FieldError, Micros, ModelId, Principal, Resource, Result, Scope, StreamId};
use crate::query::step::duration_us;

/// Maximum windows in one answer.
pub const MAX_WINDOWS: i64 = 2_000;

/// Maximum model intervals in a range: all of their readings are read, however long the step is.
const MAX_INTERVALS: i64 = 100_000;

/// Problem of a step that cannot be used.
pub const STEP_MESSAGE: &str = "must be seconds above 0, or an ISO-8601 duration without months, as PT1M";

/// Parses a step given as seconds or as an ISO-8601 duration, microseconds; `None` for anything else and for nothing.
pub fn parse_step(text: &str) -> Option<i64> {
    if text.starts_with('P') {
        return duration_us(text);
    }
    let seconds: f64 = text.trim().parse().ok()?;
    let step_us = (seconds * MICROS_PER_SECOND as f64).round();
    (step_us.is_finite() && step_us >= 1.0).then_some(step_us as i64)
}

/// The windows that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconstructionQuery {
    /// Earliest window end, inclusive; required.
    pub from: Option<Micros>,
    /// Latest window end, inclusive; required.
    pub to: Option<Micros>,
    /// Microseconds between two windows; by default the interval of the model.
    pub step_us: Option<i64>,
}

/// The windows of a range.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconstruction {
    pub from: Micros,
    pub to: Micros,
    /// Microseconds between two windows.
    pub step_us: i64,
    pub sources: Vec<StreamId>,
    /// At most `MAX_WINDOWS`, by time; none where a source is silent.
    pub windows: Vec<ReconstructedWindow>,
}

/// A window with the values of its last sample, one for each source.
#[derive(Debug, Clone, PartialEq)]
pub struct ReconstructedWindow {
    /// Time of the last sample.
    pub end: Micros,
    pub score: f64,
    /// Values that the sources had, in the units of the readings.
    pub actual: Vec<f64>,
    /// Values that the model expected, in the same units.
    pub expected: Vec<f64>,
    /// Part of each source in the squared error of the whole window, in scaled units; the sum is 1. `None` for a window
    /// without an error.
    pub shares: Option<Vec<f64>>,
}

/// A range that was checked.
#[derive(Debug, Clone, Copy)]
struct CheckedRange {
    from: Micros,
    to: Micros,
    step_us: i64,
}

impl ReconstructionQuery {
    /// Names every member that is absent or too large for a model with this interval.
    fn check(self, interval_us: i64) -> Result<CheckedRange> {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            let absent = [("from", self.from), ("to", self.to)].into_iter().filter(|(_, at)| at.is_none());
            let problems = absent.map(|(name, _)| FieldError::new(name, "This field is required."));
            return Err(Error::fields(problems.collect()));
        };
        let step_us = self.step_us.unwrap_or(interval_us).max(interval_us);
        let span_us = to.0.saturating_sub(from.0);
        let (windows, intervals) = ((span_us / step_us).saturating_add(1), span_us / interval_us);
        if span_us < 0 {
            return Err(Error::field("to", "Must not be before from."));
        }
        if intervals > MAX_INTERVALS {
            let message =
                format!("The range has {intervals} intervals of the model; at most {MAX_INTERVALS}.");
            return Err(Error::field("to", message));
        }
        if windows > MAX_WINDOWS {
            let message = format!(
                "The range has {windows} windows; at most {MAX_WINDOWS}: choose a longer step or a shorter range."
            );
            return Err(Error::field("step", message));
        }
        Ok(CheckedRange { from, to, step_us })
    }
}

impl CheckedRange {
    /// Returns the earliest end of the window after the one that ends at `end`: the next time of the grid that
    /// begins at `from`.
    fn next_due(self, end: Micros) -> Micros {
        let passed = end.0.saturating_sub(self.from.0).div_euclid(self.step_us).saturating_add(1);
        Micros(self.from.0.saturating_add(passed.saturating_mul(self.step_us)))
    }
}

impl ModelService {
    /// Returns for each step of a range the first complete window that ends in it.
    ///
    /// # Errors
    /// `Invalid` naming `from`, `to` or `step`; `Forbidden` when the principal may not see every source; `Invalid` when
    /// the model cannot run.
    pub async fn reconstruct_range(
        &self,
        principal: &Principal,
        id: ModelId,
        query: ReconstructionQuery,
    ) -> Result<Reconstruction> {
        principal.require(Scope::read(Resource::Value))?;
        let model = self.model_with_sources(principal, id)?;
        let settings = &model.version.settings;
        let range = query.check(settings.interval_us())?;
        let detector = self.ai.detectors.get(&model).await?;
        let plan = window_plan(settings, detector.window_len())?;
        let shape = WindowShape { samples: detector.window_len(), features: detector.features() };
        // The detector may be evicted from memory while readings are read.
        drop(detector);
        let before = Micros(plan.sample_at_or_after(range.from).0.saturating_sub(plan.interval_us()));
        // Nothing is known of the future, not even which value a source still has.
        let mut replay = self.scorer().replay(&model, plan, before, range.to.min(self.clock.now()));
        let mut feed = WindowFeed::resume_after(plan, before);
        let (mut windows, mut due) = (Vec::new(), range.from);
        while let Some(item) = replay.next_without_waiting(&mut feed).await? {
            let FeedItem::Samples(run) = item else { continue };
            for (index, end) in run.ends().enumerate() {
                if end < due {
                    continue;
                }
                let samples = run.part(index, 1, shape).to_vec();
                windows.push(self.reconstruct_window(&model, end, samples).await?);
                due = range.next_due(end);
            }
        }
        let CheckedRange { from, to, step_us } = range;
        Ok(Reconstruction { from, to, step_us, sources: settings.sources.clone(), windows })
    }

    async fn reconstruct_window(
        &self,
        model: &Arc<Model>,
        end: Micros,
        samples: Vec<f64>,
    ) -> Result<ReconstructedWindow> {
        let detector = self.ai.detectors.get(model).await?;
        let last_sample = samples.len() - detector.features();
        let actual = samples[last_sample..].to_vec();
        let run = move |workspace: &mut _| detector.score_window(workspace, &samples);
        let mut scored = self.ai.inference_pool.run(InferencePriority::Background, run).await?;
        if !scored.score.is_finite() {
            return Err(Error::invalid("the model's score of a window is not a finite number"));
        }
        let expected = scored.reconstruction.split_off(last_sample);
        let shares = shares(&scored.squared_errors);
        Ok(ReconstructedWindow { end, score: scored.score, actual, expected, shares })
    }
}

/// Divides each error by the sum of all; `None` when the sum is 0.
fn shares(squared_errors: &[f64]) -> Option<Vec<f64>> {
    let sum: f64 = squared_errors.iter().sum();
    (sum > 0.0).then(|| squared_errors.iter().map(|error| error / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = MICROS_PER_SECOND;

    #[test]
    fn shares_are_parts_of_one() {
        assert_eq!(shares(&[1.0, 3.0]), Some(vec![0.25, 0.75]));
        assert_eq!(shares(&[2.0]), Some(vec![1.0]));
        assert_eq!(shares(&[0.0, 0.0]), None);
    }

    #[test]
    fn a_step_is_seconds_or_a_duration() {
        let rows = [
            ("60", Some(60 * SECOND)),
            ("0.5", Some(SECOND / 2)),
            ("PT1M", Some(60 * SECOND)),
            ("0", None),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("P1M", None),
            ("soon", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_step(text), expected, "{text}");
        }
    }

    #[test]
    fn a_range_has_limits_that_are_named() {
        let check = |from: Option<i64>, to: Option<i64>, step: Option<i64>| {
            let seconds = |n: i64| n * SECOND;
            let at = |n: Option<i64>| n.map(|n| Micros(seconds(n)));
            let query = ReconstructionQuery { from: at(from), to: at(to), step_us: step.map(seconds) };
            query.check(SECOND).err().map(|error| error.fields[0].field.to_string())
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(check(None, Some(1), None), named("from"));
        assert_eq!(check(Some(1), None, None), named("to"));
        assert_eq!(check(Some(2), Some(1), None), named("to"));
        assert_eq!(check(Some(0), Some(1_999), None), None);
        assert_eq!(check(Some(0), Some(2_000), None), named("step"));
        assert_eq!(check(Some(0), Some(2_000), Some(2)), None);
        assert_eq!(check(Some(0), Some(100_001), Some(1_000)), named("to"));
    }

    #[test]
    fn the_next_window_is_on_the_grid_of_the_range() {
        let range = CheckedRange { from: Micros(5), to: Micros(100), step_us: 10 };
        for (end, expected) in [(5, 15), (14, 15), (15, 25), (40, 45)] {
            assert_eq!(range.next_due(Micros(end)), Micros(expected), "{end}");
        }
    }
}
