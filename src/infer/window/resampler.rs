//! Resampler: turns readings of several sources into samples of all of them at multiples of an interval.
//!
//! A sample takes from each source its newest value at or before the sample's time, unless that value is older than the
//! maximum hold; if one source has none, the sample is missing. A sample is decided once: when every source has an
//! observation at or after it, or when the watermark reaches it. Later readings do not change it.

use crate::domain::Micros;
use crate::domain::time::END_TIME;

use super::source_buffer::{SourceBuffer, TimedValue};
use super::spec::WindowSpec;

/// One decision; decisions come in order of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SampleEvent {
    /// The sample of this time is complete: `Resampler::row` returns it.
    Row {
        /// Time of the sample, a multiple of the interval.
        at: Micros,
    },
    /// A sample is missing, and no gap is open yet.
    GapStarted(GapStarted),
    /// The first complete sample after a gap; its row follows.
    GapEnded {
        /// Time of the first missing sample, inclusive.
        from: Micros,
        /// Time of the first complete sample after the gap, exclusive.
        until: Micros,
    },
}

/// The first missing sample of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapStarted {
    /// Time of the missing sample, a multiple of the interval.
    pub at: Micros,
    /// The silent source; of several the one that has been silent for longest.
    pub feature: usize,
    /// Time of its last value; `None` if that is before everything read here.
    pub last_value: Option<Micros>,
}

/// Readings that arrived after their sample was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LateReadings {
    /// Number of readings with a value since the start of the assembler.
    pub readings: u64,
    /// Time from which on scores no longer match the readings.
    pub oldest: Option<Micros>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GapState {
    /// No sample has been complete yet: silence is no gap.
    Fresh,
    /// Until the position is passed: gaps before it have been reported earlier.
    Resuming,
    Running,
    Gap {
        from: Micros,
    },
}

/// Resampling state of one model: the readings that undecided samples can need, and the position.
#[derive(Debug)]
pub struct Resampler {
    plan: WindowSpec,
    sources: Vec<SourceBuffer>,
    /// The next sample to decide.
    next: Micros,
    /// The last decided sample; `MIN_TIME` if there is none.
    decided: Micros,
    /// Samples up to this time are decided even if sources are silent.
    watermark: Micros,
    /// Gaps are reported only after this time.
    position: Micros,
    state: GapState,
    row: Vec<f64>,
    late: LateReadings,
}

const MIN_TIME: Micros = Micros(i64::MIN);

impl Resampler {
    /// Starts with the first complete sample.
    pub fn new(plan: WindowSpec) -> Self {
        Self {
            plan,
            sources: (0..plan.features()).map(|_| SourceBuffer::default()).collect(),
            next: MIN_TIME,
            decided: MIN_TIME,
            watermark: MIN_TIME,
            position: MIN_TIME,
            state: GapState::Fresh,
            row: vec![0.0; plan.features()],
            late: LateReadings::default(),
        }
    }

    /// Starts with the first sample of the window that ends at the position; reports no gap up to there.
    pub fn resume(plan: WindowSpec, position: Micros) -> Self {
        let position = plan.sample_at_or_before(position);
        let next = plan.window_start(position);
        Self { next, position, state: GapState::Resuming, ..Self::new(plan) }
    }

    /// Records an observation of a source: a value, or `None` (null, or of bad quality).
    ///
    /// Panics if the spec has no such feature.
    pub fn push(&mut self, feature: usize, ts: Micros, value: Option<f64>) {
        let source = self.sources.get_mut(feature).expect("the caller's features are those of its plan");
        source.observe(ts);
        let Some(value) = value.filter(|value| value.is_finite()) else { return };
        let value_at = TimedValue { ts, value };
        if ts <= self.decided {
            self.late.readings += 1;
            self.late.oldest = Some(self.late.oldest.map_or(ts, |oldest| oldest.min(ts)));
            source.add_late(value_at);
        } else {
            source.add(self.plan.sample_at_or_after(ts), value_at);
        }
    }

