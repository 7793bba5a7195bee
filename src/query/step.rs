//! A step in time: an ISO-8601 duration as DataStone takes it.

use crate::domain::time::MICROS_PER_DAY;
use crate::domain::{Error, Micros, Result};
use crate::query::functions::width::{self, Width};

const SHORTEST_MONTH_DAYS: i64 = 28;

/// How wide the buckets of a step query are: whole seconds, or whole months of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step(pub(super) Width);

impl Step {
    /// `PT1H`, `P1D`, `P1M`.
    ///
    /// # Errors
    /// `Invalid` for the field `step`: not a duration, of zero, finer than a second, or months mixed with days or times.
    pub fn parse(text: &str) -> Result<Step> {
        let invalid = || Error::field("step", "Invalid ISO-8601 duration.");
        if !text.starts_with('P') || text.contains('.') {
            return Err(invalid());
        }
        let (months, days, nanos) = width::parse_iso(text).ok_or_else(invalid)?;
        Width::new(months, days, nanos).map(Step).map_err(|_| invalid())
    }

    /// How many steps a range has at most: an estimate that costs nothing.
    pub fn count_within(self, from: Micros, to: Micros) -> usize {
        let shortest = match self.0 {
            Width::Micros(width) => width,
            Width::Months(months) => i64::from(months).saturating_mul(SHORTEST_MONTH_DAYS * MICROS_PER_DAY),
        };
        let steps = to.0.saturating_sub(from.0).max(0) / shortest.max(1) + 2;
        usize::try_from(steps).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
