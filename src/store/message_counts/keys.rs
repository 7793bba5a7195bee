//! Reads the keys of messages: the times of readings by device, and the keys of stored messages.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use uuid::Uuid;

use crate::domain::min_max::MinMax;
use crate::domain::retention::StreamStarts;
use crate::domain::time::Day;
use crate::domain::{Error, Result};
use crate::store::lake::LakeVersion;
use crate::store::lake::file::LakeFile;
use crate::store::lake::table_reader::{ReadFilter, TableReader, unreadable};
use crate::store::memtable::run::Run;
use crate::store::schema::{STREAM_ID, TS};
use crate::store::snapshot::Snapshot;
use crate::store::table::Table;
use crate::store::upsert_rows::{UpsertKey, UpsertRows};

/// Indices of device, time, uuid, time of arrival and number of sensors in `Table::Messages`.
const MESSAGE_COLUMNS: [usize; 5] = [0, 1, 2, 3, 9];
const RECEIVED_AT: &str = "received_at";
const SENSORS: &str = "sensors";
/// Rows of a run that are passed over in about the time of one search in it.
const ROWS_PER_SEARCH: usize = 16;
/// Bytes decoded at a time from each file.
const BATCH_BYTES: u64 = 1 << 20;

/// The device of each stream that counts, and the time from which its readings do.
#[derive(Debug, Clone, Default)]
pub struct StreamDevices {
    by_stream: HashMap<i32, (i32, i64)>,
    ids: Arc<[i32]>,
}

impl StreamDevices {
    /// Takes (stream, device) pairs in any order, each stream once.
    pub fn new(pairs: impl IntoIterator<Item = (i32, i32)>, from: &StreamStarts) -> Self {
        let by_stream: HashMap<i32, (i32, i64)> =
            pairs.into_iter().map(|(stream, device)| (stream, (device, from.start_of(stream)))).collect();
        let mut ids: Vec<i32> = by_stream.keys().copied().collect();
        ids.sort_unstable();
        Self { by_stream, ids: ids.into() }
    }

    /// Returns the device of a stream and the time from which its readings count; `None` for a stream that does not.
    pub fn get(&self, stream: i32) -> Option<(i32, i64)> {
        self.by_stream.get(&stream).copied()
    }

    /// Returns the streams, ascending.
    pub fn ids(&self) -> &Arc<[i32]> {
        &self.ids
    }

    /// Returns the streams of the devices for which `is_wanted` holds, ascending.
    pub fn of_devices(&self, is_wanted: impl Fn(i32) -> bool) -> Arc<[i32]> {
        let is_of = |id: &i32| self.get(*id).is_some_and(|(device, _)| is_wanted(device));
        self.ids.iter().copied().filter(is_of).collect()
    }

    /// Returns the earliest and the latest time from which these streams count; a stream that is gone never does.
    pub fn starts(&self, streams: &[i32]) -> Option<MinMax<i64>> {
        let from = streams.iter().map(|id| self.get(*id).map_or(i64::MAX, |(_, from)| from));
        from.map(MinMax::of).reduce(|mut all, one| {
            all.extend(one.min);
            all
        })
    }
}

/// The key of a stored message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredKey {
    pub device: i32,
    /// Microseconds.
    pub ts: i64,
    pub received_at: i64,
    pub uuid: Uuid,
    /// Number of its sensors.
    pub sensors: u32,
}

impl StoredKey {
    /// Reads the keys of rows of `messages` that have the columns of a key.
    ///
    /// # Errors
    /// `Unavailable` when a row was not written by this server.
    pub fn read(rows: &UpsertRows) -> Result<Vec<StoredKey>> {
        let column = |name: &str| rows.batch().column_by_name(name).ok_or_else(unexpected_columns_error);
        let received = column(RECEIVED_AT)?.as_primitive::<TimestampMicrosecondType>();
        let sensors = column(SENSORS)?.as_primitive::<Int32Type>();
        let key = |row: usize| {
            let UpsertKey { id: device, ts, label } = rows.key(row);
            let uuid = Uuid::try_parse(label).map_err(|e| unexpected_columns_error().with_source(e))?;
            let (received_at, sensors) = (received.value(row), sensors.value(row).unsigned_abs());
            Ok(StoredKey { device, ts, received_at, uuid, sensors })
        };
        (0..rows.len()).map(key).collect()
    }
}

/// The times of a device's readings.
#[derive(Debug, Clone, Default)]
pub struct DeviceTimes {
    /// Times in microseconds, with the stream; ascending and distinct after [`DeviceTimes::sort`].
    pub times: Vec<(i64, i32)>,
    /// The streams that have any of them, ascending after [`DeviceTimes::sort`].
    pub streams: Vec<i32>,
}

