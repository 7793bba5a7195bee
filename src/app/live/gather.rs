//! What a message is gathered from: every reading, or of each stream the newest.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::reading::{Reading, Readings};
use crate::domain::{Error, Result};

/// Readings of one message, at most.
pub const MOST: usize = 1000;
/// Between two messages that nobody asked to have less often: what comes meanwhile is sent together.
const BATCH: Duration = Duration::from_millis(25);
/// Messages per second that may be asked for.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=1000.0;

/// The readings of the next message, and when it is due.
pub struct Gathered {
    rows: Rows,
    interval: Duration,
    due: Instant,
}

enum Rows {
    All(Readings),
    Newest(BTreeMap<i32, Reading>),
}

impl Gathered {
    /// With a rate, of each stream only the newest reading of an interval is kept.
    ///
    /// # Errors
    /// `Invalid` for a rate that is none.
    pub fn new(max_rate: Option<f64>) -> Result<Gathered> {
        let (rows, interval) = match max_rate {
            None => (Rows::All(Readings::default()), BATCH),
            Some(rate) if RATES.contains(&rate) => {
                (Rows::Newest(BTreeMap::new()), Duration::from_secs_f64(1.0 / rate))
            }
            Some(rate) => {
                let message = format!("`{rate}` is not a rate: use messages per second, from 0.001 to 1000");
                return Err(Error::field("maxRate", message));
            }
        };
        Ok(Gathered { rows, interval, due: Instant::now() })
    }

    pub fn is_empty(&self) -> bool {
        match &self.rows {
            Rows::All(rows) => rows.is_empty(),
            Rows::Newest(newest) => newest.is_empty(),
        }
    }

    /// How many more readings it takes before the message has to go.
    pub fn room(&self) -> usize {
        match &self.rows {
            Rows::All(rows) => MOST - rows.len().min(MOST),
            Rows::Newest(_) => MOST,
        }
    }

    /// When the message may go.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// When to look again for what belongs to it.
    pub fn next_look(&self) -> Instant {
        self.due.min(Instant::now() + BATCH)
    }

    pub fn add(&mut self, more: Readings) {
        match &mut self.rows {
            Rows::All(rows) if rows.is_empty() => *rows = more,
            Rows::All(rows) => more.iter().for_each(|reading| rows.push(reading)),
            Rows::Newest(newest) => more.iter().for_each(|reading| replace(newest, reading)),
        }
    }

    /// The readings, which begin anew.
    pub fn take(&mut self) -> Readings {
        self.due = Instant::now() + self.interval;
        match &mut self.rows {
            Rows::All(rows) => std::mem::take(rows),
            Rows::Newest(newest) => std::mem::take(newest).into_values().collect(),
        }
    }
}

/// Of two readings of a stream the one of the later time stays; of the same time, the one written later.
fn replace(newest: &mut BTreeMap<i32, Reading>, reading: Reading) {
    let is_older = newest.get(&reading.stream.0).is_some_and(|known| known.ts > reading.ts);
    if !is_older {
        newest.insert(reading.stream.0, reading);
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
            ("late_rows_give_way_and_updates_replace", Some(10.0), &[(1, 7, 2.0), (2, 5, 4.0)]),
        ];
        for (name, rate, expected) in cases {
            let mut gathered = Gathered::new(rate).unwrap();
            written.iter().for_each(|row| gathered.add(rows(&[*row])));
            assert_eq!(gathered.take(), rows(expected), "{name}");
            assert!(gathered.is_empty(), "{name}");
        }
    }

    #[tokio::test]
    async fn rates_are_messages_per_second() {
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 1001.0] {
            assert!(Gathered::new(Some(wrong)).is_err(), "{wrong}");
        }
        let mut gathered = Gathered::new(Some(0.5)).unwrap();
        let before = Instant::now();
        gathered.take();
        assert!(gathered.due() >= before + Duration::from_secs(2));
    }
}
