//! Readings that came late: the windows they are part of are scored again once no more come. They are remembered with the
//! model's position until that is done, so that a restart loses none.

use std::time::{Duration, Instant};

use crate::app::job::{JobState, Jobs};
use crate::domain::model::Late;

/// Late readings are taken up when none came for so long: they mostly come together.
const CALM: Duration = Duration::from_secs(5);

/// Before windows whose scoring failed are scored again.
const PATIENCE: Duration = Duration::from_secs(60);

/// When late readings are taken up, and the job that does it.
#[derive(Debug, Default)]
pub struct Rescore {
    due: Option<Instant>,
    job: Option<i32>,
    /// What came late since that job began.
    newer: Option<Late>,
}

impl Rescore {
    /// Something came late.
    pub fn note(&mut self, late: Late) {
        self.due = Some(Instant::now() + CALM);
        if self.job.is_some() {
            self.newer = Some(late.and(self.newer));
        }
    }

    /// Takes out of `late` what is in the scores by now; whether there was anything.
    pub fn settle(&mut self, jobs: &Jobs, late: &mut Option<Late>) -> bool {
        let Some(job) = self.job else { return false };
        match jobs.state(job) {
            Some(JobState::Queued | JobState::Running) => false,
            // Somebody who ends the job does not want these scores.
            Some(JobState::Done(_) | JobState::Cancelled) => {
                self.job = None;
                *late = self.newer.take();
                true
            }
            Some(JobState::Failed(_)) | None => {
                (self.job, self.newer) = (None, None);
                self.put_off();
                false
            }
        }
    }

    /// Whether a job is to begin.
    pub fn is_due(&self) -> bool {
        self.job.is_none() && self.due.is_some_and(|due| due <= Instant::now())
    }

    /// A job has begun for everything that is late.
    pub fn begin(&mut self, job: i32) {
        (self.job, self.due, self.newer) = (Some(job), None, None);
    }

    /// It could not be done.
    pub fn put_off(&mut self) {
        self.due = Some(Instant::now() + PATIENCE);
    }
}
