//! Answer timeout of commands that talk to devices.

use std::time::Duration;

use crate::domain::{Error, Result};

/// Parses a timeout in seconds: above 0, at most 60.
pub fn parse_timeout(seconds: f64) -> Result<Duration> {
    let timeout = Duration::try_from_secs_f64(seconds).ok().filter(|t| !t.is_zero() && t.as_secs() <= 60);
    timeout.ok_or_else(|| Error::field("timeout", format!("`{seconds}` is not a number of seconds up to 60")))
}
