//! A step in time: an ISO-8601 duration as DataStone takes it.

use crate::domain::{Error, Result};
use crate::query::functions::width::{self, Width};

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
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
