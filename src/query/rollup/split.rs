//! What of a stream's time is read from computed statistics, and what from raw readings.

use std::sync::Arc;

use datafusion::error::Result;

use crate::domain::retention::Since;
use crate::domain::time::{END_TIME, MICROS_PER_DAY, MIN_TIME};
use crate::domain::window::Windows;
use crate::query::functions::buckets::Buckets;
use crate::store::snapshot::Snapshot;
use crate::store::statistics::ranges::Ranges;
use crate::store::table::Table;

/// More bucket edges than this are not looked at one by one.
const MAX_EDGES: usize = 50_000;

/// A stream's part of a range of time, divided; the two together are all of it that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub stream: i32,
    /// Whole windows whose computed rows are right.
    pub computed: Ranges,
    pub raw: Ranges,
    /// Earlier readings have expired: they count where they are the whole of a window without statistics.
    pub shown: i64,
}

impl Split {
    /// Without some times, which are counted otherwise. What is left of a window cut by them is raw.
    pub fn without(&self, windows: &Windows, times: &Ranges) -> Split {
        let mut cut = Vec::new();
        for (from, to) in times.iter() {
            for edge in [from, to] {
                let window = windows.around(edge);
                if window.0 != edge {
                    cut.push(window);
                }
            }
        }
        let cut = Ranges::new(cut);
        let computed = minus(&minus(&self.computed, times), &cut);
        let halves = cut.iter().flat_map(|(a, b)| self.computed.within(a, b).iter().collect::<Vec<_>>());
        let raw = Ranges::new(self.raw.iter().chain(halves).collect());
        let hidden = cut.within(i64::MIN, self.shown);
        Split { computed, raw: minus(&minus(&raw, times), &hidden), ..*self }
    }
}

/// What of a set is not in another.
fn minus(all: &Ranges, not: &Ranges) -> Ranges {
    Ranges::new(all.iter().flat_map(|(from, to)| not.gaps(from, to).iter().collect::<Vec<_>>()).collect())
}

/// Divides the time of streams.
pub struct Splitter<'a> {
    snapshot: &'a Snapshot,
    /// Half-open, within the days there are rows of.
    range: (i64, i64),
    buckets: Option<&'a Buckets>,
    /// Nothing before counts, stream by stream.
    pub from: Arc<Since>,
    /// The windows met so far, with those that the edges of buckets cut. `None` is all of them.
    cut: Vec<(Windows, Option<Ranges>)>,
}

impl<'a> Splitter<'a> {
    /// Of the time in a half-open range, to be counted by `buckets`.
    pub fn new(snapshot: &'a Snapshot, (from, to): (i64, i64), buckets: Option<&'a Buckets>) -> Self {
        let days = extent(snapshot);
        let range = (from.max(days.0).max(MIN_TIME.0), to.min(days.1).min(END_TIME.0));
        Self { snapshot, range, buckets, from: Arc::default(), cut: Vec::new() }
    }

    pub fn split(&mut self, stream: i32, windows: &Windows) -> Result<Split> {
        let (from, to) = (self.range.0.max(self.from.of(stream)), self.range.1);
        let shown = self.snapshot.kept.shown.of(stream);
        if from >= to {
            return Ok(Split { stream, computed: Ranges::default(), raw: Ranges::default(), shown });
        }
        let mut parts = vec![];
        match self.cut(windows)? {
            Some(cut) => parts.extend(cut.iter()),
            None => parts.push((from, to)),
        }
        let (first, last) = (windows.around(from), windows.around(to - 1));
        parts.extend([first].into_iter().filter(|window| window.0 < from));
        parts.extend([last].into_iter().filter(|window| window.1 > to));
        let parts = Ranges::new(parts).within(from, to);
        let stale = self.snapshot.raw_windows(stream, windows, (from, to)).within(from, to);
        let raw = Ranges::new(parts.iter().chain(stale.iter()).collect());
        let computed = raw.gaps(from, to);
        let hidden = parts.within(i64::MIN, shown);
        Ok(Split { stream, computed, raw: minus(&raw, &hidden), shown })
    }

    /// The windows within the range that lie in more than one bucket.
    fn cut(&mut self, windows: &Windows) -> Result<Option<&Ranges>> {
        let known = self.cut.iter().position(|(known, _)| known == windows);
        let at = match known {
            Some(at) => at,
            None => {
                let cut = self.find_cut(windows)?;
                self.cut.push((windows.clone(), cut));
                self.cut.len() - 1
            }
        };
        Ok(self.cut[at].1.as_ref())
    }

    fn find_cut(&self, windows: &Windows) -> Result<Option<Ranges>> {
        let Some(buckets) = self.buckets else { return Ok(Some(Ranges::default())) };
        let (from, to) = self.range;
        if let Some(width) = buckets.fixed_width() {
            // Both are counted from a midnight, so one dividing the other is all it takes.
            let divides = windows.lengths_between(from, to).all(|length| width % length == 0);
            return Ok(divides.then(Ranges::default));
        }
        let (mut cut, mut edge) = (Vec::new(), buckets.around(from)?.1);
        for _ in 0..MAX_EDGES {
            if edge >= to {
                return Ok(Some(Ranges::new(cut)));
            }
            let window = windows.around(edge);
            if window.0 != edge {
                cut.push(window);
            }
            edge = buckets.around(edge)?.1;
        }
        Ok(None)
    }
}

/// The days there can be readings or statistics of, as times.
fn extent(snapshot: &Snapshot) -> (i64, i64) {
    let keyed = &snapshot.keyed[Table::Statistics];
    let ends = [
        (snapshot.lake.days().first_key_value(), snapshot.lake.days().last_key_value()),
        (keyed.lake.days().first_key_value(), keyed.lake.days().last_key_value()),
    ];
    let lake = ends.into_iter().filter_map(|(first, last)| Some((first?.0, last?.0)));
    let memory = snapshot.memory.first_key_value().zip(snapshot.memory.last_key_value());
    let days = lake.chain(memory.map(|(first, last)| (first.0, last.0)));
    days.map(|(first, last)| (first.start().0, last.start().0 + MICROS_PER_DAY))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        .unwrap_or((0, 0))
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
