//! Threshold calibration: sets a model's threshold to a percentile of its scores in a healthy range, or says what it would be.

use std::sync::Arc;

use super::anomaly_collector::AnomalyCollector;
use crate::app::ai::ModelService;
use crate::domain::model::{Model, ModelSettings};
use crate::domain::validation::check_range;
use crate::domain::{Error, FieldError, Micros, ModelId, Principal, Resource, Result, Scope};
use crate::infer::detector::MAX_SCORE;

/// Maximum windows in one calibration; a caller waits for the result.
const MAX_CALIBRATION_WINDOWS: i64 = 100_000;
/// Bins of the histogram of a preview.
const HISTOGRAM_BINS: usize = 40;

/// The range and percentile from which a threshold is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// First window end, inclusive.
    pub from: Micros,
    /// Last window end, inclusive.
    pub to: Micros,
    /// Percentile, 0..=100, by linear interpolation.
    pub percentile: f64,
}

/// Outcome of a calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationPreview {
    /// The threshold that it would set.
    pub threshold: f64,
    /// Windows of the range.
    pub windows: usize,
    /// Events that the threshold would have made in the range.
    pub events: usize,
    /// Scores of the range, lowest bin first.
    pub histogram: Vec<ScoreBin>,
}

/// A bin of a histogram of scores. The last one includes its end.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreBin {
    /// Lowest score, inclusive.
    pub from: f64,
    /// Highest score, exclusive.
    pub to: f64,
    /// Windows with such a score.
    pub count: usize,
}

impl Calibration {
    /// Returns every problem that can be found without the model or its readings.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found: Vec<FieldError> = range_problem(self.from, self.to).into_iter().collect();
        check_range(&mut found, "percentile", self.percentile, 0.0, 100.0);
        found
    }
}

/// Returns the problem of a range with inclusive ends, if any.
pub fn range_problem(from: Micros, to: Micros) -> Option<FieldError> {
    (from > to).then(|| FieldError::new("to", "Must not be before from."))
}

impl ModelService {
    /// Sets a model's threshold to a percentile of its scores in a range. Returns the threshold and the number of
    /// windows it was computed from.
    ///
    /// # Errors
    /// `Invalid` naming `from` or `to` when the range holds no whole window or too many; as `score_history` otherwise.
    pub async fn calibrate_model(
        &self,
        principal: &Principal,
        id: ModelId,
        calibration: Calibration,
    ) -> Result<(f64, usize)> {
        principal.require(Scope::write(Resource::System))?;
        Error::check(calibration.problems())?;
        let (_, scores) = self.scores_for_calibration(principal, id, calibration).await?;
        let threshold = threshold_of(&scores, calibration.percentile)?;
        let set = move |_: &mut bool, settings: &mut ModelSettings| settings.threshold = Some(threshold);
        self.store.catalog().models.update_model(principal, id, set).await?;
        Ok((threshold, scores.len()))
    }

    /// Returns the threshold that a calibration would set, the scores of its range, and the events that the threshold would
    /// have made of them. Nothing changes.
    ///
    /// # Errors
    /// `Invalid` naming `from` or `to` when the range holds no whole window or too many; as `score_history` otherwise.
    pub async fn preview_calibration(
        &self,
        principal: &Principal,
        id: ModelId,
        calibration: Calibration,
    ) -> Result<CalibrationPreview> {
        principal.require(Scope::write(Resource::System))?;
        Error::check(calibration.problems())?;
        let (model, scores) = self.scores_for_calibration(principal, id, calibration).await?;
        let threshold = threshold_of(&scores, calibration.percentile)?;
        let mut anomalies = AnomalyCollector::with_threshold(&model, Some(threshold));
        scores.iter().for_each(|(at, score)| anomalies.add_score(*at, *score));
        let (windows, events) = (scores.len(), anomalies.finish().len());
        Ok(CalibrationPreview { threshold, windows, events, histogram: histogram(&scores) })
    }

    /// Returns the model with the end and score of every window of the range.
    async fn scores_for_calibration(
        &self,
        principal: &Principal,
        id: ModelId,
        calibration: Calibration,
    ) -> Result<(Arc<Model>, Vec<(Micros, f64)>)> {
        let model = self.model_with_sources_to_change(principal, id)?;
        let Calibration { from, to, .. } = calibration;
        let most = to.0.saturating_sub(from.0) / model.version.settings.interval_us();
        if most > MAX_CALIBRATION_WINDOWS {
            let message = format!(
                "The range has {most} windows; at most {MAX_CALIBRATION_WINDOWS} are judged for a threshold."
            );
            return Err(Error::field("to", message));
        }
        let mut history = self.scorer().history(&model, from, to).await?;
        let mut scores = Vec::new();
        while let Some(judged) = history.next().await? {
            scores.extend(judged.iter());
        }
        Ok((model, scores))
    }
}

