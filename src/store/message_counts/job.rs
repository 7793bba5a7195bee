//! Background job that counts the messages of flushed rows. It runs before files are merged, because all rows of a
//! merged file count as new as its newest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counter::{WindowCounts, count_windows};
use super::day_counts::{DayCounts, DayTotals, DeviceDay, KeyCounts};
use super::index::{CountsVersion, MessageCountsIndex};
use super::keys::{DayPart, KeySource, StreamDevices};
use super::window_set::{WindowSet, bounds_of, day_bounds};
use crate::domain::Result;
use crate::domain::min_max::MinMax;
use crate::domain::progress::Progress;
use crate::domain::retention::StreamStarts;
use crate::domain::time::Day;
use crate::store::catalog::Catalog;
use crate::store::lake::LakeVersion;
use crate::store::lake::file::LakeFile;
use crate::store::lake::table_reader::TableReader;
use crate::store::state::FlushedState;
use crate::store::table::Table;
use crate::store::table_set::TableSet;
use crate::store::throttle::{CpuThrottle, WorkPriority};

/// Approximate number of readings whose times are in memory at once.
pub const MAX_PART_ROWS: u64 = 2 << 20;

/// How long a run in the background goes on to the next day. Nothing else replaces files during it.
const MAX_BACKGROUND_TIME: Duration = Duration::from_secs(30);

/// The job. The caller must run nothing else that replaces files at the same time.
pub struct MessageCountsJob {
    pub tables: Arc<TableSet>,
    pub catalog: Arc<Catalog>,
    pub index: Arc<MessageCountsIndex>,
    pub priority: WorkPriority,
    /// Counts days; cancelling it ends the job.
    pub progress: Progress,
}

/// Input of one run.
struct CountingScope {
    readings: Arc<LakeVersion>,
    messages: Arc<LakeVersion>,
    known: Arc<CountsVersion>,
    /// Every row of the lake up to this seq is counted.
    seq: u64,
    /// Streams that exist, from their floors on.
    devices: StreamDevices,
    /// Floors of messages, by device.
    messages_from: StreamStarts,
    device_ids: Arc<[i32]>,
}

impl MessageCountsJob {
    /// Counts the windows of days that rows flushed since have touched, or whose streams are gone. Returns the number
    /// of days counted.
    ///
    /// # Errors
    /// `Unavailable` when files cannot be read or written. What was counted until then is kept.
    pub async fn run(&self) -> Result<u64> {
        let FlushedState { readings, messages, seq, .. } = self.tables.state.flushed();
        let (devices, messages_from, device_ids) = self.streams();
        let known = self.index.current();
        let scope = CountingScope { readings, messages, known, seq, devices, messages_from, device_ids };
        let (tables, index, progress) = (self.tables.clone(), self.index.clone(), self.progress.clone());
        let is_background = self.priority != WorkPriority::Foreground;
        let patience = if is_background { MAX_BACKGROUND_TIME } else { Duration::MAX };
        let work =
            move |pace: CpuThrottle| CountingRun { scope, tables, progress, pace }.run(&index, patience);
        CpuThrottle::run_on_thread(self.priority, work).await
    }

    /// Returns the streams with their devices and floors, and the floors and ids of devices.
    fn streams(&self) -> (StreamDevices, StreamStarts, Arc<[i32]>) {
        let starts = |table: Table, ids: &mut dyn Iterator<Item = i32>| {
            let floors = self.catalog.retention.retention_floors(table);
            let mut from = StreamStarts::default();
            ids.for_each(|id| from.set(id, floors.cutoff_of(id)));
            from
        };
        let pairs = self.catalog.streams.device_of_streams();
        let from = starts(Table::Readings, &mut pairs.iter().map(|(stream, _)| *stream));
        let device_ids: Arc<[i32]> =
            self.catalog.devices.all_devices().iter().map(|device| device.id.0).collect();
        let messages_from = starts(Table::Messages, &mut device_ids.iter().copied());
        (StreamDevices::new(pairs, &from), messages_from, device_ids)
    }
}

