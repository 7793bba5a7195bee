//! Splits the time range of a stream between hours, computed statistics of windows, and raw readings.

use std::sync::Arc;

use datafusion::error::Result;

use crate::domain::retention::StreamStarts;
use crate::domain::time::{END_TIME, MICROS_PER_DAY, MIN_TIME};
use crate::domain::window::Windows;
use crate::query::functions::buckets::Buckets;
use crate::store::snapshot::Snapshot;
use crate::store::statistics::hours;
use crate::store::statistics::time_ranges::TimeRanges;
use crate::store::table::Table;

/// With more bucket edges than this, edges are not checked one by one.
const MAX_BUCKET_EDGES: usize = 50_000;

/// A stream's part of a time range, divided; the three sets are disjoint and together cover all time that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeSplit {
    pub stream: i32,
    /// Whole hours with valid computed rows.
    pub hours: TimeRanges,
    /// Whole windows with valid computed rows, outside of `hours`.
    pub computed: TimeRanges,
    pub raw: TimeRanges,
    /// Start of retention. Expired readings count only if they make up the whole of a window without statistics.
    pub visible_from: i64,
}

impl RangeSplit {
    /// Reads the hours that touch `times` by their windows.
    fn without_hours(self, times: &TimeRanges) -> RangeSplit {
        let touched = times.iter().map(|(a, b)| (hours::start_of_hour(a), hours::end_of_hour(b)));
        let touched = TimeRanges::new(touched.collect());
        let windows = touched.iter().flat_map(|(a, b)| self.hours.within(a, b).iter().collect::<Vec<_>>());
        let computed = TimeRanges::new(self.computed.iter().chain(windows).collect());
        RangeSplit { hours: minus(&self.hours, &touched), computed, ..self }
    }

    /// Reads all hours by their windows.
    pub fn by_windows(self) -> RangeSplit {
        let computed = TimeRanges::new(self.computed.iter().chain(self.hours.iter()).collect());
        RangeSplit { hours: TimeRanges::default(), computed, ..self }
    }

    /// Excludes times whose readings the caller counts by other means. The rest of a window cut by them is read from raw readings.
    pub fn without(self, windows: &Windows, times: &TimeRanges) -> RangeSplit {
        let by_windows = self.without_hours(times);
        let mut cut = Vec::new();
        for (from, to) in times.iter() {
            for edge in [from, to] {
                let window = windows.window_containing(edge);
                if window.0 != edge {
                    cut.push(window);
                }
            }
        }
        let cut = TimeRanges::new(cut);
        let RangeSplit { computed, raw, visible_from, .. } = &by_windows;
        let halves = cut.iter().flat_map(|(a, b)| computed.within(a, b).iter().collect::<Vec<_>>());
        let raw = TimeRanges::new(raw.iter().chain(halves).collect());
        let computed = minus(&minus(computed, times), &cut);
        let hidden = cut.within(i64::MIN, *visible_from);
        RangeSplit { computed, raw: minus(&minus(&raw, times), &hidden), ..by_windows }
    }
}

/// Returns the set difference of two time ranges.
fn minus(all: &TimeRanges, not: &TimeRanges) -> TimeRanges {
    TimeRanges::new(all.iter().flat_map(|(from, to)| not.gaps(from, to).iter().collect::<Vec<_>>()).collect())
}

/// Splits the time of streams.
pub struct RangeSplitter<'a> {
    snapshot: &'a Snapshot,
    /// Half-open, limited to the days that have rows.
    range: (i64, i64),
    buckets: Option<&'a Buckets>,
    /// Start of counted time, by stream.
    pub from: Arc<StreamStarts>,
    /// The distinct window layouts met so far, with those of their windows that bucket edges cut. `None` means all
    /// windows.
    cut: Vec<(Windows, Option<TimeRanges>)>,
}

impl<'a> RangeSplitter<'a> {
    /// Splits the time in a half-open range, counted by `buckets`.
    pub fn new(snapshot: &'a Snapshot, (from, to): (i64, i64), buckets: Option<&'a Buckets>) -> Self {
        let days = extent(snapshot);
        let range = (from.max(days.0).max(MIN_TIME.0), to.min(days.1).min(END_TIME.0));
        Self { snapshot, range, buckets, from: Arc::default(), cut: Vec::new() }
    }

