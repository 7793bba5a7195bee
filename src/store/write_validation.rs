//! Admission checks for writes: every row is validated before anything is logged, and errors name the row.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::AsArray;

use super::catalog::{Catalog, StreamWriteInfo};
use super::table::Table;
use super::upsert_rows::{UpsertKey, UpsertRows};
use crate::domain::reading::{Quality, Readings};
use crate::domain::retention::RetentionBounds;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, Error, FieldError, Micros, Principal, Result, StreamId};

/// Maximum length of one text, bytes. Reading, merging and sorting handle whole texts and need a small multiple of this
/// in memory, whoever wrote the rows. Images and documents of instruments are smaller.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Maximum length of a message's status, bytes.
pub const MAX_STATUS_BYTES: usize = 1000;

/// Maximum number of wrong rows listed in one error.
const MAX_LISTED_ROWS: usize = 20;

/// Range of times that may be written: from the retention bound of each stream up to `newest`.
#[derive(Debug, Clone)]
pub struct WritableTimes {
    pub newest: Micros,
    pub kept: Arc<RetentionBounds>,
}

/// Why a row is wrong.
#[derive(Debug)]
pub struct RowProblem {
    /// Column with the mistake.
    pub column: &'static str,
    /// The mistake, without the column.
    pub message: String,
}

impl RowProblem {
    fn new(column: &'static str, message: impl Into<String>) -> Self {
        Self { column, message: message.into() }
    }

    /// The error for the row of an index; rows count from 1.
    fn into_error(self, row: usize) -> FieldError {
        FieldError::new(format!("row {}", row + 1), self.to_string())
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.message)
    }
}

/// Contents of rows that passed the check.
#[derive(Debug, Default)]
pub struct AdmittedRows {
    /// How many of them are readings of a device: rows of companions are not.
    pub readings: usize,
    /// The devices whose readings they are, each once, with the time of its newest reading.
    pub devices: Vec<(DeviceId, Micros)>,
}

/// Checks rows against the principal, the clock, retention and the rules of a reading.
///
/// # Errors
/// `Invalid` with one field `row N` (rows count from 1) for each wrong row, at most `MAX_LISTED_ROWS` of them.
pub fn check(
    catalog: &Catalog,
    principal: &Principal,
    rows: &Readings,
    times: &WritableTimes,
) -> Result<AdmittedRows> {
    let (problems, admitted) = problems(catalog, principal, rows, times, MAX_LISTED_ROWS);
    Error::check(problems.into_iter().map(|(row, problem)| problem.into_error(row)).collect())?;
    Ok(admitted)
}

/// Returns the indexes of wrong rows with their problems, at most `most` of them, and what the rows before the end or the last
/// problem hold.
pub fn problems(
    catalog: &Catalog,
    principal: &Principal,
    rows: &Readings,
    times: &WritableTimes,
    most: usize,
) -> (Vec<(usize, RowProblem)>, AdmittedRows) {
    let mut known: HashMap<i32, Option<(StreamWriteInfo, RangeInclusive<Micros>, Micros)>> = HashMap::new();
    let (mut wrong, mut admitted) = (Vec::new(), AdmittedRows::default());
    for i in 0..rows.len() {
        let stream = rows.stream[i];
        let known = known.entry(stream).or_insert_with(|| {
            let info = visible_stream(catalog, principal, StreamId(stream))?;
            let allowed = Micros(times.kept.visible_from.start_of(stream))..=times.newest;
            Some((info, allowed, Micros(i64::MIN)))
        });
        let problem = match known {
            Some((info, allowed, newest)) => {
                admitted.readings += usize::from(!info.is_companion);
                *newest = Micros(rows.ts[i]).max(*newest);
                time_problem(rows, i, allowed).or_else(|| value_problem(info.kind, rows, i))
            }
            None => Some(no_stream(stream)),
        };
        if let Some(problem) = problem {
            wrong.push((i, problem));
            if wrong.len() == most {
                break;
            }
        }
    }
    admitted.devices = known.values().flatten().map(|(info, _, newest)| (info.device, *newest)).collect();
    admitted.devices.sort_unstable_by_key(|(device, newest)| (*device, Reverse(*newest)));
    admitted.devices.dedup_by_key(|(device, _)| *device);
    (wrong, admitted)
}

