//! Scores windows on the inference pool in chunks, so that a slow model does not block other models.

use super::ModelRuntime;
use super::inference_pool::InferencePriority;
use super::window_feed::{SampleRun, WindowScores, WindowShape};
use crate::domain::model::Model;
use crate::domain::{Error, Result};

impl ModelRuntime {
    /// Returns the scores of a sample run. Between two chunks the model may be evicted from memory; if this future is
    /// dropped, no further chunk starts.
    ///
    /// # Errors
    /// The errors of `DetectorCache::get` and `Detector::score_windows`.
    pub(super) async fn score_run(
        &self,
        model: &Model,
        mut run: SampleRun,
        lane: InferencePriority,
    ) -> Result<WindowScores> {
        let mut scores = Vec::with_capacity(run.windows);
        while scores.len() < run.windows {
            let (first, detector) = (scores.len(), self.detectors.get(model).await?);
            let judge = move |workspace: &mut _| {
                let shape = WindowShape { samples: detector.window_len(), features: detector.features() };
                let found = detector
                    .score_windows(workspace, run.part(first, detector.windows_per_chunk(), shape))?;
                Ok((run, found))
            };
            let (same, found) = self.inference_pool.run(lane, judge).await?;
            run = same;
            if found.is_empty() {
                return Err(Error::internal("a model gave no score for a window"));
            }
            scores.extend(found);
        }
        Ok(WindowScores { stretch: run, scores })
    }
}
