//! Live models: each judges the windows of its sources as they come, one task a model.
//!
//! A window is judged once: its score is durable before the model's position passes it, and an event is opened or closed
//! in the transaction that moves the position. What comes late is remembered with the position until it is in the scores;
//! what came behind the last position that was saved is found again in the log.

mod anomaly;
mod board;
mod book;
mod follow;
mod ground;
mod judging;
mod late;
mod missed;
mod queue;
mod runner;
mod supervisor;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub(super) use self::board::Board;
pub use self::board::{ModelState, ModelStatus};
use super::history::Scorer;
use crate::app::App;

impl App {
    /// Runs every enabled model, taking up changes of the catalog, until `stop`; how far they are is saved then.
    pub async fn run_models(self: Arc<App>, stop: CancellationToken) {
        supervisor::run(self.scorer(), self.clock.clone(), stop).await;
    }

    pub(super) fn scorer(&self) -> Scorer {
        Scorer { ai: self.ai.clone(), engine: self.engine.clone() }
    }
}
