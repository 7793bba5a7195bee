//! Stored messages that pass a filter which the kept counts do not know: a status, or the id of a sensor.
//!
//! They are counted by day and window first. Keys are then read of few windows only, because all of them together may
//! take any amount of memory.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::AsArray;

use super::scope::MessageScope;
use crate::domain::Result;
use crate::domain::time::Day;
use crate::query::scan::upsert_scan::UpsertScan;
use crate::store::lake::table_reader::ReadFilter;
use crate::store::message_counts::keys::{DayPart, StoredKey};
use crate::store::message_counts::window_set::{WINDOWS_PER_DAY, window_of};
use crate::store::message_rows;
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;

const STATUS_COLUMN: &str = "status";
/// Columns of the key, of arrival, status and number of sensors.
const STATUS_COLUMNS: [usize; 6] = [0, 1, 2, 3, 4, 9];

/// Conditions of stored messages; at least one of the two is set.
pub struct StoredFilter {
    /// Exactly this status.
    status: Option<String>,
    /// At least one sensor with exactly this id. Only these sensors count.
    sensor: Option<String>,
}

/// Messages that pass, and their sensors that count.
#[derive(Debug, Clone, Copy, Default)]
pub struct MatchingCount {
    pub messages: u64,
    pub sensors: u64,
}

/// The messages that pass a filter, counted.
pub struct MatchingMessages {
    filter: StoredFilter,
    /// By day, then by window.
    counts: HashMap<Day, Vec<MatchingCount>>,
}

impl StoredFilter {
    /// Returns the filter; `None` when every message passes.
    pub fn new(status: Option<&str>, sensor: Option<&str>) -> Option<StoredFilter> {
        let (status, sensor) = (status.map(str::to_owned), sensor.map(str::to_owned));
        (status.is_some() || sensor.is_some()).then_some(StoredFilter { status, sensor })
    }

    /// Counts the messages of a scope that pass; blocks.
    ///
    /// # Errors
    /// `Unavailable` when a file cannot be read; `Timeout`.
    pub fn count(self, scope: &MessageScope) -> Result<MatchingMessages> {
        let mut counts: HashMap<Day, Vec<MatchingCount>> = HashMap::new();
        for day in self.scan(scope).days(scope.ts) {
            self.read(scope, DayPart { day, ts: scope.ts }, &scope.devices, &mut |keys| {
                let of_day =
                    counts.entry(day).or_insert_with(|| vec![MatchingCount::default(); WINDOWS_PER_DAY]);
                for key in keys {
                    let of_window = &mut of_day[usize::from(window_of(key.ts))];
                    of_window.messages += 1;
                    of_window.sensors += u64::from(key.sensors);
                }
            })?;
        }
        Ok(MatchingMessages { filter: self, counts })
    }

    fn scan(&self, scope: &MessageScope) -> UpsertScan {
        let every = || (0..Table::Messages.schema().fields().len() - 1).collect();
        let columns = if self.sensor.is_some() { every() } else { STATUS_COLUMNS.to_vec() };
        UpsertScan { snapshot: scope.query_context.snapshot.clone(), table: Table::Messages, columns }
    }

    /// Passes the keys of a part of a day to `give`, a batch at a time.
    fn read(
        &self,
        scope: &MessageScope,
        DayPart { day, ts }: DayPart,
        devices: &Arc<[i32]>,
        give: &mut dyn FnMut(Vec<StoredKey>),
    ) -> Result<()> {
        let wanted = ReadFilter { ids: Some(devices.clone()), ts, label: None };
        let read = self.scan(scope).read_day(day, &wanted, &mut |rows| {
            scope.check()?;
            give(self.keys(&self.with_status(rows))?);
            Ok(true)
        });
        read.map(drop)
    }

    fn with_status(&self, rows: UpsertRows) -> UpsertRows {
        let Some(status) = &self.status else { return rows };
        rows.select(|rows, row| {
            let statuses = rows.batch().column_by_name(STATUS_COLUMN);
            statuses.is_some_and(|statuses| statuses.as_string::<i32>().value(row) == status)
        })
    }

    /// Returns the keys of rows. The number of sensors in them is that of the sensors that count.
    fn keys(&self, rows: &UpsertRows) -> Result<Vec<StoredKey>> {
        let mut keys = StoredKey::read(rows)?;
        let Some(sensor) = &self.sensor else { return Ok(keys) };
        for (key, message) in keys.iter_mut().zip(message_rows::read_rows(rows)?) {
            let matching = message.sensors()?.iter().filter(|found| found.id == *sensor).count();
            key.sensors = matching as u32;
        }
        keys.retain(|key| key.sensors > 0);
        Ok(keys)
    }
}

impl MatchingMessages {
    /// Returns the counts of a day, or of one of its windows.
    pub fn of(&self, day: Day, window: Option<u8>) -> MatchingCount {
        let mut total = MatchingCount::default();
        for (number, count) in (0_u8..).zip(self.counts.get(&day).into_iter().flatten()) {
            if window.is_none_or(|window| window == number) {
                total.messages += count.messages;
                total.sensors += count.sensors;
            }
        }
        total
    }

    /// Reads the keys of devices in a part of a day, in no particular order; blocks.
    ///
    /// # Errors
    /// `Unavailable` when a file cannot be read; `Timeout`.
    pub fn keys(&self, scope: &MessageScope, part: DayPart, devices: &Arc<[i32]>) -> Result<Vec<StoredKey>> {
        let mut found = Vec::new();
        self.filter.read(scope, part, devices, &mut |keys| found.extend(keys))?;
        Ok(found)
    }
}