impl DeviceTimes {
    fn add(&mut self, stream: i32, times: &[i64]) {
        self.times.extend(times.iter().map(|ts| (*ts, stream)));
        if self.streams.last() != Some(&stream) {
            self.streams.push(stream);
        }
    }

    /// Iterates over the distinct times, each with its number of readings.
    pub fn messages(&self) -> impl Iterator<Item = (i64, u32)> + '_ {
        self.times.chunk_by(|a, b| a.0 == b.0).map(|same| (same[0].0, same.len() as u32))
    }

    /// Returns the number of readings at a time.
    pub fn sensors_at(&self, ts: i64) -> u32 {
        let from = self.times.partition_point(|(time, _)| *time < ts);
        self.times[from..].partition_point(|(time, _)| *time == ts) as u32
    }

    /// The times of each stream are ascending already, which a stable sort makes use of.
    fn sort(&mut self) {
        self.times.sort();
        self.times.dedup();
        self.streams.sort_unstable();
        self.streams.dedup();
    }
}

/// A part of a day whose keys are read.
#[derive(Debug, Clone, Copy)]
pub struct DayPart {
    pub day: Day,
    /// Microseconds, both inclusive.
    pub ts: MinMax<i64>,
}

/// Source of keys.
pub struct KeySource<'a> {
    readings: Arc<LakeVersion>,
    messages: Arc<LakeVersion>,
    readings_reader: TableReader,
    messages_reader: TableReader,
    /// Rows that are not in the lake yet; `None` leaves them out.
    memory: Option<&'a Snapshot>,
    /// Files that have no row after this seq are left out.
    after: Option<u64>,
}

impl<'a> KeySource<'a> {
    /// Reads the lake alone. The readers need no columns.
    pub fn of_lake(
        (readings, readings_reader): (Arc<LakeVersion>, TableReader),
        (messages, messages_reader): (Arc<LakeVersion>, TableReader),
    ) -> Self {
        let readings_reader = TableReader { columns: Some(vec![STREAM_ID, TS]), ..readings_reader };
        let messages_reader = TableReader { columns: Some(MESSAGE_COLUMNS.to_vec()), ..messages_reader };
        Self { readings, messages, readings_reader, messages_reader, memory: None, after: None }
    }

    /// Reads lake and memory of a snapshot.
    pub fn of_snapshot(snapshot: &'a Snapshot) -> Self {
        let messages = &snapshot.upsert_tables[Table::Messages];
        let reader = |table, dir: &Arc<std::path::PathBuf>| TableReader {
            cache: Some(snapshot.cache.clone()),
            keeps_pages: true,
            batch_bytes: BATCH_BYTES,
            ..TableReader::whole_files(snapshot.location.disk().clone(), dir.clone(), table)
        };
        let lake = Self::of_lake(
            (snapshot.lake.clone(), reader(Table::Readings, &snapshot.lake_dir)),
            (messages.lake.clone(), reader(Table::Messages, &messages.lake_dir)),
        );
        Self { memory: Some(snapshot), ..lake }
    }

    /// Leaves out files that have no row after this seq. Others may have rows up to it, too.
    pub fn after(self, seq: u64) -> Self {
        Self { after: Some(seq), ..self }
    }

    fn is_read(&self, file: &LakeFile) -> bool {
        self.after.is_none_or(|seq| file.seq.max > seq)
    }

    /// Returns the files of readings on a day.
    pub fn reading_files(&self, day: Day) -> &[Arc<LakeFile>] {
        self.readings.days().get(&day).map_or(&[], Vec::as_slice)
    }

    /// Returns the files of messages on a day.
    pub fn message_files(&self, day: Day) -> &[Arc<LakeFile>] {
        self.messages.days().get(&day).map_or(&[], Vec::as_slice)
    }

    /// Estimates the readings of a day within `ts`, as if each file's rows were spread evenly over its times.
    pub fn estimate_rows(&self, day: Day, ts: MinMax<i64>) -> u64 {
        let share = |file: &Arc<LakeFile>| {
            let within = file.ts.intersection(ts);
            if within.is_empty() {
                return 0.0;
            }
            let length = |span: MinMax<i64>| (span.max - span.min + 1) as f64;
            file.rows as f64 * length(within) / length(file.ts)
        };
        let read = self.reading_files(day).iter().filter(|file| self.is_read(file));
        read.map(share).sum::<f64>() as u64
    }

