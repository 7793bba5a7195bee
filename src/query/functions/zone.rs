//! Clock of a timezone: conversion between instants and local times. Times are in microseconds; a local time is
//! represented as if it were UTC. Daylight saving time (DST) is a change of the offset: a local time may come twice, or not at all.

use std::fmt;

use arrow::array::timezone::Tz;
use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use crate::domain::time::MICROS_PER_SECOND;

/// An upper bound of any zone's offset from UTC.
pub const MAX_OFFSET: i64 = 26 * 3600 * MICROS_PER_SECOND;

/// A zone of the IANA database, which is compiled in, or a fixed offset.
#[derive(Debug, Clone, Copy)]
pub struct Zone(Tz);

/// Writes the name that `Zone::parse` reads.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Zone {
    /// Parses `Europe/Berlin`, `UTC` or `+02:00`. Errors name `function`.
    pub fn parse(function: &str, name: &str) -> Result<Zone> {
        name.parse().map(Zone).map_err(|_| {
            exec_datafusion_err!("{function}: there is no timezone `{name}`; names are as in `Europe/Berlin`")
        })
    }

    /// Returns the offset from UTC at an instant, positive to the east.
    pub fn offset(&self, instant: i64) -> i64 {
        let offset = self.0.offset_from_utc_datetime(&naive(instant)).fix();
        i64::from(offset.local_minus_utc()) * MICROS_PER_SECOND
    }

    /// Returns the local time at an instant.
    pub fn local(&self, instant: i64) -> i64 {
        instant + self.offset(instant)
    }

    /// Returns the first instant at which the clock shows `local` or, if it skips `local`, a later time.
    pub fn first_showing(&self, local: i64) -> i64 {
        let micros =
            |offset: <Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc()) * MICROS_PER_SECOND;
        match self.0.offset_from_local_datetime(&naive(local)) {
            LocalResult::Single(offset) => local - micros(offset),
            LocalResult::Ambiguous(one, other) => local - micros(one).max(micros(other)),
            LocalResult::None => {
                first_instant(local - MAX_OFFSET, local + MAX_OFFSET, |instant| self.local(instant) >= local)
            }
        }
    }

    /// Returns the instant at which the clock shows `local`, as PostgreSQL takes it (`DetermineTimeZoneOffset`): of two the
    /// later one, and of a time that the clock skips the one by the offset before.
    pub fn instant(&self, local: i64) -> i64 {
        let micros =
            |offset: <Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc()) * MICROS_PER_SECOND;
        match self.0.offset_from_local_datetime(&naive(local)) {
            LocalResult::Single(offset) => local - micros(offset),
            LocalResult::Ambiguous(one, other) => local - micros(one).min(micros(other)),
            LocalResult::None => local - self.offset(self.first_showing(local) - 1),
        }
    }
}

/// Returns the first of `low + 1..=high` for which `holds`, which must be monotonic and true of `high`.
pub fn first_instant(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

/// Callers stay within `buckets::MAX_TIME`, far inside chrono's range.
fn naive(micros: i64) -> NaiveDateTime {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH).naive_utc()
}
