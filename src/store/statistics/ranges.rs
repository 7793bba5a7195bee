//! Sets of times as sorted, disjoint, half-open ranges of microseconds.

/// `[from, to)` ranges, ascending; none empty, none touching the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    /// From ranges in any order; empty ones are left out.
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

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, i64)> + '_ {
        self.0.iter().copied()
    }

    pub fn contains(&self, ts: i64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= ts);
        after > 0 && ts < self.0[after - 1].1
    }

    /// The first time at or after `ts` that is in the set.
    pub fn next_from(&self, ts: i64) -> Option<i64> {
        let at = self.0.partition_point(|(_, to)| *to <= ts);
        self.0.get(at).map(|(from, _)| ts.max(*from))
    }

    /// From the first time to the end of the last range.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((self.0.first()?.0, self.0.last()?.1))
    }

    /// What lies in `[from, to)`.
    pub fn within(&self, from: i64, to: i64) -> Self {
        Self::new(self.iter().map(|(a, b)| (a.max(from), b.min(to))).collect())
    }

    /// What lies in `[from, to)` and not in the set.
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

    /// At most `count` ranges that hold the set: the narrowest gaps are closed.
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
#[path = "ranges_tests.rs"]
mod tests;
