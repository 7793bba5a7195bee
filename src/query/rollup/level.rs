//! Levels of computed statistics that partials are read from.

use super::range_split::RangeSplit;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};
use crate::query::functions::buckets::Buckets;
use crate::store::statistics::time_ranges::TimeRanges;
use crate::store::table::Table;

/// A level of computed statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatisticsLevel {
    /// The windows of each stream.
    Windows,
    /// Hours that consist of whole windows.
    Hours,
}

impl StatisticsLevel {
    /// Every level, the coarsest first.
    pub const ALL: [StatisticsLevel; 2] = [StatisticsLevel::Hours, StatisticsLevel::Windows];

    /// Returns the table of its rows.
    pub fn table(self) -> Table {
        match self {
            StatisticsLevel::Windows => Table::Statistics,
            StatisticsLevel::Hours => Table::HourlyStatistics,
        }
    }

    /// Returns the times of a split that are read from it.
    pub fn ranges(self, split: &RangeSplit) -> &TimeRanges {
        match self {
            StatisticsLevel::Windows => &split.computed,
            StatisticsLevel::Hours => &split.hours,
        }
    }

    /// Approximate rows of a stream per day, as for nearly every stream.
    pub fn typical_rows_per_day(self) -> i64 {
        match self {
            StatisticsLevel::Windows => 1440,
            StatisticsLevel::Hours => 24,
        }
    }

    /// Approximate rows that a split reads of it, when the stream has readings at all times.
    pub fn typical_rows(self, split: &RangeSplit) -> u64 {
        let length = MICROS_PER_DAY / self.typical_rows_per_day();
        let rows = |(from, to): (i64, i64)| (to.saturating_sub(from) / length).max(1).unsigned_abs();
        self.ranges(split).iter().map(rows).sum()
    }
}

/// Whether a bucket can consist of whole hours. It depends on the query alone.
pub fn can_use_hours(buckets: Option<&Buckets>) -> bool {
    buckets.and_then(Buckets::fixed_width).is_none_or(|width| width % MICROS_PER_HOUR == 0)
}
