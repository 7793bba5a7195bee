//! Statistics of a list of values, computed the simple way, to compare others with.

use serde_json::Value;

/// Statistics of a list of values, computed the simple way.
#[derive(Debug, Clone, Copy)]
pub struct PlainStatistics {
    pub count: usize,
    pub mean: f64,
    pub rms: f64,
    pub min: f64,
    pub max: f64,
    pub quartiles: [f64; 3],
}

pub fn compute_plain(values: &[f64]) -> Option<PlainStatistics> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = values.len();
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let quantile = |q: f64| {
        let at = q * (count - 1) as f64;
        let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
        low + (high - low) * at.fract()
    };
    Some(PlainStatistics {
        count,
        mean: values.iter().sum::<f64>() / count as f64,
        rms: (values.iter().map(|v| v * v).sum::<f64>() / count as f64).sqrt(),
        min,
        max,
        quartiles: [quantile(0.25), quantile(0.5), quantile(0.75)],
    })
}

/// Equal up to 1e-12 of `size`.
pub fn is_near(found: &Value, expected: f64, size: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() <= 1e-12 * size.max(f64::MIN_POSITIVE))
}
