//! How far a long piece of work is: told by whoever works, asked by whoever waits, on whatever threads they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Error, Kind, Result};

/// A moment of the work: what is being done, and how much of it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub what: String,
    /// In the unit of `total`.
    pub done: u64,
    /// 0 when nobody knows.
    pub total: u64,
    /// How far it is in words, where there is more to say than a share; else empty.
    #[serde(default)]
    pub said: String,
}

/// The progress of one piece of work. Copies are of the same work.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    step: Step,
    is_cancelled: bool,
}

impl Progress {
    /// The next part of the work begins.
    pub fn begin(&self, what: impl Into<String>, total: u64) {
        self.state().step = Step { what: what.into(), total, ..Step::default() };
    }

    /// How far it is, in words.
    pub fn say(&self, how_far: impl Into<String>) {
        self.state().step.said = how_far.into();
    }

    /// So much more of it is done.
    ///
    /// # Errors
    /// `Unavailable` once the work was cancelled: it has to end.
    pub fn advance(&self, by: u64) -> Result<()> {
        let mut state = self.state();
        state.step.done = state.step.done.saturating_add(by);
        match state.is_cancelled {
            true => Err(Error::new(Kind::Unavailable, "it was ended before it was done")),
            false => Ok(()),
        }
    }

    pub fn now(&self) -> Step {
        self.state().step.clone()
    }

    /// Nobody waits any more: the next `advance` fails.
    pub fn cancel(&self) {
        self.state().is_cancelled = true;
    }

    pub fn is_cancelled(&self) -> bool {
        self.state().is_cancelled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers and a text: a panic elsewhere leaves them as usable as they were.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_per_part_and_ends_when_cancelled() {
        let progress = Progress::default();
        let seen = progress.clone();
        progress.begin("files", 10);
        progress.advance(4).unwrap();
        progress.advance(2).unwrap();
        let step = |what: &str| Step { what: what.into(), ..Step::default() };
        assert_eq!(seen.now(), Step { done: 6, total: 10, ..step("files") });
        progress.say("six of ten");
        assert_eq!(seen.now().said, "six of ten");
        progress.begin("rows", 0);
        assert_eq!(seen.now(), step("rows"), "what was said of the part before is gone");
        assert!(!progress.is_cancelled());
        seen.cancel();
        assert!(progress.is_cancelled());
        assert_eq!(progress.advance(1).unwrap_err().kind, Kind::Unavailable);
    }
}
