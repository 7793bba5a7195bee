//! Time step of a query: an ISO-8601 duration in the form that DataStone accepts.

use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::domain::{Error, Micros, Result};
use crate::query::functions::bucket_width::{self, BucketWidth};

const SHORTEST_MONTH_DAYS: i64 = 28;

/// The bucket width of a step query: whole seconds, or whole calendar months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step(pub(super) BucketWidth);

impl Step {
    /// Parses a duration such as `PT1H`, `P1D` or `P1M`.
    ///
    /// # Errors
    /// `Invalid` for the field `step`: not a duration, zero, finer than a second, or months mixed with days or times.
    pub fn parse(text: &str) -> Result<Step> {
        let invalid = || Error::field("step", "Invalid ISO-8601 duration.");
        let has_fraction_of_second = text.ends_with(['S', 's']) && text.contains(['.', ',']);
        if !text.starts_with('P') || has_fraction_of_second {
            return Err(invalid());
        }
        let parts = bucket_width::parse_iso(text).ok_or_else(invalid)?;
        let width = BucketWidth::new(parts).map_err(|_| invalid())?;
        match width {
            BucketWidth::Micros(micros) if micros % MICROS_PER_SECOND != 0 => Err(invalid()),
            BucketWidth::Micros(_) | BucketWidth::Months(_) => Ok(Step(width)),
        }
    }

    /// Returns an upper bound for the number of steps in a range, by a cheap estimate.
    pub fn count_within(self, from: Micros, to: Micros) -> usize {
        let shortest = match self.0 {
            BucketWidth::Micros(width) => width,
            BucketWidth::Months(months) => {
                i64::from(months).saturating_mul(SHORTEST_MONTH_DAYS * MICROS_PER_DAY)
            }
        };
        let steps = to.0.saturating_sub(from.0).max(0) / shortest.max(1) + 2;
        usize::try_from(steps).unwrap_or(usize::MAX)
    }
}

/// Returns the length of an ISO-8601 duration in microseconds; `None` for anything else, for nothing or less, and for
/// years and months, whose length depends on where they begin.
pub fn duration_us(text: &str) -> Option<i64> {
    let parts = bucket_width::parse_iso(text.strip_prefix('P').map(|_| text)?)?;
    match BucketWidth::new(parts).ok()? {
        BucketWidth::Micros(length) => Some(length),
        BucketWidth::Months(_) => None,
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
