//! One source of a model: what it has said, as far as samples to come can need it.

use std::collections::VecDeque;

use crate::domain::Micros;

/// A value and its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    pub ts: Micros,
    pub value: f64,
}

#[derive(Debug, Default)]
pub struct Source {
    /// The newest value at or before the last decided sample.
    held: Option<Said>,
    /// For each sample not yet decided the newest value since the sample before, by the sample's time; samples
    /// without one are not here. So memory follows time, not the rate of readings.
    pending: VecDeque<(Micros, Said)>,
    /// The newest time it has said anything at.
    heard: Option<Micros>,
}

impl Source {
    /// It has said something at this time, be it no value.
    pub fn hear(&mut self, ts: Micros) {
        self.heard = self.heard.max(Some(ts));
    }

    pub fn heard(&self) -> Option<Micros> {
        self.heard
    }

    /// A value that the undecided sample `sample` is the first to see. Of one time the last counts.
    pub fn add(&mut self, sample: Micros, said: Said) {
        let at = self.pending.partition_point(|(other, _)| *other < sample);
        match self.pending.get_mut(at) {
            Some((other, kept)) if *other == sample => {
                if kept.ts <= said.ts {
                    *kept = said;
                }
            }
            _ => self.pending.insert(at, (sample, said)),
        }
    }

    /// A value whose sample is decided: later samples may still hold it.
    pub fn add_late(&mut self, said: Said) {
        if self.held.is_none_or(|held| held.ts <= said.ts) {
            self.held = Some(said);
        }
    }

    /// The newest value at or before a sample; its predecessors are forgotten.
    pub fn value_at(&mut self, sample: Micros) -> Option<Said> {
        while let Some((_, said)) = self.pending.pop_front_if(|(at, _)| *at <= sample) {
            self.add_late(said);
        }
        self.held
    }

    /// The next sample that sees a new value, of those it has said.
    pub fn next_sample(&self) -> Option<Micros> {
        self.pending.front().map(|(sample, _)| *sample)
    }
}
