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
        self.range_at(ts).is_some()
    }

    /// The range that holds a time.
    pub fn range_at(&self, ts: i64) -> Option<(i64, i64)> {
        let after = self.0.partition_point(|(from, _)| *from <= ts);
        let range = *self.0.get(after.checked_sub(1)?)?;
        (ts < range.1).then_some(range)
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

    /// With gaps of no more than `gap` closed.
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
