//! Compensated sums of values and of squares, and the means computed from them.

/// Neumaier sum: keeps the low bits that plain addition drops, so the error does not grow with the number of terms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CompensatedSum {
    /// Sum as plain addition gives it.
    pub sum: f64,
    /// Compensation: the part that plain addition dropped.
    pub compensation: f64,
}

impl CompensatedSum {
    /// Adds one term.
    #[inline]
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.compensation +=
            if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    /// Adds another sum with its compensation.
    #[inline]
    pub fn merge(&mut self, other: CompensatedSum) {
        self.add(other.sum);
        self.compensation += other.compensation;
    }

    /// The compensated sum; infinite or NaN if any term was.
    #[inline]
    pub fn total(self) -> f64 {
        // Beyond infinity the compensation is NaN and meaningless.
        if self.sum.is_finite() { self.sum + self.compensation } else { self.sum }
    }
}

/// 2^600 and its inverse: exact factors.
const SCALE_UP: f64 = f64::from_bits((1023 + 600) << 52);
const SCALE_DOWN: f64 = f64::from_bits((1023 - 600) << 52);
/// 2^-400 to 2^400: squares of such values, and sums of 2^60 of them, neither overflow nor underflow.
const MIN_UNSCALED: f64 = f64::from_bits((1023 - 400) << 52);
const MAX_UNSCALED: f64 = f64::from_bits((1023 + 400) << 52);

/// Root mean square of values of any magnitude. Squares of very large and very small values are scaled and summed
/// separately, as in Blue's algorithm for norms. The caller leaves out NULLs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RmsState {
    /// Number of values.
    pub count: u64,
    /// Squares of values above 2^400 in magnitude, each value times 2^-600; also of NaN and infinity.
    pub large: CompensatedSum,
    /// Squares of values from 2^-400 to 2^400 in magnitude.
    pub middle: CompensatedSum,
    /// Squares of values below 2^-400 in magnitude, each value times 2^600.
    pub small: CompensatedSum,
}

impl RmsState {
    /// Adds one value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// Adds `count` values with the root mean square `rms`.
    #[inline]
    pub fn add_many(&mut self, rms: f64, count: u64) {
        self.count += count;
        let (size, weight) = (rms.abs(), count as f64);
        if (MIN_UNSCALED..=MAX_UNSCALED).contains(&size) {
            self.middle.add(rms * rms * weight);
        } else if size < MIN_UNSCALED {
            self.small.add((rms * SCALE_UP) * (rms * SCALE_UP) * weight);
        } else {
            // NaN and infinity take this branch too and persist.
            self.large.add((rms * SCALE_DOWN) * (rms * SCALE_DOWN) * weight);
        }
    }

    /// Adds the values of another state.
    #[inline]
    pub fn merge(&mut self, other: &RmsState) {
        self.count += other.count;
        self.large.merge(other.large);
        self.middle.merge(other.middle);
        self.small.merge(other.small);
    }

    /// The root mean square; `None` without values.
    pub fn rms(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let count = self.count as f64;
        let (large, middle, small) = (self.large.total(), self.middle.total(), self.small.total());
        Some(if large != 0.0 {
            let rms = ((large + middle * SCALE_DOWN * SCALE_DOWN) / count).sqrt() * SCALE_UP;
            // Rounding may exceed f64::MAX, which a mean of finite numbers cannot.
            if large.is_finite() { rms.min(f64::MAX) } else { rms }
        } else if middle != 0.0 {
            ((middle + small * SCALE_DOWN * SCALE_DOWN) / count).sqrt()
        } else {
            (small / count).sqrt() * SCALE_DOWN
        })
    }
}

/// 2^100 and its inverse: exact factors.
const MEAN_SCALE_UP: f64 = f64::from_bits((1023 + 100) << 52);
const MEAN_SCALE_DOWN: f64 = f64::from_bits((1023 - 100) << 52);
/// 2^900: the sum of 2^63 of these does not overflow.
const MAX_UNSCALED_MEAN: f64 = f64::from_bits((1023 + 900) << 52);

/// Mean of values of any finite magnitude. Values too large to sum without overflow are summed scaled. The caller
/// leaves out NULLs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeanState {
    /// Number of values.
    pub count: u64,
    /// Values above 2^900 in magnitude, each times 2^-100.
    pub large: CompensatedSum,
    /// Values up to 2^900 in magnitude.
    pub middle: CompensatedSum,
}

/// Splits the last nine bits off a number (Dekker, 1971).
const SPLITTER: f64 = 513.0;

/// Returns the sum of `count` values from their rounded mean. Of the sums with this mean it takes one of 44 significant bits
/// if there is one: so sums of whole values, halves and the like come out exactly, up to 2^44.
fn sum_of_mean(mean: f64, count: f64) -> f64 {
    let product = mean * count;
    let shifted = product * SPLITTER;
    let short = shifted - (shifted - product);
    if short / count == mean { short } else { product }
}

impl MeanState {
    /// Adds one value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        if value.abs() <= MAX_UNSCALED_MEAN {
            self.middle.add(value);
        } else {
            self.large.add(value * MEAN_SCALE_DOWN);
        }
    }

    /// Adds `count` values with the mean `mean`.
    #[inline]
    pub fn add_many(&mut self, mean: f64, count: u64) {
        self.count += count;
        if mean.abs() <= MAX_UNSCALED_MEAN {
            self.middle.add(sum_of_mean(mean, count as f64));
        } else {
            self.large.add(mean * MEAN_SCALE_DOWN * count as f64);
        }
    }

    /// Adds the values of another state.
    #[inline]
    pub fn merge(&mut self, other: &MeanState) {
        self.count += other.count;
        self.large.merge(other.large);
        self.middle.merge(other.middle);
    }

    /// The mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let count = self.count as f64;
        let (large, middle) = (self.large.total() / count, self.middle.total() / count);
        let mean = middle + large * MEAN_SCALE_UP;
        // Rounding may exceed f64::MAX, which a mean of finite numbers cannot.
        Some(if large.is_finite() { mean.clamp(-f64::MAX, f64::MAX) } else { mean })
    }

    /// The sum, infinite on overflow; `None` without values.
    pub fn sum(&self) -> Option<f64> {
        (self.count > 0).then(|| self.middle.total() + self.large.total() * MEAN_SCALE_UP)
    }
}

#[cfg(test)]
#[path = "summation_tests.rs"]
mod tests;
