//! Threshold calibration: sets a model's threshold to a percentile of its scores in a healthy range.

use crate::app::App;
use crate::domain::model::ModelSettings;
use crate::domain::validation::check_range;
use crate::domain::{Error, FieldError, Micros, ModelId, Principal, Resource, Result, Scope};

/// Maximum windows in one calibration; a caller waits for the result.
const MAX_CALIBRATION_WINDOWS: i64 = 100_000;

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

impl App {
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
        let model = self.model_with_sources_to_change(principal, id)?;
        let Calibration { from, to, percentile } = calibration;
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
            scores.extend(judged.scores);
        }
        let threshold = percentile_of(&mut scores, percentile).ok_or_else(|| {
            Error::field("from", "The range holds no whole window of readings: choose a longer one.")
        })?;
        let set = move |_: &mut bool, settings: &mut ModelSettings| settings.threshold = Some(threshold);
        self.store.catalog().update_model(principal, id, set).await?;
        Ok((threshold, scores.len()))
    }
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
    use super::percentile_of;

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
