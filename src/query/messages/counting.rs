//! Counts messages by device and window: from the kept counts where these are right, and from rows elsewhere.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::live_windows::{self, CountReceiver, GrowingWindows, LiveWindows, WindowCount};
use super::scope::MessageScope;
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::store::message_counts::day_counts::{
    DayCounts, DeviceTotal, KeyCounts, MessageCount, Visibility, visibility,
};
use crate::store::message_counts::job::uncovered_windows;
use crate::store::message_counts::keys::{KeySource, each_stream_of_run};
use crate::store::message_counts::window_set::{WindowSet, bounds_of, day_bounds};
use crate::store::table::Table;

/// Counts one day after the other.
pub struct MessageCounter<'a> {
    scope: &'a MessageScope,
    source: KeySource<'a>,
    /// By device, as last computed.
    starts: HashMap<i32, DeviceStarts>,
}

/// From when the readings of a list of streams count.
struct DeviceStarts {
    streams: Arc<[i32]>,
    starts: Option<MinMax<i64>>,
}

/// Windows of a day whose kept counts are not right.
struct DayStaleness {
    day: Day,
    /// The windows that the request asks about.
    asked: WindowSet,
    /// Windows that the request cuts.
    cut: WindowSet,
    /// Windows that are stale for every device: those that are cut, and those that newer files overlap.
    all: WindowSet,
    by_device: HashMap<i32, WindowSet>,
}

impl DayStaleness {
    /// Whether the whole day is asked about, and its kept counts are right.
    fn is_nowhere(&self) -> bool {
        self.asked == WindowSet::all() && self.all.is_empty() && self.by_device.is_empty()
    }

    fn of(&self, device: i32) -> WindowSet {
        let own = self.by_device.get(&device).copied().unwrap_or_default();
        self.asked.intersection(self.all.union(own))
    }
}

impl<'a> MessageCounter<'a> {
    /// Creates a counter that reads keys of rows only where the kept counts are not right.
    pub fn new(scope: &'a MessageScope) -> Self {
        Self { scope, source: scope.keys(), starts: HashMap::new() }
    }

    /// Returns the days that can have messages, ascending.
    pub fn days(&self) -> BTreeSet<Day> {
        let snapshot = self.scope.snapshot();
        let messages = &snapshot.upsert_tables[Table::Messages];
        let mut days: BTreeSet<Day> =
            messages.lake.days().keys().chain(messages.memory.keys()).copied().collect();
        if self.scope.derives {
            days.extend(snapshot.lake.days().keys().chain(snapshot.memory.keys()));
        }
        days.retain(|day| day_bounds(*day).overlaps(self.scope.ts));
        days
    }

    /// Counts all messages of a day. Blocks. For whoever sees all of an organization, the sum of a day that is not being
    /// written to is kept: a list counts every day, and may have a thousand devices on each.
    ///
    /// # Errors
    /// The errors of [`MessageCounter::count`].
    pub fn total(&mut self, day: Day) -> Result<MessageCount> {
        let scope = self.scope;
        let (org, bounds) = (scope.query_context.principal.org, &scope.snapshot().retention_bounds);
        let entry = scope.snapshot().message_counts.days.get(&day).filter(|_| scope.is_whole_org);
        let entry = entry.filter(|_| self.staleness(day).is_nowhere());
        if let Some(known) = entry.and_then(|entry| entry.org_sum(org, bounds)) {
            return Ok(known);
        }
        let mut total = MessageCount::default();
        self.count(day, false, &mut |_, _, count| total.add(count))?;
        if let Some(entry) = entry {
            entry.keep_org_sum(org, bounds, total);
        }
        Ok(total)
    }

