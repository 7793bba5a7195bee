//! A timezone's clock: what it shows at an instant, and when it shows a local time. Times are microseconds; a local
//! time counts as if it were UTC.

use arrow::array::timezone::Tz;
use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use crate::domain::time::MICROS_PER_SECOND;

/// More than any zone is off UTC.
pub const MAX_OFFSET: i64 = 26 * 3600 * MICROS_PER_SECOND;

/// A zone of the IANA database, which is compiled in, or a fixed offset.
#[derive(Debug, Clone, Copy)]
pub struct Zone(Tz);

impl Zone {
    /// `Europe/Berlin`, `UTC`, `+02:00`. `function` is named in refusals.
    pub fn parse(function: &str, name: &str) -> Result<Zone> {
        name.parse().map(Zone).map_err(|_| {
            exec_datafusion_err!("{function}: there is no timezone `{name}`; names are as in `Europe/Berlin`")
        })
    }

    /// What the clock is ahead of UTC at an instant.
    pub fn offset(&self, instant: i64) -> i64 {
        let offset = self.0.offset_from_utc_datetime(&naive(instant)).fix();
        i64::from(offset.local_minus_utc()) * MICROS_PER_SECOND
    }

    /// What the clock shows at an instant.
    pub fn local(&self, instant: i64) -> i64 {
        instant + self.offset(instant)
    }

    /// The first instant at which the clock shows `local` or, where it jumps over it, more.
    pub fn first_showing(&self, local: i64) -> i64 {
        let micros =
            |offset: <Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc()) * MICROS_PER_SECOND;
        match self.0.offset_from_local_datetime(&naive(local)) {
            LocalResult::Single(offset) => local - micros(offset),
            LocalResult::Ambiguous(one, other) => local - micros(one).max(micros(other)),
            LocalResult::None => {
                first(local - MAX_OFFSET, local + MAX_OFFSET, |instant| self.local(instant) >= local)
            }
        }
    }
}

/// The first of `low + 1..=high` for which `holds`, which once true stays so and is true of `high`.
pub fn first(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

/// Callers keep within `buckets::MAX_TIME`, far inside what chrono can say.
fn naive(micros: i64) -> NaiveDateTime {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH).naive_utc()
}
