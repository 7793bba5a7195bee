//! Common parts of all requests that name series: their limits, and the write of what of them is good.

use super::series_rows::{RefusedLines, SeriesReadings, SeriesRows};
use super::size;
use crate::app::ingest::Ingest;
use crate::domain::{Error, Micros, Principal, Result};

/// Maximum body of samples or metrics as sent, bytes.
pub const SERIES_WIRE_BYTES: usize = 32 << 20;
/// Maximum body of samples or metrics once decompressed, bytes.
pub const SERIES_DECODED_BYTES: usize = 64 << 20;
/// Maximum readings of a request of samples or metrics. A sample may take two bytes of a body and far more memory.
const MAX_READINGS: usize = 1_000_000;

/// Settings of senders whose devices and streams are created by their first reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesSettings {
    /// Tags that name the device of a line, the most important first.
    pub device_tags: Vec<String>,
    /// Attributes of a resource of OpenTelemetry that name the device of its metrics, the most important first.
    pub device_attributes: Vec<String>,
    /// Maximum streams that one request creates.
    pub max_new_streams: usize,
}

impl Default for SeriesSettings {
    fn default() -> Self {
        let names = |names: [&str; 2]| names.map(str::to_owned).into();
        Self {
            device_tags: names(["device", "host"]),
            device_attributes: names(["service.instance.id", "host.name"]),
            max_new_streams: 1000,
        }
    }
}

/// Outcome of the lines of a request; a line is what is refused as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesOutcome {
    /// Line of each reading that is durable now.
    pub lines: Vec<u32>,
    pub refused: RefusedLines,
}

impl Ingest {
    /// Creates the streams that are missing and writes the readings of the lines that are not refused. With `is_atomic`
    /// nothing is written when there are any.
    ///
    /// # Errors
    /// `Busy` and `Unavailable`, when nothing is written and the same request may succeed later.
    pub(super) async fn write_series(
        &self,
        principal: &Principal,
        rows: SeriesRows,
        arrived: Micros,
        is_atomic: bool,
    ) -> Result<SeriesOutcome> {
        let SeriesReadings { readings, lines, refused, changed_devices } = rows.finish(arrived).await?;
        changed_devices.into_iter().for_each(|device| self.states.tell_collectors(device));
        if readings.is_empty() || (is_atomic && refused.count > 0) {
            return Ok(SeriesOutcome { lines: Vec::new(), refused });
        }
        self.store.write(principal, readings).await?;
        Ok(SeriesOutcome { lines, refused })
    }
}

/// Estimates the memory of so many readings with their lines, bytes.
///
/// # Errors
/// `TooLarge` for more than one request may have.
pub fn reading_bytes(readings: usize) -> Result<usize> {
    if readings > MAX_READINGS {
        let message = format!(
            "the request has {readings} readings, and at most {MAX_READINGS} are taken; send it in parts"
        );
        return Err(Error::too_large(message));
    }
    Ok(readings * (size::ROW_BYTES + size_of::<u32>()))
}
