//! Reads the messages of keys: payloads of stored ones, readings of derived ones.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;
use uuid::Uuid;

use super::keys::MessageKey;
use super::scope::MessageScope;
use crate::domain::message::{Message, MessageContent, MessageSensor, StoredMessage};
use crate::domain::min_max::MinMax;
use crate::domain::reading::Reading;
use crate::domain::time::Day;
use crate::domain::{DeviceId, Error, Micros, Result, StreamId};
use crate::query::engine::Engine;
use crate::query::error::from_datafusion;
use crate::query::readings_list::{READING_COLUMNS, to_readings};
use crate::query::scan::bounds::Bounds;
use crate::query::scan::readings_scan::ReadingsScan;
use crate::query::scan::upsert_scan::UpsertScan;
use crate::store::lake::table_reader::ReadFilter;
use crate::store::message_rows;
use crate::store::table::Table;

/// Memory of a reading beside its text, bytes.
const READING_BYTES: usize = 64;

/// Readings by device and time.
type ReadingsByMessage = HashMap<(i32, i64), Vec<Reading>>;

/// Reads the messages of keys, in the order of the keys. A stored message that was removed meanwhile is left out.
///
/// # Errors
/// `Unavailable` when a file cannot be read; `TooLarge` or `Busy` when the messages take too much memory; `Timeout`.
pub async fn messages(
    scope: Arc<MessageScope>,
    engine: &Engine,
    keys: &[MessageKey],
) -> Result<Vec<Message>> {
    let pool: Arc<dyn MemoryPool> = scope.query_context.tracker.memory_pool.clone();
    let memory = MemoryConsumer::new("Messages").register(&pool);
    let mut derived: BTreeMap<Day, Vec<(i32, i64)>> = BTreeMap::new();
    let mut stored: BTreeMap<Day, Vec<MessageKey>> = BTreeMap::new();
    for key in keys {
        match key.stored {
            None => derived.entry(Micros(key.ts).day()).or_default().push((key.device, key.ts)),
            Some(_) => stored.entry(Micros(key.ts).day()).or_default().push(*key),
        }
    }
    let mut readings = ReadingsByMessage::new();
    for (day, wanted) in derived {
        let (mut found, older) = newest_readings(&scope, wanted);
        if !older.is_empty() {
            found.extend(read_derived(&scope, engine, day, older).await?);
        }
        for (key, reading) in found {
            let bytes = READING_BYTES + reading.text.as_ref().map_or(0, |text| text.len());
            memory.try_grow(bytes).map_err(from_datafusion)?;
            readings.entry(key).or_default().push(reading);
        }
    }
    let mut payloads = HashMap::new();
    if !stored.is_empty() {
        let reading = scope.clone();
        let read = tokio::task::spawn_blocking(move || read_stored(&reading, stored));
        payloads =
            read.await.map_err(|e| Error::internal("reading messages was interrupted").with_source(e))??;
    }
    let bytes = payloads.values().map(|message: &StoredMessage| 2 * message.payload.len()).sum();
    memory.try_grow(bytes).map_err(from_datafusion)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let device = DeviceId(key.device);
        let content = match key.stored {
            None => MessageContent::Derived,
            Some(stored) => match payloads.remove(&stored.uuid) {
                Some(message) => MessageContent::Stored(message),
                None => continue,
            },
        };
        let sensors = match &content {
            MessageContent::Derived => {
                sensors(&scope, readings.remove(&(key.device, key.ts)).unwrap_or_default())
            }
            MessageContent::Stored(message) => message.sensors()?,
        };
        found.push(Message { device, ts: Micros(key.ts), content, sensors });
    }
    Ok(found)
}

/// A reading with the device and time of its message, microseconds since 1970.
type KeyedReading = ((i32, i64), Reading);

