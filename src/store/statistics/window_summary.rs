//! Exact statistics of the values in one window.

use crate::domain::summation::{CompensatedSum, RmsState};

/// Summary of a window's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowSummary {
    pub count: u64,
    pub mean: f64,
    /// Square root of the mean of squares.
    pub rms: f64,
    pub min: f64,
    pub max: f64,
    /// `None` in a summary that was combined from others: quantiles cannot be combined.
    pub quantiles: Option<Quantiles>,
}

/// Quantiles by linear interpolation (type 7 of Hyndman and Fan 1996, like numpy).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    pub median: f64,
    pub q1: f64,
    pub q3: f64,
}

impl WindowSummary {
    /// Summarizes finite values, sorting them in place; `None` when there are none.
    pub fn of(values: &mut [f64]) -> Option<WindowSummary> {
        let count = values.len() as u64;
        let mut squares = RmsState::default();
        let mut sum = CompensatedSum::default();
        for value in values.iter() {
            sum.add(*value);
            squares.add(*value);
        }
        values.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let total = sum.total();
        let mean = match total.is_finite() {
            true => total / count as f64,
            // The sum of values near the largest f64 overflows; their mean does not.
            false => {
                let mut sum = CompensatedSum::default();
                values.iter().for_each(|value| sum.add(value / count as f64));
                sum.total()
            }
        };
        Some(WindowSummary {
            count,
            // Rounding may step outside of the values.
            mean: mean.clamp(min, max),
            rms: squares.rms()?,
            min,
            max,
            quantiles: Some(Quantiles {
                median: quantile(values, 0.5),
                q1: quantile(values, 0.25),
                q3: quantile(values, 0.75),
            }),
        })
    }
}

/// Returns a quantile of sorted values, of which there must be at least one.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * q;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    let part = place.fract();
    let between = low + (high - low) * part;
    if between.is_finite() { between } else { low * (1.0 - part) + high * part }
}

#[cfg(test)]
#[path = "window_summary_tests.rs"]
mod tests;
