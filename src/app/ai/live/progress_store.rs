//! Progress of the live models, written to the catalog periodically in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::domain::model::ModelProgress;
use crate::domain::{ModelId, OrgId, Result};
use crate::store::Store;
use crate::store::catalog::AnomalyEventChange;

/// Progress that is not in the catalog yet. The lock is held over every catalog write, so that an older progress never
/// overwrites a newer one.
pub struct ProgressStore {
    store: Arc<Store>,
    unsaved: Mutex<HashMap<ModelId, ModelProgress>>,
    /// The newest progress of each model that runs, also when it is saved: the catalog's goes with the model.
    newest: parking_lot::Mutex<HashMap<ModelId, ModelProgress>>,
}

impl ProgressStore {
    /// Creates a store in which nothing waits to be saved.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, unsaved: Mutex::default(), newest: parking_lot::Mutex::default() }
    }

    /// Returns the progress of a model, saved or not.
    pub async fn read(&self, id: ModelId) -> Result<ModelProgress> {
        let unsaved = self.unsaved.lock().await;
        let progress = match unsaved.get(&id) {
            Some(progress) => *progress,
            None => self.store.catalog().models.model_progress(id).await?.unwrap_or_default(),
        };
        self.newest.lock().insert(id, progress);
        Ok(progress)
    }

    /// Forgets a model that was deleted; returns its newest progress.
    pub async fn forget(&self, id: ModelId) -> ModelProgress {
        self.unsaved.lock().await.remove(&id);
        self.newest.lock().remove(&id).unwrap_or_default()
    }

    /// Stores the progress in memory until the next `save`.
    pub async fn put(&self, id: ModelId, progress: ModelProgress) {
        self.unsaved.lock().await.insert(id, progress);
        self.newest.lock().insert(id, progress);
    }

    /// Changes the event log and saves the progress in one transaction. Returns the progress as stored.
    pub async fn record_event(
        &self,
        org: OrgId,
        id: ModelId,
        progress: ModelProgress,
        event_change: AnomalyEventChange,
    ) -> Result<ModelProgress> {
        let mut unsaved = self.unsaved.lock().await;
        // Removed before the write, not after: the catalog completes the write even if this future is dropped.
        unsaved.remove(&id);
        let progress = self.store.catalog().models.record_anomaly(org, id, progress, event_change).await?;
        self.newest.lock().insert(id, progress);
        Ok(progress)
    }

    /// Writes all unsaved progress.
    pub async fn save(&self) -> Result<()> {
        let mut unsaved = self.unsaved.lock().await;
        if unsaved.is_empty() {
            return Ok(());
        }
        let all = unsaved.iter().map(|(id, progress)| (*id, *progress)).collect();
        self.store.catalog().models.save_progress(all).await?;
        unsaved.clear();
        Ok(())
    }
}
