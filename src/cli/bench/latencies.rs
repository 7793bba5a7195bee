//! Latency samples and their quantiles.

use std::time::Duration;

/// Durations of one repeated operation.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Adds the duration of one run.
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Returns the number of samples, which is also that of the completed operations.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the latency in milliseconds that this share does not exceed; of few samples, high shares give the
    /// slowest. Returns 0 without samples.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let i = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(i).map_or(0.0, |took| to_ms(*took))
    }
}

impl Extend<Latencies> for Latencies {
    fn extend<T: IntoIterator<Item = Latencies>>(&mut self, all: T) {
        self.0.extend(all.into_iter().flat_map(|one| one.0));
    }
}

/// Converts to milliseconds, the unit of the reports, with fractions.
pub fn to_ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// Formats three significant digits, as far as possible: `0.214`, `3.70`, `41.9`, `1870`.
pub fn format_number(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        n if n >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_few_and_many() {
        let of = |ms: &[u64]| Latencies(ms.iter().map(|ms| Duration::from_millis(*ms)).collect());
        assert_eq!(of(&[]).quantile_ms(0.5), 0.0);
        assert_eq!(of(&[7]).quantile_ms(0.99), 7.0);
        assert_eq!((of(&[3, 1, 2]).quantile_ms(0.5), of(&[3, 1, 2]).quantile_ms(0.99)), (2.0, 3.0));
        let hundred: Vec<u64> = (1..=200).rev().collect();
        assert_eq!((of(&hundred).quantile_ms(0.5), of(&hundred).quantile_ms(0.99)), (101.0, 199.0));
    }

    #[test]
    fn three_digits() {
        let rows = [(0.2141, "0.214"), (3.7, "3.70"), (41.88, "41.9"), (1870.4, "1870"), (0.0, "0.000")];
        for (number, text) in rows {
            assert_eq!(format_number(number), text);
        }
    }
}
