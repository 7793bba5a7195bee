//! The plant that is loaded, and `bench.json`, which records it in the data directory.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bulk::{self, Workload};
use super::generator::{SECOND_MICROS, SignalGenerator};
use super::server::BenchServer;
use crate::domain::{Error, Micros, Result, StreamId};

/// Seconds of a day, and therefore rows of a stream at 1 Hz in a day.
pub const DAY_SECONDS: usize = 86_400;
/// Seconds of 365 days: the length of the stream with a year, in rows too.
pub const YEAR_SECONDS: usize = 365 * DAY_SECONDS;
/// Number of the stream with a year: far from the others, with the shape of a sine with noise.
const YEAR_STREAM_NUMBER: u64 = 600_001;
const NAME: &str = "bench.json";

/// Describes the data to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSpec {
    pub seed: u64,
    pub streams: usize,
    /// Devices between which the streams are divided evenly, in the order of the streams.
    #[serde(default = "one")]
    pub devices: usize,
    /// Start of the plant, in microseconds.
    pub start: i64,
    /// Seconds per stream, one row per second.
    pub seconds: usize,
    /// Whether one more stream has a year that ends with the others.
    pub has_year: bool,
}

/// Number of devices of a plant that was loaded before plants had several.
fn one() -> usize {
    1
}

/// A plant and the streams that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    pub plant: DatasetSpec,
    pub streams: Vec<StreamId>,
    pub year_stream: Option<StreamId>,
}

/// Start (inclusive) and end (exclusive), in microseconds.
pub type MicrosRange = (i64, i64);

impl DatasetSpec {
    /// Returns the number of rows of all streams, those of the year included.
    pub fn rows(&self) -> usize {
        self.streams * self.seconds + if self.has_year { YEAR_SECONDS } else { 0 }
    }

    /// Returns the end of all streams in microseconds, one second after the time of the last row.
    pub fn end(&self) -> i64 {
        self.start + self.seconds as i64 * SECOND_MICROS
    }

    /// Checks that the plant ends before now.
    pub fn check(&self, now: Micros) -> Result<()> {
        if self.end() <= now.0 {
            return Ok(());
        }
        let days = (now.0 - self.start) / (DAY_SECONDS as i64 * SECOND_MICROS);
        let start = Micros(self.start);
        Err(Error::invalid(format!(
            "the plant begins at {start}: until now there are only {} days",
            days.max(0)
        )))
    }
}

impl Dataset {
    /// Creates the streams and writes all rows, the year first, as history is imported.
    pub async fn load(server: &BenchServer, plant: DatasetSpec) -> Result<Dataset> {
        let streams = server.create_devices(plant.devices, plant.streams / plant.devices).await?;
        let mut year_stream = None;
        if plant.has_year {
            let ids = server.create_streams(1).await?;
            let start = plant.end() - YEAR_SECONDS as i64 * SECOND_MICROS;
            let signals = SignalGenerator {
                start,
                first_number: YEAR_STREAM_NUMBER,
                ..SignalGenerator::with_seed(plant.seed)
            };
            year_stream = ids.first().copied();
            bulk::write(server, &Workload { signals, streams: ids.into(), ticks: YEAR_SECONDS }).await?;
        }
        let signals = SignalGenerator { start: plant.start, ..SignalGenerator::with_seed(plant.seed) };
        bulk::write(server, &Workload { signals, streams: streams.clone().into(), ticks: plant.seconds })
            .await?;
        Ok(Dataset { plant, streams, year_stream })
    }

    /// Records in the directory what was loaded: only a complete plant can be queried.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(NAME);
        let text =
            serde_json::to_vec(self).map_err(|e| Error::internal("no JSON of a plant").with_source(e))?;
        fs::write(&path, text)
            .map_err(|e| Error::unavailable(format!("{} cannot be written", path.display())).with_source(e))
    }

    /// Whether a plant was loaded into the directory.
    pub fn is_loaded(dir: &Path) -> bool {
        dir.join(NAME).exists()
    }

    /// Reads the record of the plant that was loaded into the directory.
    ///
    /// # Errors
    /// `Invalid` when the directory has none, or one that was not written completely.
    pub fn read(dir: &Path) -> Result<Dataset> {
        let path = dir.join(NAME);
        let not_loaded = || {
            let dir = dir.display();
            Error::invalid(format!(
                "{dir} was not loaded by `basalt bench --data-dir`: there is no whole {NAME}"
            ))
        };
        let text = fs::read(path).map_err(|e| not_loaded().with_source(e))?;
        serde_json::from_slice(&text).map_err(|e| not_loaded().with_source(e))
    }

    /// Returns another stream each round.
    pub fn stream(&self, round: usize) -> StreamId {
        self.streams[round * 37 % self.streams.len()]
    }

    /// Returns a range of this many seconds near the end of the plant, another each round; less in a shorter plant.
    pub fn window(&self, seconds: usize, round: usize) -> MicrosRange {
        window_within((self.plant.start, self.plant.end()), seconds, round)
    }

    /// Returns the longest stream and a range within it, another one each round.
    pub fn longest(&self, seconds: usize, round: usize) -> (StreamId, MicrosRange) {
        match self.year_stream {
            Some(year) => {
                let all = (self.plant.end() - YEAR_SECONDS as i64 * SECOND_MICROS, self.plant.end());
                (year, window_within(all, seconds, round))
            }
            None => (self.stream(round), self.window(seconds, round)),
        }
    }
}

/// Shifts back by a minute and a half per round where there is room, and otherwise cuts a second from the start.
fn window_within((start, end): MicrosRange, seconds: usize, round: usize) -> MicrosRange {
    let length = seconds as i64 * SECOND_MICROS;
    let room = end - start - length;
    if room <= 0 {
        return (start + (round as i64 * SECOND_MICROS).min(end - start - SECOND_MICROS), end);
    }
    let back = (round as i64 * 97 * SECOND_MICROS) % (room + SECOND_MICROS);
    (end - back - length, end - back)
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
