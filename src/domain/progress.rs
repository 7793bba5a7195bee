//! Progress of a long operation, shared between the thread that works and those that watch or cancel it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Error, Kind, Result};

/// A snapshot of the operation: the current step and how much of it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressStep {
    /// Name of the step, such as `files`; empty before the first.
    pub what: String,
    /// In the unit of `total`.
    pub done: u64,
    /// 0 when unknown.
    pub total: u64,
    /// Progress in words, where a fraction does not say enough; else empty.
    #[serde(default)]
    pub said: String,
}

/// Progress of one operation. Clones share the same state.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<ProgressState>>);

#[derive(Debug, Default)]
struct ProgressState {
    step: ProgressStep,
    is_cancelled: bool,
}

impl Progress {
    /// Starts the next step.
    pub fn begin(&self, what: impl Into<String>, total: u64) {
        self.state().step = ProgressStep { what: what.into(), total, ..ProgressStep::default() };
    }

    /// Describes the progress of the current step in words.
    pub fn set_detail(&self, how_far: impl Into<String>) {
        self.state().step.said = how_far.into();
    }

    /// Adds `by` to the work done.
    ///
    /// # Errors
    /// `Unavailable` once the operation was cancelled: the worker must stop.
    pub fn advance(&self, by: u64) -> Result<()> {
        let mut state = self.state();
        state.step.done = state.step.done.saturating_add(by);
        match state.is_cancelled {
            true => Err(Error::new(Kind::Unavailable, "the operation was cancelled")),
            false => Ok(()),
        }
    }

    /// The current step and its progress.
    pub fn snapshot(&self) -> ProgressStep {
        self.state().step.clone()
    }

    /// Cancels the operation: the next `advance` fails.
    pub fn cancel(&self) {
        self.state().is_cancelled = true;
    }

    /// Whether `cancel` was called.
    pub fn is_cancelled(&self) -> bool {
        self.state().is_cancelled
    }

    fn state(&self) -> MutexGuard<'_, ProgressState> {
        // A poisoned lock is harmless: the state is only numbers and text, consistent at every point.
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
        let step = |what: &str| ProgressStep { what: what.into(), ..ProgressStep::default() };
        assert_eq!(seen.snapshot(), ProgressStep { done: 6, total: 10, ..step("files") });
        progress.set_detail("six of ten");
        assert_eq!(seen.snapshot().said, "six of ten");
        progress.begin("rows", 0);
        assert_eq!(seen.snapshot(), step("rows"), "what was said of the part before is gone");
        assert!(!progress.is_cancelled());
        seen.cancel();
        assert!(progress.is_cancelled());
        assert_eq!(progress.advance(1).unwrap_err().kind, Kind::Unavailable);
    }
}
