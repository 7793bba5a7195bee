//! Rescoring of late readings: the windows they belong to are scored again once no more arrive. Late ranges are stored
//! with the model's progress until that is done, so that a restart loses none.

use std::time::{Duration, Instant};

use crate::app::job::{JobState, Jobs};
use crate::domain::model::LateRange;

/// Rescoring starts when no late reading has arrived for this long; late readings mostly arrive together.
const LATE_SETTLE_DELAY: Duration = Duration::from_secs(5);

/// Delay before a failed rescoring is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(60);

/// When the next rescoring is due, and the job that runs it.
#[derive(Debug, Default)]
pub struct RescoreScheduler {
    due: Option<Instant>,
    job: Option<i32>,
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

    /// Removes from `late` what is in the scores by now. Returns whether `late` has changed.
    pub fn poll_job(&mut self, jobs: &Jobs, late: &mut Option<LateRange>) -> bool {
        let Some(job) = self.job else { return false };
        match jobs.state(job) {
            Some(JobState::Queued | JobState::Running) => false,
            // A cancelled job means that these scores are not wanted.
            Some(JobState::Done(_) | JobState::Cancelled) => {
                self.job = None;
                *late = self.newer.take();
                true
            }
            Some(JobState::Failed(_)) | None => {
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
    pub fn begin(&mut self, job: i32) {
        (self.job, self.due, self.newer) = (Some(job), None, None);
    }

    /// Postpones after a failure.
    pub fn postpone(&mut self) {
        self.due = Some(Instant::now() + RETRY_DELAY);
    }
}
