//! Readings whose time is ahead of the clock: a model takes them once their time has come (see `domain::arrival`).

use std::collections::BTreeMap;

use crate::app::ai::window_feed::SourceReading;
use crate::domain::Micros;
use crate::domain::arrival::has_come;

/// Most readings of a model that wait. Of more, those that are furthest ahead are left out.
const MAX_WAITING: usize = 4_096;

/// The readings of one model that wait for their time, of each source and time the last that arrived.
#[derive(Debug, Default)]
pub struct WaitingReadings {
    values: BTreeMap<(i64, usize), f64>,
}

impl WaitingReadings {
    /// Adds a reading, in place of one of the same source and time; past the maximum the one furthest ahead is dropped.
    pub fn add(&mut self, reading: SourceReading) {
        self.values.insert((reading.ts, reading.source), reading.value);
        if self.values.len() > MAX_WAITING {
            self.values.pop_last();
        }
    }

    /// Takes a reading that arrived: one that is after `latest` waits, any other is given back, and none of its source and time
    /// waits any more.
    pub fn arrive(&mut self, reading: SourceReading, latest: Micros) -> Option<SourceReading> {
        if reading.ts > latest.0 {
            self.add(reading);
            return None;
        }
        self.values.remove(&(reading.ts, reading.source));
        Some(reading)
    }

    /// Takes the earliest reading if its time has come.
    pub fn take_due(&mut self, now: Micros) -> Option<SourceReading> {
        let first = self.values.first_entry().filter(|first| has_come(Micros(first.key().0), now))?;
        let ((ts, source), value) = first.remove_entry();
        Some(SourceReading { source, ts, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_come_in_order_when_their_time_has_come() {
        let mut waiting = WaitingReadings::default();
        let reading = |ts: i64, value: f64| SourceReading { source: 0, ts, value };
        let mut arrive = |ts, value, latest| {
            let given = waiting.arrive(reading(ts, value), Micros(latest));
            given.map(|given| (given.ts, given.value))
        };
        for (ts, value) in [(30, 1.0), (10, 1.0), (20, 1.0), (10, 2.0), (15, 1.0)] {
            assert_eq!(arrive(ts, value, 5), None);
        }
        assert_eq!(arrive(15, 3.0, 15), Some((15, 3.0)), "the one before it does not wait any more");
        let mut due = Vec::new();
        while let Some(one) = waiting.take_due(Micros(20)) {
            due.push((one.ts, one.value));
        }
        assert_eq!(due, [(10, 2.0), (20, 1.0)]);
        (0..2 * MAX_WAITING as i64).for_each(|ts| waiting.add(reading(ts, 1.0)));
        assert_eq!(waiting.values.len(), MAX_WAITING);
        assert_eq!(waiting.take_due(Micros(0)).map(|one| one.ts), Some(0), "the furthest are left out");
    }
}
