//! Bucket edges: buckets of fixed width count from Monday 2000-01-03, buckets of months from 2000-01-01; in UTC, or by
//! the clock of a timezone.
//!
//! In a zone, buckets of a day or more are days of the local calendar, of whatever length. Shorter ones begin whenever
//! the local clock shows an edge: an hour shown twice in autumn, as daylight saving (DST) ends, is two buckets, and
//! an edge skipped in spring lies at the skip. So buckets never overlap, leave no gap, and contain their own start.

use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use super::bucket_width::BucketWidth;
use super::calendar;
use super::zone::{self, MAX_OFFSET, Zone};
use crate::domain::time::{MICROS_PER_DAY, Micros};

/// Monday 2000-01-03, TimescaleDB's origin, so that weeks begin on Mondays.
const ORIGIN: i64 = 10_959 * MICROS_PER_DAY;
/// January 2000, counted as `calendar::month_of` does.
const ORIGIN_MONTH: i64 = 2000 * 12;
/// Times beyond about year ±200,000 are refused, so that nothing else overflows.
pub const MAX_TIME: i64 = 6_300_000_000_000_000_000;

/// Adjacent buckets over all time.
#[derive(Debug, Clone)]
pub struct Buckets {
    width: BucketWidth,
    zone: Option<Zone>,
}

impl Buckets {
    /// Creates buckets of the given width, by the clock of `zone` or in UTC.
    pub fn new(width: BucketWidth, zone: Option<Zone>) -> Self {
        Self { width, zone }
    }

    /// Returns the width of each bucket, by the clock of the zone.
    pub fn width(&self) -> BucketWidth {
        self.width
    }

    /// Returns the zone; `None` for UTC.
    pub fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// Returns the width in microseconds if all buckets have the same and one begins at a midnight of UTC.
    pub fn fixed_width(&self) -> Option<i64> {
        match (&self.zone, self.width) {
            (None, BucketWidth::Micros(width)) => Some(width),
            _ => None,
        }
    }

    /// Returns the start of the bucket that contains a time, and the start of the next.
    ///
    /// # Errors
    /// Fails if the time is beyond `MAX_TIME`.
    pub fn around(&self, time: i64) -> Result<(i64, i64)> {
        if !(-MAX_TIME..=MAX_TIME).contains(&time) {
            return Err(exec_datafusion_err!("the time {} is out of range for buckets", Micros(time)));
        }
        Ok(match &self.zone {
            None => {
                let start = self.floor(time);
                (start, self.after(start))
            }
            Some(zone) if self.width.is_calendar() => self.by_calendar(zone, time),
            Some(zone) => self.by_clock(zone, time),
        })
    }

    /// Returns the number of buckets with times in a half-open range, counted up to `limit + 1`.
    pub fn count(&self, from: i64, to: i64, limit: usize) -> Result<usize> {
        if from >= to {
            return Ok(0);
        }
        if let Some(width) = self.fixed_width() {
            let buckets = (self.floor(to - 1) - self.floor(from)) / width + 1;
            return Ok(usize::try_from(buckets).unwrap_or(usize::MAX).min(limit.saturating_add(1)));
        }
        let (mut count, mut edge) = (1, self.around(from)?.1);
        while edge < to && count <= limit {
            count += 1;
            edge = self.around(edge)?.1;
        }
        Ok(count)
    }

    /// Returns the edge at or before a local time.
    fn floor(&self, local: i64) -> i64 {
        match self.width {
            BucketWidth::Micros(width) => ORIGIN + (local - ORIGIN).div_euclid(width) * width,
            BucketWidth::Months(months) => {
                let months = i64::from(months);
                let since = (calendar::month_of(local) - ORIGIN_MONTH).div_euclid(months) * months;
                calendar::month_start(ORIGIN_MONTH + since)
            }
        }
    }

    /// Returns the next edge.
    fn after(&self, edge: i64) -> i64 {
        match self.width {
            BucketWidth::Micros(width) => edge + width,
            BucketWidth::Months(months) => {
                calendar::month_start(calendar::month_of(edge) + i64::from(months))
            }
        }
    }

    /// Returns the calendar bucket around a time. An edge counts when the clock first shows it, so a midnight shown
    /// twice begins one day.
    fn by_calendar(&self, zone: &Zone, time: i64) -> (i64, i64) {
        let edge = self.floor(zone.local(time));
        let mut start = zone.first_showing(edge);
        let mut next_edge = self.after(edge);
        let mut end = zone.first_showing(next_edge);
        // A clock set back over midnight shows the old day again, but the new one has already begun.
        while end <= time {
            start = end;
            next_edge = self.after(next_edge);
            end = zone.first_showing(next_edge);
        }
        (start, end)
    }

    /// Returns the clock bucket around a time. An edge counts every time the clock shows it.
    fn by_clock(&self, zone: &Zone, time: i64) -> (i64, i64) {
        let offset = zone.offset(time);
        let start = self.floor(time + offset) - offset;
        let end = self.after(start);
        if zone.offset(start) == offset && zone.offset(end) == offset {
            return (start, end);
        }
        // The clock changes nearby: the bucket ends where the preceding edge changes.
        let start = self.edge_before(zone, time);
        let high = end + MAX_OFFSET;
        (start, zone::first_instant(time, high, |later| self.edge_before(zone, later) > start))
    }

    /// Returns the latest instant, at or before `time`, at which the clock shows an edge or skips one.
    fn edge_before(&self, zone: &Zone, time: i64) -> i64 {
        let offset = zone.offset(time);
        let start = self.floor(time + offset) - offset;
        if zone.offset(start) == offset {
            return start;
        }
        let change = zone::first_instant(start, time, |instant| zone.offset(instant) == offset);
        let before = zone.offset(change - 1);
        let shown = self.floor(change - 1 + before);
        if self.floor(change + offset) > shown { change } else { shown - before }
    }
}

#[cfg(test)]
#[path = "buckets_tests.rs"]
mod tests;