/// Finds the readings of messages that are the newest of their device: these are in memory. The first page of a list
/// consists of such messages, and their readings lie at the ends of as many streams, each in a page of its own on disk.
/// Returns them with the messages that have to be read.
fn newest_readings(scope: &MessageScope, wanted: Vec<(i32, i64)>) -> (Vec<KeyedReading>, Vec<(i32, i64)>) {
    let devices: HashSet<i32> = wanted.iter().map(|(device, _)| *device).collect();
    let streams = scope.streams().of_devices(|device| devices.contains(&device));
    let ids: Vec<StreamId> = streams.iter().copied().map(StreamId).collect();
    let mut by_device: HashMap<i32, Vec<Reading>> = HashMap::new();
    let Some(readings) = scope.query_context.newest_by_time(&ids) else { return (Vec::new(), wanted) };
    for reading in readings {
        if let Some((device, _)) = scope.streams().get(reading.stream.0) {
            by_device.entry(device).or_default().push(reading);
        }
    }
    // A stream whose newest reading is older has none at the time of the message.
    let is_newest = |(device, ts): &(i32, i64)| {
        by_device.get(device).and_then(|all| all.iter().map(|reading| reading.ts.0).max()) == Some(*ts)
    };
    let (newest, older): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_newest);
    let mut found = Vec::new();
    for key in newest {
        let of_device = by_device.remove(&key.0).into_iter().flatten();
        found.extend(of_device.filter(|reading| reading.ts.0 == key.1).map(|reading| (key, reading)));
    }
    (found, older)
}

/// Reads the readings of one day at the times of derived messages.
async fn read_derived(
    scope: &MessageScope,
    engine: &Engine,
    day: Day,
    wanted: Vec<(i32, i64)>,
) -> Result<Vec<KeyedReading>> {
    let mut ts = MinMax::new(i64::MAX, i64::MIN);
    wanted.iter().for_each(|(_, time)| ts.extend(*time));
    let wanted: HashSet<(i32, i64)> = wanted.into_iter().collect();
    let devices: HashSet<i32> = wanted.iter().map(|(device, _)| *device).collect();
    let streams = scope.streams().of_devices(|device| devices.contains(&device));
    let mut bounds = Bounds { ts, ..Bounds::default() };
    bounds.restrict(streams.iter().copied().collect());
    let (query_context, visible) =
        (scope.query_context.clone(), scope.query_context.visible_streams().clone());
    let scan = ReadingsScan { query_context, visible, bounds, filter: None, partitions: 1 };
    scan.record_text_lengths();
    let context = scope.query_context.task_context(&engine.template);
    let plan = scan.plan_day(day, &READING_COLUMNS).map_err(from_datafusion)?;
    let mut batches = execute_stream(plan, context).map_err(from_datafusion)?;
    let mut found = Vec::new();
    while let Some(batch) = batches.try_next().await.map_err(from_datafusion)? {
        for reading in to_readings(&batch).iter() {
            let device = scope.streams().get(reading.stream.0).map(|(device, _)| (device, reading.ts.0));
            if let Some(key) = device.filter(|key| wanted.contains(key)) {
                found.push((key, reading));
            }
        }
    }
    Ok(found)
}

/// The sensors of a derived message, in the order of channels, which is that of the streams' ids.
fn sensors(scope: &MessageScope, mut readings: Vec<Reading>) -> Vec<MessageSensor> {
    readings.sort_unstable_by_key(|reading| reading.stream);
    let known = readings.iter().filter_map(|reading| Some((reading, scope.stream(reading.stream.0)?)));
    (1..)
        .zip(known)
        .map(|(index, (reading, stream))| MessageSensor::of_reading(index, stream, reading))
        .collect()
}

/// Reads stored messages by their keys; blocks.
fn read_stored(
    scope: &MessageScope,
    stored: BTreeMap<Day, Vec<MessageKey>>,
) -> Result<HashMap<Uuid, StoredMessage>> {
    let columns = (0..Table::Messages.schema().fields().len() - 1).collect();
    let scan = UpsertScan { snapshot: scope.query_context.snapshot.clone(), table: Table::Messages, columns };
    let mut found = HashMap::new();
    for (day, keys) in stored {
        let mut ts = MinMax::new(i64::MAX, i64::MIN);
        keys.iter().for_each(|key| ts.extend(key.ts));
        let mut ids: Vec<i32> = keys.iter().map(|key| key.device).collect();
        ids.sort_unstable();
        ids.dedup();
        let wanted: HashSet<Uuid> = keys.iter().filter_map(|key| key.stored).map(|key| key.uuid).collect();
        let filter = ReadFilter { ids: Some(ids.into()), ts, label: None };
        scan.read_day(day, &filter, &mut |rows| {
            scope.check()?;
            let is_wanted = |key: &str| Uuid::try_parse(key).is_ok_and(|uuid| wanted.contains(&uuid));
            let rows = rows.select(|rows, row| is_wanted(rows.key(row).label));
            found.extend(message_rows::read_rows(&rows)?.into_iter().map(|message| (message.uuid, message)));
            Ok(true)
        })?;
    }
    Ok(found)
}
