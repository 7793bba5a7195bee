//! Bounds of values, both inclusive.

/// The lowest and the highest of some values. With `min` above `max` it holds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinMax<T> {
    /// The lowest value.
    pub min: T,
    /// The highest value, itself within.
    pub max: T,
}

impl<T> MinMax<T> {
    /// The bounds `min..=max`.
    pub const fn new(min: T, max: T) -> Self {
        Self { min, max }
    }
}

impl<T: Copy + PartialOrd> MinMax<T> {
    /// The bounds of one value.
    pub fn of(value: T) -> Self {
        Self { min: value, max: value }
    }

    /// Whether no value is within.
    pub fn is_empty(self) -> bool {
        self.min > self.max
    }

    /// Whether a value is within.
    pub fn contains(self, value: T) -> bool {
        self.min <= value && value <= self.max
    }

    /// Whether some value is within both; neither may be empty.
    pub fn overlaps(self, other: Self) -> bool {
        self.min <= other.max && other.min <= self.max
    }

    /// Whether every value within `other` is within this too.
    pub fn covers(self, other: Self) -> bool {
        self.min <= other.min && other.max <= self.max
    }

    /// Returns the bounds of the values within both.
    pub fn intersection(self, other: Self) -> Self {
        let min = if other.min > self.min { other.min } else { self.min };
        let max = if other.max < self.max { other.max } else { self.max };
        Self { min, max }
    }

    /// Extends the bounds to a value.
    pub fn extend(&mut self, value: T) {
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
    }
}

impl<T> From<(T, T)> for MinMax<T> {
    fn from((min, max): (T, T)) -> Self {
        Self { min, max }
    }
}

impl<T> From<MinMax<T>> for (T, T) {
    fn from(bounds: MinMax<T>) -> Self {
        (bounds.min, bounds.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_overlap_cover_and_meet_including_their_ends() {
        for (one, other, overlaps, covers, meeting) in [
            ((1, 3), (4, 9), false, false, (4, 3)),
            ((1, 3), (3, 9), true, false, (3, 3)),
            ((1, 9), (3, 4), true, true, (3, 4)),
            ((1, 9), (1, 9), true, true, (1, 9)),
            ((3, 4), (1, 9), true, false, (3, 4)),
        ] {
            let (one, other) = (MinMax::from(one), MinMax::from(other));
            let found = (one.overlaps(other), one.covers(other), one.intersection(other));
            assert_eq!(found, (overlaps, covers, MinMax::from(meeting)), "{one:?} and {other:?}");
            assert_eq!(one.intersection(other).is_empty(), !overlaps, "{one:?} and {other:?}");
        }
        let mut seen = MinMax::new(i32::MAX, i32::MIN);
        assert!(seen.is_empty() && !seen.contains(7));
        [7, 3, 5].into_iter().for_each(|value| seen.extend(value));
        assert!(seen == MinMax::new(3, 7) && seen.contains(3) && seen.contains(7) && !seen.contains(8));
    }
}