fn threshold_of(scores: &[(Micros, f64)], percentile: f64) -> Result<f64> {
    if let Some((at, _)) = scores.iter().find(|(_, score)| *score >= MAX_SCORE) {
        let message = format!(
            "The model cannot reproduce the window that ends at {}: a reading in it is beyond the model's numbers. \
             Choose a range without it.",
            at.to_iso()
        );
        return Err(Error::field("from", message));
    }
    let mut scores: Vec<f64> = scores.iter().map(|(_, score)| *score).collect();
    percentile_of(&mut scores, percentile).ok_or_else(|| {
        Error::field("from", "The range holds no whole window of readings: choose a longer one.")
    })
}

/// Counts scores in [`HISTOGRAM_BINS`] bins of one width, from the lowest to the highest finite score; one bin when all are
/// equal.
fn histogram(scores: &[(Micros, f64)]) -> Vec<ScoreBin> {
    let finite = || scores.iter().map(|(_, score)| *score).filter(|score| score.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let count = if low < high { HISTOGRAM_BINS } else { usize::from(low == high) };
    let edge = |n: usize| low + (high - low) * (n as f64 / count as f64);
    let mut bins: Vec<ScoreBin> =
        (0..count).map(|n| ScoreBin { from: edge(n), to: edge(n + 1), count: 0 }).collect();
    for score in finite() {
        let place = ((score - low) / (high - low) * count as f64) as usize;
        bins[place.min(count - 1)].count += 1;
    }
    bins
}

/// Interpolates linearly between the two nearest scores, as numpy's default does; `None` for no scores.
fn percentile_of(scores: &mut [f64], percentile: f64) -> Option<f64> {
    scores.sort_by(f64::total_cmp);
    let last = scores.len().checked_sub(1)?;
    let place = percentile / 100.0 * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let (low, high) = (scores[low.min(last)], scores[(low + 1).min(last)]);
    Some(low + (high - low) * part)
}

#[cfg(test)]
mod tests {
    use super::{histogram, percentile_of, threshold_of};
    use crate::domain::Micros;
    use crate::infer::detector::MAX_SCORE;

    #[test]
    fn a_histogram_has_every_finite_score_once() {
        let cases: [(&[f64], usize, &[usize]); 4] = [
            (&[], 0, &[]),
            (&[2.0, 2.0], 1, &[2]),
            (&[0.0, 1.0, 39.9, 40.0], 40, &[1, 1]),
            (&[0.0, f64::INFINITY, 40.0], 40, &[1, 0]),
        ];
        for (scores, bins, first) in cases {
            let timed: Vec<_> = scores.iter().map(|score| (Micros(0), *score)).collect();
            let found = histogram(&timed);
            assert_eq!(found.len(), bins, "{scores:?}");
            let counts: Vec<usize> = found.iter().map(|bin| bin.count).collect();
            assert_eq!(&counts[..first.len()], first, "{scores:?}");
            let finite = scores.iter().filter(|score| score.is_finite()).count();
            assert_eq!(counts.iter().sum::<usize>(), finite, "{scores:?}");
        }
    }

    #[test]
    fn a_window_without_a_score_of_its_own_makes_no_threshold() {
        let mut scores = vec![(Micros(0), 1.0), (Micros(1), 2.0)];
        assert_eq!(threshold_of(&scores, 50.0).ok(), Some(1.5));
        scores.push((Micros(2), MAX_SCORE));
        let error = threshold_of(&scores, 50.0).expect_err("it is refused");
        assert!(error.message.contains("1970-01-01T00:00:00.000002Z"), "{}", error.message);
    }

    #[test]
    fn percentiles_are_numpys() {
        // numpy.percentile([1, 2, 4, 8], p)
        let cases = [(0.0, 1.0), (25.0, 1.75), (50.0, 3.0), (99.5, 7.94), (100.0, 8.0)];
        for (percentile, expected) in cases {
            let found = percentile_of(&mut [8.0, 1.0, 4.0, 2.0], percentile).expect("there are scores");
            assert!((found - expected).abs() < 1e-12, "{percentile}: {found}");
        }
        assert_eq!(percentile_of(&mut [], 50.0), None);
    }
}