    /// Reads the times of readings of `streams` (ascending ids) in a part of a day, by device, ascending and distinct.
    /// `tick` is called between batches and may end the work.
    ///
    /// # Errors
    /// `Unavailable` when a file cannot be read, and the errors of `tick`.
    pub fn times(
        &self,
        DayPart { day, ts }: DayPart,
        streams: &Arc<[i32]>,
        devices: &StreamDevices,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<HashMap<i32, DeviceTimes>> {
        let mut found: HashMap<i32, DeviceTimes> = HashMap::new();
        let wanted = ReadFilter { ids: Some(streams.clone()), ts, label: None };
        let mut add = |stream: i32, times: &[i64]| {
            let Some((device, from)) = devices.get(stream).filter(|_| streams.binary_search(&stream).is_ok())
            else {
                return;
            };
            let begin = times.partition_point(|time| *time < ts.min.max(from));
            let end = times.partition_point(|time| *time <= ts.max);
            if begin < end {
                found.entry(device).or_default().add(stream, &times[begin..end]);
            }
        };
        let is_read = |file: &&Arc<LakeFile>| self.is_read(file) && wanted.file_survives_pruning(file);
        for file in self.reading_files(day).iter().filter(is_read) {
            let Some(reader) = self.readings_reader.open(file, &wanted)? else { continue };
            for batch in reader {
                let batch = batch.map_err(|e| unreadable(&file.path, e))?;
                let ids = batch.column(0).as_primitive::<Int32Type>().values();
                let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
                each_stream(ids, times, &mut add);
                tick()?;
            }
        }
        let memory = self.memory.and_then(|snapshot| snapshot.memory.get(&day));
        for run in memory.iter().flat_map(|day| &day.runs) {
            each_stream_of_run(run, streams, &mut add);
            tick()?;
        }
        found.values_mut().for_each(DeviceTimes::sort);
        Ok(found)
    }

    /// Reads the keys of stored messages of `devices` (ascending ids) in a part of a day, sorted and distinct.
    /// Messages before the time that `from` gives for their device are left out.
    ///
    /// # Errors
    /// The errors of [`KeySource::times`].
    pub fn stored(
        &self,
        DayPart { day, ts }: DayPart,
        devices: &Arc<[i32]>,
        from: &StreamStarts,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<StoredKey>> {
        let mut found = Vec::new();
        let wanted = ReadFilter { ids: Some(devices.clone()), ts, label: None };
        let mut add = |rows: &UpsertRows| {
            let is_wanted = |key: &StoredKey| {
                ts.contains(key.ts)
                    && devices.binary_search(&key.device).is_ok()
                    && key.ts >= from.start_of(key.device)
            };
            found.extend(StoredKey::read(rows)?.into_iter().filter(is_wanted));
            Ok::<(), Error>(())
        };
        let is_read = |file: &&Arc<LakeFile>| self.is_read(file) && wanted.file_survives_pruning(file);
        for file in self.message_files(day).iter().filter(is_read) {
            let Some(reader) = self.messages_reader.open(file, &wanted)? else { continue };
            for batch in reader {
                let batch = batch.map_err(|e| unreadable(&file.path, e))?;
                add(&UpsertRows::from_sorted_batch(Table::Messages, batch)?)?;
                tick()?;
            }
        }
        let memory = self.memory.map(|snapshot| &snapshot.upsert_tables[Table::Messages].memory);
        memory.and_then(|days| days.get(&day)).into_iter().flatten().try_for_each(&mut add)?;
        found.sort_unstable();
        // A flush that was repeated has written its rows twice.
        found.dedup_by_key(|key| (key.device, key.ts, key.uuid));
        Ok(found)
    }
}

fn unexpected_columns_error() -> Error {
    Error::unavailable("a stored message has columns or an id that this server did not write")
}

/// Calls `visit` with the times of each of the streams that has rows in a run, and perhaps of others. Many streams are
/// not searched one by one: a run may have fewer rows.
pub fn each_stream_of_run(run: &Run, streams: &[i32], visit: &mut impl FnMut(i32, &[i64])) {
    if run.len() / ROWS_PER_SEARCH < streams.len() {
        return each_stream(&run.stream, &run.ts, visit);
    }
    for stream in streams {
        let start = run.count_before((*stream, i64::MIN));
        let end = run.count_before((*stream, i64::MAX));
        if start < end {
            visit(*stream, &run.ts[start..end]);
        }
    }
}

/// Calls `add` with the times of each stream in turn; rows are sorted by stream and time.
fn each_stream(ids: &[i32], times: &[i64], add: &mut impl FnMut(i32, &[i64])) {
    let mut start = 0;
    while let Some(stream) = ids.get(start).copied() {
        let end = start + ids[start..].partition_point(|id| *id == stream);
        add(stream, &times[start..end]);
        start = end;
    }
}
