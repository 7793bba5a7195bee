//! How far every live model is, written to the catalog now and then, all of them at once.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::domain::model::ModelProgress;
use crate::domain::{ModelId, OrgId, Result};
use crate::store::Store;
use crate::store::catalog::Told;

/// Progress that is not yet in the catalog. Locked over every write there, so that an older one never follows a newer.
pub struct Book {
    store: Arc<Store>,
    unsaved: Mutex<HashMap<ModelId, ModelProgress>>,
}

impl Book {
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, unsaved: Mutex::default() }
    }

    /// How far a model is, saved or not.
    pub async fn read(&self, id: ModelId) -> Result<ModelProgress> {
        let unsaved = self.unsaved.lock().await;
        match unsaved.get(&id) {
            Some(progress) => Ok(*progress),
            None => Ok(self.store.catalog().model_progress(id).await?.unwrap_or_default()),
        }
    }

    /// To be saved with the others.
    pub async fn put(&self, id: ModelId, progress: ModelProgress) {
        self.unsaved.lock().await.insert(id, progress);
    }

    /// Tells the event log and saves the progress, both or none; the progress as it is then.
    pub async fn tell(
        &self,
        org: OrgId,
        id: ModelId,
        progress: ModelProgress,
        told: Told,
    ) -> Result<ModelProgress> {
        let mut unsaved = self.unsaved.lock().await;
        // Before, not after: the catalog finishes what it has begun, also when nobody waits for it any more.
        unsaved.remove(&id);
        self.store.catalog().tell_anomaly(org, id, progress, told).await
    }

    /// Writes everything unsaved.
    pub async fn save(&self) -> Result<()> {
        let mut unsaved = self.unsaved.lock().await;
        if unsaved.is_empty() {
            return Ok(());
        }
        let all = unsaved.iter().map(|(id, progress)| (*id, *progress)).collect();
        self.store.catalog().save_progress(all).await?;
        unsaved.clear();
        Ok(())
    }
}
