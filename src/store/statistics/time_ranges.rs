//! Sets of times, as sorted, disjoint, half-open ranges of microseconds.

/// Ascending `[from, to)` ranges; none is empty, and none touches the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeRanges(Vec<(i64, i64)>);

impl TimeRanges {
    /// Creates a set from ranges in any order; empty ranges are dropped.
    pub fn new(mut ranges: Vec<(i64, i64)>) -> Self {
        ranges.retain(|(from, to)| from < to);
        ranges.sort_unstable();
        let mut kept: Vec<(i64, i64)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match kept.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => kept.push((from, to)),
            }
        }
        Self(kept)
    }

    /// Whether the set has no range, and so no time.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the ranges `[from, to)`, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Whether a time in microseconds is within one of the ranges.
    pub fn contains(&self, ts: i64) -> bool {
        self.range_at(ts).is_some()
    }

    /// Returns the range that contains a time.
    pub fn range_at(&self, ts: i64) -> Option<(i64, i64)> {
        let after = self.0.partition_point(|(from, _)| *from <= ts);
        let range = *self.0.get(after.checked_sub(1)?)?;
        (ts < range.1).then_some(range)
    }

    /// Returns the first time at or after `ts` that is in the set.
    pub fn next_from(&self, ts: i64) -> Option<i64> {
        let at = self.0.partition_point(|(_, to)| *to <= ts);
        self.0.get(at).map(|(from, _)| ts.max(*from))
    }

    /// Returns the start of the first range and the end of the last.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((self.0.first()?.0, self.0.last()?.1))
    }

    /// Returns the part of the set in `[from, to)`.
    pub fn within(&self, from: i64, to: i64) -> Self {
        Self::new(self.iter().map(|(a, b)| (a.max(from), b.min(to))).collect())
    }

    /// Returns the part of `[from, to)` that is not in the set.
    pub fn gaps(&self, from: i64, to: i64) -> Self {
        let mut gaps = Vec::new();
        let mut at = from;
        for (a, b) in self.within(from, to).iter() {
            gaps.push((at, a));
            at = b;
        }
        gaps.push((at, to));
        Self::new(gaps)
    }

    /// Returns the set with gaps of at most `gap` closed.
    pub fn joined(&self, gap: i64) -> Self {
        let mut joined: Vec<(i64, i64)> = Vec::new();
        for (from, to) in self.iter() {
            match joined.last_mut() {
                Some(last) if from.saturating_sub(last.1) <= gap => last.1 = to,
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    /// Returns at most `count` ranges that cover the set, by closing the narrowest gaps.
    pub fn coarse(&self, count: usize) -> Self {
        let mut gaps: Vec<(i64, usize)> =
            self.0.windows(2).enumerate().map(|(i, w)| (w[1].0.saturating_sub(w[0].1), i)).collect();
        gaps.sort_unstable_by(|a, b| b.cmp(a));
        let mut kept: Vec<usize> = gaps.into_iter().take(count.saturating_sub(1)).map(|(_, i)| i).collect();
        kept.sort_unstable();
        let mut coarse = Vec::new();
        let mut first = 0;
        for last in kept.into_iter().chain(self.0.len().checked_sub(1)) {
            coarse.push((self.0[first].0, self.0[last].1));
            first = last + 1;
        }
        Self(coarse)
    }
}

#[cfg(test)]
#[path = "time_ranges_tests.rs"]
mod tests;
