//! The third section of a line: the time, as an integer since 1970 in the precision of the request.

use super::{LineError, utf8};
use crate::domain::{Error, Micros, Result};

/// Unit of the timestamps of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// The unit of requests that name none. Readings have microseconds: two points within one are one reading.
    #[default]
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
}

impl Precision {
    /// Reads the parameter `precision`. `ns`, `us`, `ms` and `s` are the names of InfluxDB 2.x; `n`, `u`, `m` and `h` are
    /// those that 1.x has besides.
    ///
    /// # Errors
    /// `Invalid` for every other name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "" | "n" | "ns" => Ok(Precision::Nanoseconds),
            "u" | "us" | "µ" => Ok(Precision::Microseconds),
            "ms" => Ok(Precision::Milliseconds),
            "s" => Ok(Precision::Seconds),
            "m" => Ok(Precision::Minutes),
            "h" => Ok(Precision::Hours),
            other => {
                let message = format!("`{other}` is not one of ns, us, ms, s, m and h");
                Err(Error::field("precision", message))
            }
        }
    }

    /// Converts a time in this unit; `None` when microseconds cannot express it.
    fn to_micros(self, time: i64) -> Option<i64> {
        match self {
            Precision::Nanoseconds => Some(time.div_euclid(1000)),
            Precision::Microseconds => Some(time),
            Precision::Milliseconds => time.checked_mul(1_000),
            Precision::Seconds => time.checked_mul(1_000_000),
            Precision::Minutes => time.checked_mul(60_000_000),
            Precision::Hours => time.checked_mul(3_600_000_000),
        }
    }
}

/// Reads the last section of a line; `None` when it is empty.
///
/// # Errors
/// Anything but an integer that fits.
pub fn parse(section: &[u8], precision: Precision) -> Result<Option<Micros>, LineError> {
    if section.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        let shown: String = String::from_utf8_lossy(section).chars().take(40).collect();
        LineError::from(format!("`{shown}` is no timestamp: an integer since 1970 is expected"))
    };
    let time: i64 = utf8(section)?.parse().map_err(|_| wrong())?;
    precision.to_micros(time).map(Micros).map(Some).ok_or_else(wrong)
}