struct CountingRun {
    scope: CountingScope,
    tables: Arc<TableSet>,
    progress: Progress,
    pace: CpuThrottle,
}

impl CountingRun {
    /// Counts days, the newest first, until `patience` is over. What is left is counted by a later run: meanwhile
    /// files may be merged and rows removed.
    fn run(mut self, index: &MessageCountsIndex, patience: Duration) -> Result<u64> {
        let started = Instant::now();
        let source = self.source();
        let mut days: BTreeSet<Day> = self.scope.readings.days().keys().copied().collect();
        days.extend(self.scope.messages.days().keys());
        let gone = self.scope.known.days.keys().copied().filter(|day| !days.contains(day));
        let gone: Vec<Day> = gone.collect();
        gone.into_iter().try_for_each(|day| index.remove(day))?;
        let stale: Vec<(Day, StaleCounts)> = days
            .into_iter()
            .map(|day| (day, self.scope.stale(day)))
            .filter(|(_, stale)| !stale.is_empty())
            .collect();
        self.progress.begin("counting messages, days", stale.len() as u64);
        let mut counted = 0;
        for (day, stale) in stale.iter().rev() {
            let counts = self.count(&source, *day, stale)?;
            index.put(*day, Arc::new(counts))?;
            self.progress.advance(1)?;
            counted += 1;
            if started.elapsed() >= patience {
                break;
            }
        }
        Ok(counted)
    }

    fn source(&self) -> KeySource<'static> {
        let reader = |table: Table| TableReader {
            cache: Some(self.tables.cache().clone()),
            ..TableReader::whole_files(self.tables.disk().clone(), self.tables.dir(table).clone(), table)
        };
        KeySource::of_lake(
            (self.scope.readings.clone(), reader(Table::Readings)),
            (self.scope.messages.clone(), reader(Table::Messages)),
        )
    }

    /// Counts what is stale of a day and takes the rest as it was.
    fn count(&mut self, source: &KeySource<'_>, day: Day, stale: &StaleCounts) -> Result<DayCounts> {
        let mut counts = self.kept(day, stale)?;
        let is_other = |device: &i32| !stale.devices.contains(device);
        let others: Arc<[i32]> = self.scope.device_ids.iter().copied().filter(is_other).collect();
        self.count_devices(source, (day, stale.windows), &others, &mut counts)?;
        let exists = |device: &i32| self.scope.device_ids.binary_search(device).is_ok();
        let stale_devices: Arc<[i32]> = stale.devices.iter().copied().filter(exists).collect();
        self.count_devices(source, (day, WindowSet::all()), &stale_devices, &mut counts)?;
        Ok(counts.finish(self.scope.seq))
    }

    /// Adds the counts of windows of devices (ascending ids).
    fn count_devices(
        &mut self,
        source: &KeySource<'_>,
        (day, windows): (Day, WindowSet),
        devices: &Arc<[i32]>,
        counts: &mut DayBuilder,
    ) -> Result<()> {
        if devices.is_empty() {
            return Ok(());
        }
        let is_of = |device: i32| devices.binary_search(&device).is_ok();
        let streams = self.scope.devices.of_devices(is_of);
        let rows = windows.iter().map(|window| source.estimate_rows(day, bounds_of(day, window))).max();
        let most = usize::try_from(MAX_PART_ROWS / rows.unwrap_or(0).max(1)).unwrap_or(usize::MAX).max(1);
        for (first, last) in windows.runs(most) {
            let ts = MinMax::new(bounds_of(day, first).min, bounds_of(day, last).max);
            let part = DayPart { day, ts };
            let Self { scope, pace, progress, .. } = self;
            let mut tick = || {
                pace.sleep_if_due();
                progress.advance(0)
            };
            let times = source.times(part, &streams, &scope.devices, &mut tick)?;
            let stored = source.stored(part, devices, &scope.messages_from, &mut tick)?;
            counts.add(count_windows(&times, &stored));
            times.into_iter().for_each(|(device, times)| counts.add_streams(device, &times.streams));
        }
        Ok(())
    }

    /// Returns the kept counts that are not stale.
    fn kept(&self, day: Day, stale: &StaleCounts) -> Result<DayBuilder> {
        let mut counts = DayBuilder::default();
        if stale.windows == WindowSet::all() {
            return Ok(counts);
        }
        let Some(known) = self.scope.known.windows(day)? else { return Ok(counts) };
        for device in known.devices.iter().filter(|known| !stale.devices.contains(&known.device)) {
            counts.add_streams(device.device, &device.streams);
            let windows = device.windows.iter().filter(|(window, _)| !stale.windows.contains(*window));
            counts.add(windows.map(|(window, counts)| ((device.device, *window), *counts)).collect());
        }
        Ok(counts)
    }
}

