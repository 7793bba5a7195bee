//! Rescoring of late readings: the windows they belong to are scored again once no more arrive. Late ranges are stored
//! with the model's progress until that is done, so that a restart loses none.

use std::time::{Duration, Instant};

use crate::domain::JobId;
use crate::domain::job::JobState;
use crate::domain::model::LateRange;

/// Rescoring starts when no late reading has arrived for this long; late readings mostly arrive together.
const LATE_SETTLE_DELAY: Duration = Duration::from_secs(5);

/// Delay before a failed rescoring is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(60);

/// When the next rescoring is due, and the job that runs it.
#[derive(Debug, Default)]
pub struct RescoreScheduler {
    due: Option<Instant>,
    job: Option<JobId>,
    /// Late readings that arrived since that job began.
    newer: Option<LateRange>,
}

impl RescoreScheduler {
    /// Notes late readings.
    pub fn note(&mut self, late: LateRange) {
        self.due = Some(Instant::now() + LATE_SETTLE_DELAY);
        if self.job.is_some() {
            self.newer = Some(late.merged_with(self.newer));
        }
    }

    /// The job that was not over when it was last looked at.
    pub fn job(&self) -> Option<JobId> {
        self.job
    }

    /// Takes the state of the job, `None` if it is no longer listed, and removes from `late` what is in the scores by now.
    /// Returns whether `late` has changed.
    pub fn note_state(&mut self, state: Option<JobState>, late: &mut Option<LateRange>) -> bool {
        match state {
            Some(JobState::Queued | JobState::Running) => false,
            // A cancelled job means that these scores are not wanted.
            Some(JobState::Done | JobState::Cancelled) => {
                self.job = None;
                *late = self.newer.take();
                true
            }
            Some(JobState::Failed) | None => {
                (self.job, self.newer) = (None, None);
                self.postpone();
                false
            }
        }
    }

    /// Returns whether a job should start.
    pub fn is_due(&self) -> bool {
        self.job.is_none() && self.due.is_some_and(|due| due <= Instant::now())
    }

    /// Records that a job has started for everything that is late.
    pub fn begin(&mut self, job: JobId) {
        (self.job, self.due, self.newer) = (Some(job), None, None);
    }

    /// Postpones after a failure.
    pub fn postpone(&mut self) {
        self.due = Some(Instant::now() + RETRY_DELAY);
    }
}
