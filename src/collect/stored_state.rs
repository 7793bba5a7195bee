//! State of the last stored reading of a stream, and whether the value after it is worth storing. Pure.

use std::time::Duration;

use super::device_value::Sample;
use super::reading_time::ReadingTime;
use crate::domain::Micros;
use crate::domain::arrival::AheadBound;
use crate::domain::reading::{Quality, Reading};

/// State of the last stored reading.
#[derive(Debug, Clone)]
pub struct StoredState {
    pub content: LastStored,
    /// `None` before the first.
    pub time: Option<ReadingTime>,
    /// Whether its source's time was that of a wrong clock.
    pub is_doubted: bool,
}

/// The last reading that the sink accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum LastStored {
    Nothing,
    Value(Sample),
    Bad,
}

/// A live value of one stream, good or bad.
pub struct LiveValue {
    pub received_at: Micros,
    /// `None` when it is bad.
    pub sample: Option<Sample>,
    /// Whether its time is that of a wrong clock.
    pub is_doubted: bool,
}

/// When an unchanged value is stored.
#[derive(Clone, Copy)]
pub struct StoringInterval {
    /// Smallest change that is stored.
    pub deadband: Option<f64>,
    /// Longest time without a row.
    pub longest: Duration,
}

/// The last reading that the store has from before the start.
#[derive(Debug)]
pub struct RecalledReading {
    pub reading: Reading,
    /// When it was recalled.
    pub at: Micros,
}

impl LiveValue {
    /// The quality that a sample of it is stored with.
    pub fn quality(&self, sample: &Sample) -> Quality {
        if self.is_doubted { Quality::Uncertain } else { sample.quality }
    }
}

impl StoredState {
    /// Nothing is stored yet.
    pub fn nothing() -> StoredState {
        StoredState { content: LastStored::Nothing, time: None, is_doubted: false }
    }

    /// Whether the sample is the last one, said again by a source that gives the time of its last change.
    pub fn is_of(&self, sample: &Sample) -> bool {
        sample.source_time.is_some() && matches!(&self.content, LastStored::Value(before) if before == sample)
    }

    /// Whether a value is worth storing after this one.
    pub fn is_followed_by(&self, value: &LiveValue, interval: StoringInterval, bound: AheadBound) -> bool {
        let (before, sample) = match (&self.content, &value.sample) {
            (LastStored::Value(before), Some(sample)) => (before, sample),
            (LastStored::Bad, None) => return false,
            (LastStored::Nothing | LastStored::Bad, Some(_))
            | (LastStored::Nothing | LastStored::Value(_), None) => return true,
        };
        if self.is_overdue(value.received_at, interval.longest, bound) {
            return true;
        }
        if self.is_of(sample) {
            // It is as doubtful as it was.
            return false;
        }
        if before.quality != sample.quality || self.is_doubted != value.is_doubted {
            return true;
        }
        interval.deadband.is_none_or(|deadband| sample.value.distance(&before.value) >= deadband)
    }

    /// Whether nothing was stored for the longest interval allowed, as far as is known after a step of our clock.
    fn is_overdue(&self, now: Micros, longest: Duration, bound: AheadBound) -> bool {
        let is_set_back = self.time.is_some_and(|time| time.is_before_step(now, bound));
        let received_at = self.time.and_then(|time| time.received_at);
        is_set_back || received_at.is_none_or(|at| is_overdue_since(at, now, longest))
    }
}

impl RecalledReading {
    /// Whether a value is this one, by a source that gives the time of its last change.
    pub fn is_said_again(&self, value: &LiveValue, longest: Duration) -> bool {
        let known = &self.reading;
        let Some(sample) = &value.sample else { return false };
        let Some(time) = sample.source_time else { return false };
        if time > known.ts && !value.is_doubted || is_overdue_since(self.at, value.received_at, longest) {
            return false;
        }
        sample.value.to_reading(known.stream, known.ts, value.quality(sample)).as_ref() == Some(known)
    }
}

fn is_overdue_since(last: Micros, now: Micros, longest: Duration) -> bool {
    let longest_us = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
    now.0.saturating_sub(last.0) >= longest_us
}