/// Counts of a day that are not right any more.
struct StaleCounts {
    /// Windows of every device.
    windows: WindowSet,
    /// Devices whose counts include streams that are gone.
    devices: BTreeSet<i32>,
}

impl StaleCounts {
    fn all() -> Self {
        Self { windows: WindowSet::all(), devices: BTreeSet::new() }
    }

    fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.devices.is_empty()
    }
}

impl CountingScope {
    /// Finds what is not right any more of the kept counts of a day.
    fn stale(&self, day: Day) -> StaleCounts {
        let Some(entry) = self.known.days.get(&day) else { return StaleCounts::all() };
        let files = [&self.readings, &self.messages];
        let files = files.into_iter().flat_map(|lake| lake.days().get(&day)).flatten();
        let windows = uncovered_windows(day, files, entry.totals.covered);
        let stale = StaleCounts { windows, devices: self.devices_with_gone_streams(day, &entry.totals) };
        // Without its file, a day is counted as a whole.
        let is_lost = || !matches!(self.known.windows(day), Ok(Some(_)));
        if !stale.is_empty() && is_lost() { StaleCounts::all() } else { stale }
    }

    /// Returns the devices with counts of streams that were deleted, or whose floor has passed the day.
    fn devices_with_gone_streams(&self, day: Day, totals: &DayTotals) -> BTreeSet<i32> {
        let end = day_bounds(day).max;
        let is_gone = |stream: &i32| self.devices.get(*stream).is_none_or(|(_, from)| from > end);
        let with_any = totals.devices.iter().filter(|total| total.streams.iter().any(is_gone));
        with_any.map(|total| total.device).collect()
    }
}

/// Returns the windows of a day that files with rows after `covered` overlap.
pub fn uncovered_windows<'a>(
    day: Day,
    files: impl Iterator<Item = &'a Arc<LakeFile>>,
    covered: u64,
) -> WindowSet {
    let newer = files.filter(|file| file.seq.max > covered);
    newer.map(|file| WindowSet::overlapping(day, file.ts)).fold(WindowSet::default(), WindowSet::union)
}

/// The counts of a day while they are put together.
#[derive(Default)]
struct DayBuilder {
    devices: BTreeMap<i32, (BTreeSet<i32>, BTreeMap<u8, KeyCounts>)>,
}

impl DayBuilder {
    fn add(&mut self, counts: WindowCounts) {
        for ((device, window), counts) in counts {
            self.devices.entry(device).or_default().1.entry(window).or_default().add(&counts);
        }
    }

    fn add_streams(&mut self, device: i32, streams: &[i32]) {
        self.devices.entry(device).or_default().0.extend(streams);
    }

    /// Lists of streams are shared between devices where they are equal, which only those without streams are.
    fn finish(self, covered: u64) -> DayCounts {
        let mut lists: HashMap<Vec<i32>, Arc<[i32]>> = HashMap::new();
        let mut devices = Vec::with_capacity(self.devices.len());
        for (device, (streams, windows)) in self.devices {
            if windows.is_empty() {
                continue;
            }
            let streams: Vec<i32> = streams.into_iter().collect();
            let streams = lists.entry(streams).or_insert_with_key(|ids| ids.as_slice().into()).clone();
            devices.push(DeviceDay { device, streams, windows: windows.into_iter().collect() });
        }
        DayCounts { covered, devices }
    }
}
