//! Decades, centuries and millennia, which DataFusion's `date_part` and `date_trunc` do not know.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use datafusion::error::Result;

use crate::query::functions::zone::Zone;

/// A unit of several years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongUnit {
    Decade,
    Century,
    Millennium,
}

impl LongUnit {
    /// Reads a name, in small letters, as PostgreSQL spells it.
    pub fn parse(name: &str) -> Option<LongUnit> {
        Some(match name {
            "decade" | "decades" | "dec" | "decs" => LongUnit::Decade,
            "century" | "centuries" | "cent" | "c" => LongUnit::Century,
            "millennium" | "millennia" | "mil" | "mils" => LongUnit::Millennium,
            _ => return None,
        })
    }

    /// Length of the unit, years.
    pub fn years(self) -> i32 {
        match self {
            LongUnit::Decade => 10,
            LongUnit::Century => 100,
            LongUnit::Millennium => 1_000,
        }
    }

    /// The number of the unit that has a year; the year before the year 1 is 0. There is no century and no millennium of the
    /// number 0.
    pub fn number(self, year: i32) -> i32 {
        match self {
            LongUnit::Decade => year.div_euclid(10),
            _ => (year - 1).div_euclid(self.years()) + i32::from(year > 0),
        }
    }

    /// The first year of the unit that has a year. A century begins with the year 1, a decade with the year 0.
    pub fn first_year(self, year: i32) -> i32 {
        match self {
            LongUnit::Decade => year.div_euclid(10) * 10,
            _ => (year - 1).div_euclid(self.years()) * self.years() + 1,
        }
    }

    /// The time at which the unit began that has a time, both as a clock shows them; `None` where no calendar has it.
    pub fn start(self, local: i64) -> Option<i64> {
        let first = NaiveDate::from_ymd_opt(self.first_year(year_of(local)?), 1, 1)?;
        Some(first.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
    }
}

/// The year of a time that a clock shows; `None` where no calendar has it.
pub fn year_of(local: i64) -> Option<i32> {
    DateTime::from_timestamp_micros(local).map(|time| time.year())
}

/// Returns times as the clock of their zone shows them, and the zone.
///
/// # Errors
/// A time that does not fit in microseconds, or a zone that does not exist.
pub fn local_times(
    function: &str,
    times: &ArrayRef,
) -> Result<(PrimitiveArray<TimestampMicrosecondType>, Option<Zone>)> {
    let (label, zone) = match times.data_type() {
        DataType::Timestamp(_, Some(zone)) => (Some("UTC".into()), Some(Zone::parse(function, zone)?)),
        _ => (None, None),
    };
    // A cast between zones keeps the instant.
    let times = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, label))?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let local = times.unary(|instant| zone.map_or(instant, |zone| zone.local(instant)));
    Ok((local, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side is what PostgreSQL 15 answers. The year 0 is 1 BC.
    #[test]
    fn units_have_the_numbers_and_first_years_of_postgresql() {
        use LongUnit::{Century, Decade, Millennium};
        for (year, numbers, first_years) in [
            (2000, [200, 20, 2], [2000, 1901, 1001]),
            (2001, [200, 21, 3], [2000, 2001, 2001]),
            (1969, [196, 20, 2], [1960, 1901, 1001]),
            (1, [0, 1, 1], [0, 1, 1]),
            (0, [0, -1, -1], [0, -99, -999]),
            (-99, [-10, -1, -1], [-100, -99, -999]),
            (-100, [-10, -2, -1], [-100, -199, -999]),
        ] {
            assert_eq!([Decade, Century, Millennium].map(|unit| unit.number(year)), numbers, "{year}");
            assert_eq!(
                [Decade, Century, Millennium].map(|unit| unit.first_year(year)),
                first_years,
                "{year}"
            );
        }
    }
}
