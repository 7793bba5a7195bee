//! Collects the readings of the next message: all of them, or only the newest of each stream.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::reading::{Reading, Readings};
use crate::domain::{Error, Result};

/// Maximum readings in one message.
pub const MAX_MESSAGE_READINGS: usize = 1000;
/// Minimum interval between messages without `maxRate`: readings that arrive meanwhile are sent together.
const COALESCE_INTERVAL: Duration = Duration::from_millis(25);
/// Accepted values of `maxRate`, messages per second.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=1000.0;

/// Collects the readings of the next message, and knows when it is due.
pub struct ReadingsCoalescer {
    rows: CoalescedRows,
    interval: Duration,
    due: Instant,
}

enum CoalescedRows {
    All(Readings),
    /// Of each stream what arrived last; of one request the newest, because its rows come by time.
    NewestPerStream(BTreeMap<i32, Reading>),
}

impl ReadingsCoalescer {
    /// Creates a coalescer. With a rate, only the reading of each stream that arrived last is kept per interval.
    ///
    /// # Errors
    /// `Invalid` for a rate that is out of range.
    pub fn new(max_rate: Option<f64>) -> Result<ReadingsCoalescer> {
        let (rows, interval) = match max_rate {
            None => (CoalescedRows::All(Readings::default()), COALESCE_INTERVAL),
            Some(rate) if RATES.contains(&rate) => {
                (CoalescedRows::NewestPerStream(BTreeMap::new()), Duration::from_secs_f64(1.0 / rate))
            }
            Some(rate) => {
                let message = format!("`{rate}` is not a rate: use messages per second, from 0.001 to 1000");
                return Err(Error::field("maxRate", message));
            }
        };
        Ok(ReadingsCoalescer { rows, interval, due: Instant::now() })
    }

    /// Whether the next message has no readings yet.
    pub fn is_empty(&self) -> bool {
        match &self.rows {
            CoalescedRows::All(rows) => rows.is_empty(),
            CoalescedRows::NewestPerStream(newest) => newest.is_empty(),
        }
    }

    /// Returns how many more readings fit before the message must be sent.
    pub fn room(&self) -> usize {
        match &self.rows {
            CoalescedRows::All(rows) => MAX_MESSAGE_READINGS - rows.len().min(MAX_MESSAGE_READINGS),
            CoalescedRows::NewestPerStream(_) => MAX_MESSAGE_READINGS,
        }
    }

    /// Returns when the message may be sent.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Returns when to check again for further readings.
    pub fn next_look(&self) -> Instant {
        self.due.min(Instant::now() + COALESCE_INTERVAL)
    }

    /// Adds readings to the next message; with a rate, each replaces the former reading of its stream.
    pub fn add(&mut self, more: Readings) {
        match &mut self.rows {
            CoalescedRows::All(rows) if rows.is_empty() => *rows = more,
            CoalescedRows::All(rows) => more.iter().for_each(|reading| rows.push(reading)),
            CoalescedRows::NewestPerStream(newest) => {
                newest.extend(more.iter().map(|reading| (reading.stream.0, reading)));
            }
        }
    }

    /// Takes the readings and starts the next message.
    pub fn take(&mut self) -> Readings {
        self.due = Instant::now() + self.interval;
        match &mut self.rows {
            CoalescedRows::All(rows) => std::mem::take(rows),
            CoalescedRows::NewestPerStream(newest) => std::mem::take(newest).into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Micros, StreamId};

    fn rows(rows: &[(i32, i64, f64)]) -> Readings {
        rows.iter().map(|(s, ts, value)| Reading::good(StreamId(*s), Micros(*ts), *value)).collect()
    }

    #[tokio::test]
    async fn of_each_stream_the_newest_or_everything() {
        let written = [(2, 5, 1.0), (1, 7, 2.0), (1, 6, 3.0), (2, 5, 4.0)];
        type Row = (i32, i64, f64);
        let cases: [(&str, Option<f64>, &[Row]); 2] = [
            ("everything_in_order", None, &written),
            ("what_arrived_last", Some(10.0), &[(1, 6, 3.0), (2, 5, 4.0)]),
        ];
        for (name, rate, expected) in cases {
            let mut gathered = ReadingsCoalescer::new(rate).unwrap();
            written.iter().for_each(|row| gathered.add(rows(&[*row])));
            assert_eq!(gathered.take(), rows(expected), "{name}");
            assert!(gathered.is_empty(), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rates_are_messages_per_second() {
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1001.0] {
            assert!(ReadingsCoalescer::new(Some(wrong)).is_err(), "{wrong}");
        }
        let mut gathered = ReadingsCoalescer::new(Some(0.5)).unwrap();
        let before = Instant::now();
        gathered.take();
        assert_eq!(gathered.due(), before + Duration::from_secs(2));
    }
}
