//! Readings of one source, as far as future samples can need them.

use std::collections::VecDeque;

use crate::domain::Micros;

/// A value and its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedValue {
    /// Time of the reading.
    pub ts: Micros,
    /// Finite value, in the unit of its stream.
    pub value: f64,
}

/// Held value and undecided values of one source.
#[derive(Debug, Default)]
pub struct SourceBuffer {
    /// The newest value at or before the last decided sample.
    held: Option<TimedValue>,
    /// For each undecided sample, by its time, the newest value since the sample before; samples without a value are
    /// absent. So memory grows with time, not with the rate of readings.
    pending: VecDeque<(Micros, TimedValue)>,
    /// Time of the newest observation.
    last_observed: Option<Micros>,
}

impl SourceBuffer {
    /// Records an observation at this time, with or without a value.
    pub fn observe(&mut self, ts: Micros) {
        self.last_observed = self.last_observed.max(Some(ts));
    }

    /// Returns the time of the newest observation; `None` before the first.
    pub fn last_observed(&self) -> Option<Micros> {
        self.last_observed
    }

    /// Adds a value first used by the undecided sample `sample`. Of several values with one time the last counts.
    pub fn add(&mut self, sample: Micros, value: TimedValue) {
        let at = self.pending.partition_point(|(other, _)| *other < sample);
        match self.pending.get_mut(at) {
            Some((other, kept)) if *other == sample => {
                if kept.ts <= value.ts {
                    *kept = value;
                }
            }
            _ => self.pending.insert(at, (sample, value)),
        }
    }

    /// Adds a value whose sample is already decided: later samples may still hold it.
    pub fn add_late(&mut self, value: TimedValue) {
        if self.held.is_none_or(|latest| latest.ts <= value.ts) {
            self.held = Some(value);
        }
    }

    /// Returns the newest value at or before a sample and drops older ones.
    pub fn value_at(&mut self, sample: Micros) -> Option<TimedValue> {
        while let Some((_, value)) = self.pending.pop_front_if(|(at, _)| *at <= sample) {
            self.add_late(value);
        }
        self.held
    }

    /// Returns the next sample that has a new value.
    pub fn next_sample(&self) -> Option<Micros> {
        self.pending.front().map(|(sample, _)| *sample)
    }
}
