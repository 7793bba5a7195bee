//! Windows judged on the threads of models, a part at a time: however slow a model is, others have their turns in between.

use super::AiParts;
use super::feed::{Scores, Stretch};
use super::threads::Lane;
use crate::domain::model::Model;
use crate::domain::{Error, Result};

impl AiParts {
    /// The scores of a stretch. Between two parts the model may leave memory; when this is dropped, no further part begins.
    ///
    /// # Errors
    /// As `Detectors::get` and `Detector::scores`.
    pub(super) async fn judge(&self, model: &Model, mut stretch: Stretch, lane: Lane) -> Result<Scores> {
        let mut scores = Vec::with_capacity(stretch.windows);
        while scores.len() < stretch.windows {
            let (first, detector) = (scores.len(), self.detectors.get(model).await?);
            let judge = move |workspace: &mut _| {
                let shape = (detector.window(), detector.features());
                let found = detector.scores(workspace, stretch.part(first, detector.part(), shape))?;
                Ok((stretch, found))
            };
            let (same, found) = self.threads.run(lane, judge).await?;
            stretch = same;
            if found.is_empty() {
                return Err(Error::internal("a model gave no score for a window"));
            }
            scores.extend(found);
        }
        Ok(Scores { stretch, scores })
    }
}