    /// Splits the time of a stream whose windows are `windows`. Parts of windows that an end of the range or the edge of a
    /// bucket cuts are read from raw readings.
    pub fn split(&mut self, stream: i32, windows: &Windows) -> Result<RangeSplit> {
        let (from, to) = (self.range.0.max(self.from.start_of(stream)), self.range.1);
        let shown = self.snapshot.retention_bounds.visible_from.start_of(stream);
        if from >= to {
            return Ok(RangeSplit {
                stream,
                hours: TimeRanges::default(),
                computed: TimeRanges::default(),
                raw: TimeRanges::default(),
                visible_from: shown,
            });
        }
        let mut parts = vec![];
        match self.cut_windows(windows)? {
            Some(cut) => parts.extend(cut.iter()),
            None => parts.push((from, to)),
        }
        let (first, last) = (windows.window_containing(from), windows.window_containing(to - 1));
        parts.extend([first].into_iter().filter(|window| window.0 < from));
        parts.extend([last].into_iter().filter(|window| window.1 > to));
        let parts = TimeRanges::new(parts).within(from, to);
        let stale = self.snapshot.raw_windows(stream, windows, (from, to)).within(from, to);
        let raw = TimeRanges::new(parts.iter().chain(stale.iter()).collect());
        let computed = raw.gaps(from, to);
        let hidden = parts.within(i64::MIN, shown);
        let hours = self.hours(stream, windows, &computed)?;
        let computed = if hours.is_empty() { computed } else { minus(&computed, &hours) };
        Ok(RangeSplit { stream, hours, computed, raw: minus(&raw, &hidden), visible_from: shown })
    }

    /// Returns the hours with valid computed rows that consist of `computed` windows and lie in one bucket.
    fn hours(&mut self, stream: i32, windows: &Windows, computed: &TimeRanges) -> Result<TimeRanges> {
        let snapshot = self.snapshot;
        // The row of an hour counts windows that have expired since.
        let since = snapshot.retention_bounds.statistics_from.start_of(stream);
        let whole = hours::divided_hours(windows, &computed.within(since, i64::MAX));
        let Some(span) = whole.span() else { return Ok(whole) };
        let Some(cut) = self.cut_windows(hours::hours())? else { return Ok(TimeRanges::default()) };
        let stale = snapshot.hours.stale_windows(stream, hours::hours(), span);
        Ok(minus(&minus(&whole, cut), &stale))
    }

    /// Returns the windows in the range that span more than one bucket.
    fn cut_windows(&mut self, windows: &Windows) -> Result<Option<&TimeRanges>> {
        let known = self.cut.iter().position(|(known, _)| known == windows);
        let at = match known {
            Some(at) => at,
            None => {
                let cut = self.find_cut_windows(windows)?;
                self.cut.push((windows.clone(), cut));
                self.cut.len() - 1
            }
        };
        Ok(self.cut[at].1.as_ref())
    }

    fn find_cut_windows(&self, windows: &Windows) -> Result<Option<TimeRanges>> {
        let Some(buckets) = self.buckets else { return Ok(Some(TimeRanges::default())) };
        let (from, to) = self.range;
        if let Some(width) = buckets.fixed_width() {
            // Both are counted from a midnight, so it suffices that one divides the other.
            let divides = windows.lengths_between(from, to).all(|length| width % length == 0);
            return Ok(divides.then(TimeRanges::default));
        }
        let (mut cut, mut edge) = (Vec::new(), buckets.around(from)?.1);
        for _ in 0..MAX_BUCKET_EDGES {
            if edge >= to {
                return Ok(Some(TimeRanges::new(cut)));
            }
            let window = windows.window_containing(edge);
            if window.0 != edge {
                cut.push(window);
            }
            edge = buckets.around(edge)?.1;
        }
        Ok(None)
    }
}

/// Returns the time range of the days that can have readings or statistics.
fn extent(snapshot: &Snapshot) -> (i64, i64) {
    let keyed = &snapshot.upsert_tables[Table::Statistics];
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
#[path = "range_split_tests.rs"]
mod tests;
