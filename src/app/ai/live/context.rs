//! Dependencies shared by the tasks of live models.

use std::sync::Arc;

use super::anomaly::{AnomalyUpdate, close_anomaly};
use super::progress_store::ProgressStore;
use crate::app::ai::range_scoring::ModelScorer;
use crate::domain::model::{Model, ModelProgress};
use crate::domain::{Clock, Result};

/// Scorer, progress store and clock of a model task.
pub struct LiveContext {
    pub scorer: ModelScorer,
    pub progress_store: Arc<ProgressStore>,
    pub clock: Arc<dyn Clock>,
}

impl LiveContext {
    /// Stores the result of a window, with its event change in the same transaction. Returns the progress as stored.
    pub async fn record(&self, model: &Model, made: AnomalyUpdate) -> Result<ModelProgress> {
        match made.event_change {
            Some(event_change) => {
                self.progress_store.record_event(model.org, model.id, made.progress, event_change).await
            }
            None => {
                self.progress_store.put(model.id, made.progress).await;
                Ok(made.progress)
            }
        }
    }

    /// Ends the open anomaly, if any, of a model that was deleted: with its last window. `name` is that of its device.
    pub async fn end_anomaly(&self, model: &Model, name: &str) -> Result<()> {
        let progress = self.progress_store.forget(model.id).await;
        let at = progress.position.unwrap_or_else(|| self.clock.now());
        let ended = close_anomaly(model, name, progress, at);
        if ended.event_change.is_some() {
            self.record(model, ended).await?;
            self.progress_store.forget(model.id).await;
        }
        Ok(())
    }
}