/// Checks rows of a keyed table: the principal must see the stream of each row, or the device as a whole.
///
/// # Errors
/// Same as `check`.
pub fn check_upsert(
    catalog: &Catalog,
    principal: &Principal,
    rows: &UpsertRows,
    times: &WritableTimes,
) -> Result<()> {
    let mut wrong = Vec::new();
    for row in 0..rows.len() {
        let UpsertKey { id, ts, .. } = rows.key(row);
        let (oldest, newest) = match rows.table() {
            Table::Messages => (times.kept.messages_from.start_of(id), times.newest),
            Table::Readings | Table::Statistics | Table::HourlyStatistics => {
                (times.kept.statistics_from.start_of(id), Micros(i64::MAX))
            }
        };
        let problem = match rows.table() {
            Table::Messages => message_problem(catalog, principal, rows, row),
            Table::Readings | Table::Statistics | Table::HourlyStatistics => {
                let is_unknown = visible_stream(catalog, principal, StreamId(id)).is_none();
                is_unknown.then(|| no_stream(id))
            }
        };
        let time = || match Micros(ts).is_storable() {
            true if ts < oldest => Some(expired(Micros(ts), Micros(oldest))),
            true => (Micros(ts) > newest).then(|| too_new(Micros(ts), newest)),
            false => Some(RowProblem::new("ts", format!("`{ts}` is outside the years 1970 to 2261"))),
        };
        if let Some(problem) = problem.or_else(time) {
            wrong.push(problem.into_error(row));
            if wrong.len() == MAX_LISTED_ROWS {
                break;
            }
        }
    }
    Error::check(wrong)
}

/// A message holds data of all streams of its device, so a principal that sees only some of them may not write one.
fn message_problem(
    catalog: &Catalog,
    principal: &Principal,
    rows: &UpsertRows,
    row: usize,
) -> Option<RowProblem> {
    let id = DeviceId(rows.key(row).id);
    let device = catalog.devices.device(principal, id).ok();
    if device.is_none_or(|device| !principal.owns_device(device.org, id)) {
        return Some(RowProblem::new("device_id", format!("there is no device `{id}`")));
    }
    let text =
        |column: &str| rows.batch().column_by_name(column).map(|texts| texts.as_string::<i32>().value(row));
    let size_problem = |(column, most): (&'static str, usize)| {
        let length = text(column)?.len();
        (length > most).then(|| too_long(column, length, most))
    };
    [("payload", MAX_TEXT_BYTES), ("status", MAX_STATUS_BYTES)].into_iter().find_map(size_problem)
}

/// Returns what is known of a stream, or `None` when the principal does not see it.
fn visible_stream(catalog: &Catalog, principal: &Principal, stream: StreamId) -> Option<StreamWriteInfo> {
    let entry = catalog.streams.stream_write_info(stream)?;
    principal.sees_stream(entry.org, entry.device, stream).then_some(entry)
}

fn no_stream(id: i32) -> RowProblem {
    RowProblem::new("stream_id", format!("there is no stream `{id}`"))
}

fn too_long(column: &'static str, bytes: usize, most: usize) -> RowProblem {
    RowProblem::new(column, format!("has {bytes} bytes; at most {most} are stored"))
}

fn time_problem(rows: &Readings, i: usize, allowed: &RangeInclusive<Micros>) -> Option<RowProblem> {
    let ts = Micros(rows.ts[i]);
    if !ts.is_storable() {
        let message = format!("`{}` microseconds since 1970 is outside the years 1970 to 2261", ts.0);
        return Some(RowProblem::new("ts", message));
    }
    if ts < *allowed.start() {
        return Some(expired(ts, *allowed.start()));
    }
    let newest = *allowed.end();
    (ts > newest).then(|| too_new(ts, newest))
}

fn too_new(ts: Micros, newest: Micros) -> RowProblem {
    RowProblem::new("ts", format!("`{ts}` lies too far in the future (the latest accepted is {newest})"))
}

fn expired(ts: Micros, oldest: Micros) -> RowProblem {
    RowProblem::new("ts", format!("`{ts}` lies before {oldest}: nothing older is kept"))
}

/// A reading of bad quality has neither value nor text, so that no average counts it. A numeric reading has a value; any other
/// has a text. A numeric reading may have a text as well only as the exact decimal of a 64-bit integer that an f64 cannot
/// hold.
fn value_problem(kind: StreamKind, rows: &Readings, i: usize) -> Option<RowProblem> {
    let value = rows.value[i];
    let text = rows.text.get(i).and_then(Option::as_deref);
    if rows.quality[i] == Quality::Bad as u8 {
        let is_empty = value.is_nan() && text.is_none();
        return (!is_empty).then(|| RowProblem::new("value", "must be null where quality is bad"));
    }
    if let Some(text) = text.filter(|text| text.len() > MAX_TEXT_BYTES) {
        return Some(too_long("text", text.len(), MAX_TEXT_BYTES));
    }
    if value.is_infinite() {
        return Some(RowProblem::new("value", "must be finite"));
    }
    let is_missing = || format!("is missing; the stream is {kind}");
    match (kind.is_numeric(), text) {
        (true, _) if value.is_nan() => Some(RowProblem::new("value", is_missing())),
        (true, Some(text)) if !(kind.is_wide_integer() && is_decimal_of(text, value)) => {
            Some(RowProblem::new("text", format!("must be null; the stream is {kind}")))
        }
        (false, None) => Some(RowProblem::new("text", is_missing())),
        _ => None,
    }
}

fn is_decimal_of(text: &str, value: f64) -> bool {
    let number = text.parse::<i64>().map(|n| n as f64).or_else(|_| text.parse::<u64>().map(|n| n as f64));
    number == Ok(value)
}

#[cfg(test)]
#[path = "write_validation_tests.rs"]
mod tests;