    /// Counts a day; with `by_window`, every window of its own. Blocks.
    ///
    /// # Errors
    /// `Unavailable` when a file cannot be read; `Timeout`.
    pub fn count(&mut self, day: Day, by_window: bool, give: CountReceiver<'_>) -> Result<()> {
        self.scope.check()?;
        let staleness = self.staleness(day);
        let mut live = LiveWindows::new();
        let version = self.scope.snapshot().message_counts.clone();
        let entry = version.days.get(&day).filter(|_| self.scope.uses_kept_counts);
        let Some(entry) = entry else {
            live.extend(self.scope.devices.iter().map(|device| (*device, staleness.asked)));
            return live_windows::count_all(self.scope, day, &live, give);
        };
        let is_whole = staleness.asked == WindowSet::all() && !by_window;
        let mut grown = GrowingWindows::default();
        let mut windows: Option<Option<Arc<DayCounts>>> = None;
        let mut totals = entry.totals.devices.iter().peekable();
        for device in self.scope.devices.iter().copied() {
            while totals.next_if(|total| total.device < device).is_some() {}
            let stale = staleness.of(device);
            let Some(total) = totals.next_if(|total| total.device == device) else {
                // Nothing was counted, so only stale windows can have messages.
                live.insert(device, stale.intersection(staleness.cut));
                grown.windows.insert(device, stale.without(staleness.cut));
                continue;
            };
            if is_whole && stale.is_empty() {
                let seen = self.visibility(device, &total.streams, day_bounds(day));
                if let Some(seen) = seen {
                    give(device, 0, &total.counts.visible(seen));
                    continue;
                }
            }
            if windows.is_none() {
                windows = Some(version.windows(day)?);
            }
            let Some(known) = windows.iter().flatten().next() else {
                live.insert(device, staleness.asked);
                continue;
            };
            let counted = known.device(device).map_or(&[][..], |known| known.windows.as_slice());
            let left = self.kept_windows(&staleness, (total, counted), &mut grown.kept, give);
            live.insert(device, left.union(stale.intersection(staleness.cut)));
            grown.windows.insert(device, stale.without(staleness.cut).without(left));
        }
        grown.windows.retain(|_, windows| !windows.is_empty());
        let older = live_windows::count_newer(self.scope, (day, entry.totals.covered), &grown, give)?;
        for (device, windows) in older {
            let of_device = live.entry(device).or_default();
            *of_device = of_device.union(windows);
        }
        live.retain(|_, windows| !windows.is_empty());
        live_windows::count_all(self.scope, day, &live, give)
    }

    /// Gives the kept windows that are right, and notes those that may have grown. Returns those that only rows can
    /// tell.
    fn kept_windows(
        &mut self,
        staleness: &DayStaleness,
        (DeviceTotal { device, streams, .. }, counted): (&DeviceTotal, &[(u8, KeyCounts)]),
        grown: &mut HashMap<(i32, u8), WindowCount>,
        give: CountReceiver<'_>,
    ) -> WindowSet {
        let (day, device, stale) = (staleness.day, *device, staleness.of(*device));
        let mut left = WindowSet::default();
        let of_day = self.visibility(device, streams, day_bounds(day));
        for (window, counts) in counted {
            if !staleness.asked.contains(*window) || staleness.cut.contains(*window) {
                continue;
            }
            match of_day.or_else(|| self.visibility(device, streams, bounds_of(day, *window))) {
                Some(seen) if stale.contains(*window) => {
                    let newest = counts.newest_reading.max(counts.newest_stored);
                    grown.insert((device, *window), WindowCount { seen: counts.visible(seen), newest });
                }
                Some(seen) => give(device, *window, &counts.visible(seen)),
                None => left.insert(*window),
            }
        }
        left
    }

    fn visibility(&mut self, device: i32, streams: &Arc<[i32]>, span: MinMax<i64>) -> Option<Visibility> {
        let messages_from = self.scope.snapshot().retention_bounds.messages_from.start_of(device);
        if !self.scope.derives {
            return visibility(None, messages_from, span);
        }
        let starts = match self.starts.get(&device) {
            Some(known) if known.streams == *streams => known.starts,
            _ => {
                let starts = self.scope.streams().starts(streams);
                self.starts.insert(device, DeviceStarts { streams: streams.clone(), starts });
                starts
            }
        };
        visibility(starts, messages_from, span)
    }

    /// Finds the windows in which rows are newer than the kept counts, and those that the request cuts.
    fn staleness(&self, day: Day) -> DayStaleness {
        let (scope, snapshot) = (self.scope, self.scope.snapshot());
        let overlapping = WindowSet::overlapping(day, scope.ts);
        let covered = snapshot.message_counts.days.get(&day).map_or(0, |entry| entry.totals.covered);
        let files = self.source.reading_files(day).iter().chain(self.source.message_files(day));
        let mut all = uncovered_windows(day, files, covered);
        let is_cut = |window: &u8| !scope.ts.covers(bounds_of(day, *window));
        let mut cut = WindowSet::default();
        overlapping.iter().filter(is_cut).for_each(|window| cut.insert(window));
        all = all.union(cut);
        let mut by_device: HashMap<i32, WindowSet> = HashMap::new();
        let mut touch = |device: i32, ts: MinMax<i64>| {
            let windows = by_device.entry(device).or_default();
            *windows = windows.union(WindowSet::overlapping(day, ts));
        };
        for run in snapshot.memory.get(&day).iter().flat_map(|day| &day.runs) {
            each_stream_of_run(run, scope.streams().ids(), &mut |stream, times: &[i64]| {
                let device = scope.streams().get(stream).map(|(device, _)| device);
                if let (Some(device), Some(first), Some(last)) = (device, times.first(), times.last()) {
                    touch(device, MinMax::new(*first, *last));
                }
            });
        }
        let messages = &snapshot.upsert_tables[Table::Messages].memory;
        for rows in messages.get(&day).into_iter().flatten() {
            for row in 0..rows.len() {
                let key = rows.key(row);
                touch(key.id, MinMax::of(key.ts));
            }
        }
        DayStaleness { day, asked: overlapping, cut, all, by_device }
    }
}
