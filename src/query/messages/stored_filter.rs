//! Stored messages that pass a filter which the kept counts do not know: a status, or the id of a sensor.

use std::collections::HashMap;

use arrow::array::AsArray;

use super::scope::MessageScope;
use crate::domain::Result;
use crate::domain::time::Day;
use crate::query::scan::upsert_scan::UpsertScan;
use crate::store::lake::table_reader::ReadFilter;
use crate::store::message_counts::keys::StoredKey;
use crate::store::message_rows;
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;

const STATUS_COLUMN: &str = "status";
/// Columns of the key, of arrival, status and number of sensors.
const STATUS_COLUMNS: [usize; 6] = [0, 1, 2, 3, 4, 9];

/// The matching messages by day. The number of sensors in their keys is that of the matching ones.
pub type MatchingKeys = HashMap<Day, Vec<StoredKey>>;

/// Reads the messages that pass; blocks.
///
/// # Errors
/// `Unavailable` when a file cannot be read; `Timeout`.
pub fn matching(scope: &MessageScope, status: Option<&str>, sensor: Option<&str>) -> Result<MatchingKeys> {
    let every = || (0..Table::Messages.schema().fields().len() - 1).collect();
    let columns = if sensor.is_some() { every() } else { STATUS_COLUMNS.to_vec() };
    let scan = UpsertScan { snapshot: scope.view.snapshot.clone(), table: Table::Messages, columns };
    let wanted = ReadFilter { ids: Some(scope.devices.clone()), ts: scope.ts, label: None };
    let mut found = MatchingKeys::new();
    for day in scan.days(scope.ts) {
        let mut keys = Vec::new();
        scan.read_day(day, &wanted, &mut |rows| {
            scope.check()?;
            keys.extend(keys_of(&with_status(rows, status), sensor)?);
            Ok(true)
        })?;
        keys.sort_unstable();
        if !keys.is_empty() {
            found.insert(day, keys);
        }
    }
    Ok(found)
}

fn with_status(rows: UpsertRows, status: Option<&str>) -> UpsertRows {
    let Some(status) = status else { return rows };
    rows.select(|rows, row| {
        let statuses = rows.batch().column_by_name(STATUS_COLUMN);
        statuses.is_some_and(|statuses| statuses.as_string::<i32>().value(row) == status)
    })
}

fn keys_of(rows: &UpsertRows, sensor: Option<&str>) -> Result<Vec<StoredKey>> {
    let mut keys = StoredKey::read(rows)?;
    let Some(sensor) = sensor else { return Ok(keys) };
    for (key, message) in keys.iter_mut().zip(message_rows::read_rows(rows)?) {
        let matching = message.sensors()?.iter().filter(|found| found.id == sensor).count();
        key.sensors = matching as u32;
    }
    keys.retain(|key| key.sensors > 0);
    Ok(keys)
}
