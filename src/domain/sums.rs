//! Sums that lose nothing to rounding, of values and of squares, and the means they make.

/// A sum with the low bits that plain addition drops (Neumaier): the error does not grow with the number of terms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    pub sum: f64,
    pub rest: f64,
}

impl Sum {
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.rest += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    pub fn merge(&mut self, other: Sum) {
        self.add(other.sum);
        self.rest += other.rest;
    }

    /// The sum; infinite or NaN if a term was.
    pub fn total(self) -> f64 {
        // Past infinity the rest is NaN and says nothing.
        if self.sum.is_finite() { self.sum + self.rest } else { self.sum }
    }
}

/// 2^600 and its inverse: exact factors.
const UP: f64 = f64::from_bits((1023 + 600) << 52);
const DOWN: f64 = f64::from_bits((1023 - 600) << 52);
/// 2^-400 to 2^400: squares of these, and the sum of 2^60 of them, neither overflow nor vanish.
const SMALLEST: f64 = f64::from_bits((1023 - 400) << 52);
const LARGEST: f64 = f64::from_bits((1023 + 400) << 52);

/// The root mean square of values of any size. Squares of very large and very small values are summed apart, scaled,
/// as in Blue's algorithm for norms; NULLs are for the caller to leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Squares {
    pub count: u64,
    pub large: Sum,
    pub middle: Sum,
    pub small: Sum,
}

impl Squares {
    pub fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// As many values whose root mean square is `rms`.
    pub fn add_many(&mut self, rms: f64, count: u64) {
        self.count += count;
        let (size, weight) = (rms.abs(), count as f64);
        if (SMALLEST..=LARGEST).contains(&size) {
            self.middle.add(rms * rms * weight);
        } else if size < SMALLEST {
            self.small.add((rms * UP) * (rms * UP) * weight);
        } else {
            // NaN and infinity come here too, and stay.
            self.large.add((rms * DOWN) * (rms * DOWN) * weight);
        }
    }

    pub fn merge(&mut self, other: &Squares) {
        self.count += other.count;
        self.large.merge(other.large);
        self.middle.merge(other.middle);
        self.small.merge(other.small);
    }

    /// `None` when there were no values.
    pub fn rms(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let count = self.count as f64;
        let (large, middle, small) = (self.large.total(), self.middle.total(), self.small.total());
        Some(if large != 0.0 {
            let rms = ((large + middle * DOWN * DOWN) / count).sqrt() * UP;
            // Rounding may step past the largest number, which the mean of numbers cannot.
            if large.is_finite() { rms.min(f64::MAX) } else { rms }
        } else if middle != 0.0 {
            ((middle + small * DOWN * DOWN) / count).sqrt()
        } else {
            (small / count).sqrt() * DOWN
        })
    }
}

/// 2^100 and its inverse: exact factors.
const WIDE: f64 = f64::from_bits((1023 + 100) << 52);
const NARROW: f64 = f64::from_bits((1023 - 100) << 52);
/// 2^900: the sum of 2^63 of these does not overflow.
const SUMMABLE: f64 = f64::from_bits((1023 + 900) << 52);

/// The mean of values of any finite size, where the sum of the largest would overflow and is kept scaled; NULLs are for
/// the caller to leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Means {
    pub count: u64,
    pub large: Sum,
    pub middle: Sum,
}

impl Means {
    pub fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// As many values whose mean is `mean`.
    pub fn add_many(&mut self, mean: f64, count: u64) {
        self.count += count;
        if mean.abs() <= SUMMABLE {
            self.middle.add(mean * count as f64);
        } else {
            self.large.add(mean * NARROW * count as f64);
        }
    }

    pub fn merge(&mut self, other: &Means) {
        self.count += other.count;
        self.large.merge(other.large);
        self.middle.merge(other.middle);
    }

    /// `None` when there were no values.
    pub fn mean(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let count = self.count as f64;
        let (large, middle) = (self.large.total() / count, self.middle.total() / count);
        let mean = middle + large * WIDE;
        // Rounding may step past the largest number, which the mean of numbers cannot.
        Some(if large.is_finite() { mean.clamp(-f64::MAX, f64::MAX) } else { mean })
    }

    /// The sum, infinite where no number is as large; `None` when there were no values.
    pub fn sum(&self) -> Option<f64> {
        (self.count > 0).then(|| self.middle.total() + self.large.total() * WIDE)
    }
}

#[cfg(test)]
#[path = "sums_tests.rs"]
mod tests;