    /// Decides samples up to this time with the values at hand. A time before an earlier watermark has no effect.
    pub fn advance_watermark(&mut self, time: Micros) {
        self.watermark = self.watermark.max(time);
    }

    /// Returns the readings so far that came after their sample was decided.
    pub fn late(&self) -> LateReadings {
        self.late
    }

    /// Returns the last decided sample, which lies before all times if there is none.
    pub fn last_decided_sample(&self) -> Micros {
        self.decided
    }

    /// Returns the values of the last `SampleEvent::Row`, one per feature.
    pub fn row(&self) -> &[f64] {
        &self.row
    }

    /// Returns the next decision that can be made now.
    pub fn next_event(&mut self) -> Option<SampleEvent> {
        let limit = self.limit()?;
        while self.next <= limit {
            let at = self.next;
            let Some(silent) = self.sample(at) else {
                // The next call decides the sample itself.
                if let GapState::Gap { from } = self.state {
                    self.state = GapState::Running;
                    return Some(SampleEvent::GapEnded { from, until: at });
                }
                self.state = GapState::Running;
                self.decide_before(self.after(at));
                return Some(SampleEvent::Row { at });
            };
            let began = self.begin_gap(silent);
            let next = self.next_candidate(at, limit);
            self.decide_before(next);
            if let Some(began) = began {
                return Some(SampleEvent::GapStarted(began));
            }
        }
        None
    }

    /// Returns the last sample that can be decided.
    fn limit(&self) -> Option<Micros> {
        let all_heard = self.sources.iter().map(SourceBuffer::last_observed).min().flatten();
        // No reading is stored with a later time, and there is room for a sample after it.
        let limit = all_heard.map_or(self.watermark, |until| until.max(self.watermark)).min(END_TIME);
        (limit > MIN_TIME).then(|| self.plan.sample_at_or_before(limit))
    }

    /// Fills the row, or returns the gap with the source that has no value.
    fn sample(&mut self, at: Micros) -> Option<GapStarted> {
        let mut silent: Option<GapStarted> = None;
        for (feature, (source, value)) in self.sources.iter_mut().zip(&mut self.row).enumerate() {
            let value_at = source.value_at(at);
            match value_at {
                Some(value_at) if is_held(&self.plan, value_at.ts, at) => *value = value_at.value,
                _ => {
                    let last_value = value_at.map(|value_at| value_at.ts);
                    if silent.is_none_or(|other| last_value < other.last_value) {
                        silent = Some(GapStarted { at, feature, last_value });
                    }
                }
            }
        }
        silent
    }

    fn begin_gap(&mut self, silent: GapStarted) -> Option<GapStarted> {
        match self.state {
            GapState::Fresh | GapState::Gap { .. } => None,
            GapState::Resuming | GapState::Running if silent.at <= self.position => {
                self.state = GapState::Resuming;
                None
            }
            GapState::Resuming | GapState::Running => {
                self.state = GapState::Gap { from: silent.at };
                Some(silent)
            }
        }
    }

    /// Returns the first sample after a missing one that may be complete, so that a long silence costs one step.
    fn next_candidate(&mut self, at: Micros, limit: Micros) -> Micros {
        let mut candidate = self.after(at);
        for source in &mut self.sources {
            let is_current = source.value_at(at).is_some_and(|value_at| is_held(&self.plan, value_at.ts, at));
            if !is_current {
                candidate = candidate.max(source.next_sample().unwrap_or(Micros(i64::MAX)));
            }
        }
        candidate = candidate.min(self.after(limit));
        // A gap is reported from the first sample after the position on.
        if self.state == GapState::Resuming { candidate.min(self.after(self.position)) } else { candidate }
    }

    fn decide_before(&mut self, next: Micros) {
        self.next = next;
        self.decided = Micros(next.0.saturating_sub(self.plan.interval_us()));
    }

    fn after(&self, sample: Micros) -> Micros {
        Micros(sample.0.saturating_add(self.plan.interval_us()))
    }
}

fn is_held(plan: &WindowSpec, since: Micros, at: Micros) -> bool {
    at.0.saturating_sub(since.0) <= plan.max_gap_us()
}
