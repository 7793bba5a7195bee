//! Counts messages by device and window: from the kept counts where these are right, and from rows elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::scope::MessageScope;
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::store::message_counts::counter::count_windows;
use crate::store::message_counts::day_counts::{
    DayCounts, DeviceTotal, KeyCounts, MessageCount, Visibility, visibility,
};
use crate::store::message_counts::job::{MAX_PART_ROWS, uncovered_windows};
use crate::store::message_counts::keys::{DayPart, KeySource};
use crate::store::message_counts::window_set::{WindowSet, bounds_of, day_bounds};
use crate::store::table::Table;

/// Receives the count of a device in a window. Of a device whose whole day is taken from its total, the window is 0.
pub type CountReceiver<'a> = &'a mut dyn FnMut(i32, u8, &MessageCount);

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

/// Where the kept counts of a day are not right.
struct DayStaleness {
    day: Day,
    /// The windows that the request asks about.
    asked: WindowSet,
    /// Windows that are stale for every device.
    all: WindowSet,
    by_device: HashMap<i32, WindowSet>,
}

impl DayStaleness {
    fn of(&self, device: i32) -> WindowSet {
        let own = self.by_device.get(&device).copied().unwrap_or_default();
        self.asked.intersection(self.all.union(own))
    }
}

/// Windows to count from rows, by device.
type LiveWindows = BTreeMap<i32, WindowSet>;

impl<'a> MessageCounter<'a> {
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
            return self.count_live(day, &live, give);
        };
        let is_whole = staleness.asked == WindowSet::all() && !by_window;
        let mut windows: Option<Option<Arc<DayCounts>>> = None;
        let mut totals = entry.totals.devices.iter().peekable();
        for device in self.scope.devices.iter().copied() {
            while totals.next_if(|total| total.device < device).is_some() {}
            let stale = staleness.of(device);
            let Some(total) = totals.next_if(|total| total.device == device) else {
                // Nothing was counted, so only stale windows can have messages.
                live.insert(device, stale);
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
            let left = self.kept_windows(&staleness, total, counted, give);
            live.insert(device, left.union(stale));
        }
        live.retain(|_, windows| !windows.is_empty());
        self.count_live(day, &live, give)
    }

    /// Gives the kept windows that are right, and returns those that only rows can tell.
    fn kept_windows(
        &mut self,
        staleness: &DayStaleness,
        DeviceTotal { device, streams, .. }: &DeviceTotal,
        counted: &[(u8, KeyCounts)],
        give: CountReceiver<'_>,
    ) -> WindowSet {
        let (day, device, stale) = (staleness.day, *device, staleness.of(*device));
        let mut left = WindowSet::default();
        let of_day = self.visibility(device, streams, day_bounds(day));
        for (window, counts) in counted {
            if !staleness.asked.contains(*window) || stale.contains(*window) {
                continue;
            }
            match of_day.or_else(|| self.visibility(device, streams, bounds_of(day, *window))) {
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
                let starts = self.scope.streams.starts(streams);
                self.starts.insert(device, DeviceStarts { streams: streams.clone(), starts });
                starts
            }
        };
        visibility(starts, messages_from, span)
    }

    /// Finds the windows in which rows are newer than the kept counts, and those that the request cuts.
    fn staleness(&self, day: Day) -> DayStaleness {
        let (scope, snapshot) = (self.scope, self.scope.snapshot());
        let asked = WindowSet::overlapping(day, scope.ts);
        let covered = snapshot.message_counts.days.get(&day).map_or(0, |entry| entry.totals.covered);
        let files = self.source.reading_files(day).iter().chain(self.source.message_files(day));
        let mut all = uncovered_windows(day, files, covered);
        let is_cut = |window: &u8| !scope.ts.covers(bounds_of(day, *window));
        asked.iter().filter(is_cut).for_each(|window| all.insert(window));
        let mut by_device: HashMap<i32, WindowSet> = HashMap::new();
        let mut touch = |device: i32, ts: MinMax<i64>| {
            let windows = by_device.entry(device).or_default();
            *windows = windows.union(WindowSet::overlapping(day, ts));
        };
        for run in snapshot.memory.get(&day).iter().flat_map(|day| &day.runs) {
            let mut start = 0;
            while let Some(stream) = run.stream.get(start).copied() {
                let end = start + run.stream[start..].partition_point(|other| *other == stream);
                if let Some((device, _)) = scope.streams.get(stream) {
                    touch(device, MinMax::new(run.ts[start], run.ts[end - 1]));
                }
                start = end;
            }
        }
        let messages = &snapshot.upsert_tables[Table::Messages].memory;
        for rows in messages.get(&day).into_iter().flatten() {
            for row in 0..rows.len() {
                let key = rows.key(row);
                touch(key.id, MinMax::of(key.ts));
            }
        }
        DayStaleness { day, asked, all, by_device }
    }

    /// Counts windows of devices from rows.
    fn count_live(&self, day: Day, live: &LiveWindows, give: CountReceiver<'_>) -> Result<()> {
        let all = live.values().fold(WindowSet::default(), |all, windows| all.union(*windows));
        let rows = all.iter().map(|window| self.source.estimate_rows(day, bounds_of(day, window))).max();
        let most = usize::try_from(MAX_PART_ROWS / rows.unwrap_or(0).max(1)).unwrap_or(usize::MAX).max(1);
        for (first, last) in all.runs(most) {
            let span = MinMax::new(bounds_of(day, first).min, bounds_of(day, last).max);
            let span = span.intersection(self.scope.ts);
            let (part, windows) = (DayPart { day, ts: span }, WindowSet::overlapping(day, span));
            let is_concerned =
                |device: &i32| live.get(device).is_some_and(|own| !own.intersection(windows).is_empty());
            let devices: Arc<[i32]> = live.keys().copied().filter(is_concerned).collect();
            let mut tick = || self.scope.check();
            let streams = self.scope.streams.of_devices(|device| devices.binary_search(&device).is_ok());
            let times = self.source.times(part, &streams, &self.scope.streams, &mut tick)?;
            let from = &self.scope.snapshot().retention_bounds.messages_from;
            let stored = self.source.stored(part, &devices, from, &mut tick)?;
            for ((device, window), counts) in count_windows(&times, &stored) {
                if live.get(&device).is_some_and(|own| own.contains(window)) {
                    give(device, window, &counts.visible(Visibility { readings: true, stored: true }));
                }
            }
        }
        Ok(())
    }
}
