//! From readings of several sources to samples of all of them at the multiples of an interval.
//!
//! A sample takes of each source its newest value at or before the sample's time, if it is not older than a value may
//! be held; if one source has none, the sample is missing. A sample is decided once, when every source has said
//! something at or after it, or when time has come to it. What then comes late does not change it.

use crate::domain::Micros;
use crate::domain::time::END_TIME;

use super::plan::Plan;
use super::source::{Said, Source};

/// One decision, in order of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decided {
    /// The sample of this time is whole: `Grid::row` has it.
    Row {
        at: Micros,
    },
    GapBegan(GapBegan),
    /// The first sample that is whole again, which follows.
    GapEnded {
        from: Micros,
        until: Micros,
    },
}

/// The first sample that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapBegan {
    pub at: Micros,
    /// The source that is silent; of several the one that is so for longest.
    pub feature: usize,
    /// When it said its last value; none if that is before everything read here.
    pub last_value: Option<Micros>,
}

/// Readings that came when their sample was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Late {
    pub readings: u64,
    /// From which time on scores are not what the readings now say.
    pub oldest: Option<Micros>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No sample has been whole, ever: silence is no gap yet.
    Fresh,
    /// Up to the position: what is missing there has been told before.
    Resuming,
    Running,
    Gap {
        from: Micros,
    },
}

#[derive(Debug)]
pub struct Grid {
    plan: Plan,
    sources: Vec<Source>,
    /// The next sample to decide.
    next: Micros,
    /// The last decided one; before all time if there is none.
    decided: Micros,
    /// Time has come to here, whatever sources say.
    time: Micros,
    /// Gaps are told after here.
    position: Micros,
    state: State,
    row: Vec<f64>,
    late: Late,
}

const BEFORE_ALL: Micros = Micros(i64::MIN);

impl Grid {
    /// Begins with the first sample that is whole.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            sources: (0..plan.features()).map(|_| Source::default()).collect(),
            next: BEFORE_ALL,
            decided: BEFORE_ALL,
            time: BEFORE_ALL,
            position: BEFORE_ALL,
            state: State::Fresh,
            row: vec![0.0; plan.features()],
            late: Late::default(),
        }
    }

    /// Begins with the first sample of the window that ends at the position, and tells no gap up to there.
    pub fn resume(plan: Plan, position: Micros) -> Self {
        let position = plan.sample_at_or_before(position);
        let next = plan.window_start(position);
        Self { next, position, state: State::Resuming, ..Self::new(plan) }
    }

    /// A source has said something: a value, or that it has none (null, or of bad quality).
    ///
    /// Panics if the plan has no such feature.
    pub fn push(&mut self, feature: usize, ts: Micros, value: Option<f64>) {
        let source = self.sources.get_mut(feature).expect("the caller's features are those of its plan");
        source.hear(ts);
        let Some(value) = value.filter(|value| value.is_finite()) else { return };
        let said = Said { ts, value };
        if ts <= self.decided {
            self.late.readings += 1;
            self.late.oldest = Some(self.late.oldest.map_or(ts, |oldest| oldest.min(ts)));
            source.add_late(said);
        } else {
            source.add(self.plan.sample_at_or_after(ts), said);
        }
    }

    /// Samples up to this time are decided with what is here. A time before an earlier one is no news.
    pub fn advance(&mut self, time: Micros) {
        self.time = self.time.max(time);
    }

    pub fn late(&self) -> Late {
        self.late
    }

    /// The last decided sample; before all time if there is none.
    pub fn decided(&self) -> Micros {
        self.decided
    }

    /// The values of the last `Decided::Row`, one a feature.
    pub fn row(&self) -> &[f64] {
        &self.row
    }

    /// The next decision that can be made now.
    pub fn decide(&mut self) -> Option<Decided> {
        let limit = self.limit()?;
        while self.next <= limit {
            let at = self.next;
            let Some(silent) = self.sample(at) else {
                // The sample itself is decided by the call after this one.
                if let State::Gap { from } = self.state {
                    self.state = State::Running;
                    return Some(Decided::GapEnded { from, until: at });
                }
                self.state = State::Running;
                self.decide_before(self.after(at));
                return Some(Decided::Row { at });
            };
            let began = self.miss(silent);
            let next = self.next_candidate(at, limit);
            self.decide_before(next);
            if let Some(began) = began {
                return Some(Decided::GapBegan(began));
            }
        }
        None
    }

    /// The last sample that can be decided.
    fn limit(&self) -> Option<Micros> {
        let all_heard = self.sources.iter().map(Source::heard).min().flatten();
        // No reading is stored with a later time, and there is room for a sample after it.
        let limit = all_heard.map_or(self.time, |heard| heard.max(self.time)).min(END_TIME);
        (limit > BEFORE_ALL).then(|| self.plan.sample_at_or_before(limit))
    }

    /// Fills the row, or names who has no value for it.
    fn sample(&mut self, at: Micros) -> Option<GapBegan> {
        let mut silent: Option<GapBegan> = None;
        for (feature, (source, value)) in self.sources.iter_mut().zip(&mut self.row).enumerate() {
            let said = source.value_at(at);
            match said {
                Some(said) if is_held(&self.plan, said.ts, at) => *value = said.value,
                _ => {
                    let last_value = said.map(|said| said.ts);
                    if silent.is_none_or(|other| last_value < other.last_value) {
                        silent = Some(GapBegan { at, feature, last_value });
                    }
                }
            }
        }
        silent
    }

    fn miss(&mut self, silent: GapBegan) -> Option<GapBegan> {
        match self.state {
            State::Fresh | State::Gap { .. } => None,
            State::Resuming | State::Running if silent.at <= self.position => {
                self.state = State::Resuming;
                None
            }
            State::Resuming | State::Running => {
                self.state = State::Gap { from: silent.at };
                Some(silent)
            }
        }
    }

    /// After a missing sample the first that may be whole, so that a long silence costs one step, not one a sample.
    fn next_candidate(&mut self, at: Micros, limit: Micros) -> Micros {
        let mut candidate = self.after(at);
        for source in &mut self.sources {
            let held = source.value_at(at).is_some_and(|said| is_held(&self.plan, said.ts, at));
            if !held {
                candidate = candidate.max(source.next_sample().unwrap_or(Micros(i64::MAX)));
            }
        }
        candidate = candidate.min(self.after(limit));
        // A gap is told from the first sample after the position on.
        if self.state == State::Resuming { candidate.min(self.after(self.position)) } else { candidate }
    }

    fn decide_before(&mut self, next: Micros) {
        self.next = next;
        self.decided = Micros(next.0.saturating_sub(self.plan.interval_us()));
    }

    fn after(&self, sample: Micros) -> Micros {
        Micros(sample.0.saturating_add(self.plan.interval_us()))
    }
}

fn is_held(plan: &Plan, since: Micros, at: Micros) -> bool {
    at.0.saturating_sub(since.0) <= plan.max_gap_us()
}
