//! Live models: one task per model scores the windows of its sources as they complete.
//!
//! A window is scored once: its score is durable before the model's position passes it, and an event is opened or
//! closed in the transaction that moves the position. Late readings are remembered with the position until they are in
//! the scores; readings committed after the last saved position are found again in the log.

mod anomaly;
mod context;
mod dispatcher;
mod inbox;
mod live_scorer;
mod missed_readings;
mod progress_store;
mod rescore;
mod runner;
mod status;
mod supervisor;
mod waiting;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub(super) use self::status::ModelStatuses;
pub use self::status::{ModelState, ModelStatus};
use super::range_scoring::ModelScorer;
use crate::app::ai::ModelService;

impl ModelService {
    /// Runs every enabled model, following changes of the catalog, until `stop`; then saves their progress.
    pub async fn run_models(self: Arc<Self>, stop: CancellationToken) {
        supervisor::run(self.scorer(), self.clock.clone(), stop).await;
    }

    pub(super) fn scorer(&self) -> ModelScorer {
        ModelScorer { ai: self.ai.clone(), engine: self.engine.clone() }
    }
}
