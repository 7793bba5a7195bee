//! The plant that is loaded, and `bench.json`, which says in its directory what was.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bulk::{self, Stretch};
use super::server::Server;
use super::signals::{SECOND, Signals};
use crate::domain::{Error, Micros, Result, StreamId};

pub const DAY: usize = 86_400;
pub const YEAR: usize = 365 * DAY;
/// The number of the stream with a year: far from the others, and a sine with noise.
const YEAR_NUMBER: u64 = 600_001;
const NAME: &str = "bench.json";

/// What to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plant {
    pub seed: u64,
    pub streams: usize,
    /// Its first second, in microseconds.
    pub start: i64,
    /// Seconds of each stream, a row a second.
    pub seconds: usize,
    /// One more stream with a year that ends with the others.
    pub has_year: bool,
}

/// A plant and the streams it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    pub plant: Plant,
    pub streams: Vec<StreamId>,
    pub year_stream: Option<StreamId>,
}

/// From, to (without it), in microseconds.
pub type Range = (i64, i64);

impl Plant {
    pub fn rows(&self) -> usize {
        self.streams * self.seconds + if self.has_year { YEAR } else { 0 }
    }

    pub fn end(&self) -> i64 {
        self.start + self.seconds as i64 * SECOND
    }

    /// A plant has to be over before it is written.
    pub fn check(&self, now: Micros) -> Result<()> {
        if self.end() <= now.0 {
            return Ok(());
        }
        let days = (now.0 - self.start) / (DAY as i64 * SECOND);
        let start = Micros(self.start);
        Err(Error::invalid(format!(
            "the plant begins at {start}: until now there are only {} days",
            days.max(0)
        )))
    }
}

impl Loaded {
    /// Makes the streams and writes all rows, the year first, as history is imported.
    pub async fn load(server: &Server, plant: Plant) -> Result<Loaded> {
        let streams = server.create_streams(plant.streams).await?;
        let mut year_stream = None;
        if plant.has_year {
            let ids = server.create_streams(1).await?;
            let start = plant.end() - YEAR as i64 * SECOND;
            let signals = Signals { start, first: YEAR_NUMBER, ..Signals::of(plant.seed) };
            year_stream = ids.first().copied();
            bulk::write(server, &Stretch { signals, streams: ids.into(), ticks: YEAR }).await?;
        }
        let signals = Signals { start: plant.start, ..Signals::of(plant.seed) };
        bulk::write(server, &Stretch { signals, streams: streams.clone().into(), ticks: plant.seconds })
            .await?;
        Ok(Loaded { plant, streams, year_stream })
    }

    /// Says in the directory what was loaded: only a whole plant can be asked.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(NAME);
        let text = serde_json::to_vec(self).map_err(|e| Error::internal("no JSON of a plant").because(e))?;
        fs::write(&path, text)
            .map_err(|e| Error::unavailable(format!("{} cannot be written", path.display())).because(e))
    }

    pub fn read(dir: &Path) -> Result<Loaded> {
        let path = dir.join(NAME);
        let not_loaded = || {
            let dir = dir.display();
            Error::invalid(format!(
                "{dir} was not loaded by `basalt bench --data-dir`: there is no whole {NAME}"
            ))
        };
        let text = fs::read(path).map_err(|e| not_loaded().because(e))?;
        serde_json::from_slice(&text).map_err(|e| not_loaded().because(e))
    }

    /// Another stream each round.
    pub fn stream(&self, round: usize) -> StreamId {
        self.streams[round * 37 % self.streams.len()]
    }

    /// The last so many seconds of the plant, another stretch of them each round; less when there is not so much.
    pub fn window(&self, seconds: usize, round: usize) -> Range {
        within((self.plant.start, self.plant.end()), seconds, round)
    }

    /// The stream with the most, and all it has, another stretch of it each round.
    pub fn longest(&self, seconds: usize, round: usize) -> (StreamId, Range) {
        match self.year_stream {
            Some(year) => {
                let all = (self.plant.end() - YEAR as i64 * SECOND, self.plant.end());
                (year, within(all, seconds, round))
            }
            None => (self.stream(round), self.window(seconds, round)),
        }
    }
}

/// Rounds go back by a minute and a half where there is room for it, and else cut a second from the start.
fn within((start, end): Range, seconds: usize, round: usize) -> Range {
    let length = seconds as i64 * SECOND;
    let room = end - start - length;
    if room <= 0 {
        return (start + (round as i64 * SECOND).min(end - start - SECOND), end);
    }
    let back = (round as i64 * 97 * SECOND) % (room + SECOND);
    (end - back - length, end - back)
}

#[cfg(test)]
#[path = "plant_tests.rs"]
mod tests;
