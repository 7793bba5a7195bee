//! Models as they are run, read from the catalog once and kept while their version is current.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::threads::{Lane, Threads};
use crate::domain::model::Model;
use crate::domain::{ModelId, Principal, Result};
use crate::infer::detector::Detector;
use crate::store::Store;

/// Models kept in memory; past it all are read again as they are needed.
const KEPT: usize = 1024;

pub struct Detectors {
    store: Arc<Store>,
    threads: Arc<Threads>,
    loaded: Mutex<HashMap<ModelId, (i32, Arc<Detector>)>>,
}

impl Detectors {
    pub fn new(store: Arc<Store>, threads: Arc<Threads>) -> Self {
        Self { store, threads, loaded: Mutex::default() }
    }

    /// The current version of a model, ready to be run. `model` names all of its sources, whoever asks.
    ///
    /// # Errors
    /// As `Detector::load`; what was right at its upload still is, unless this build reads less.
    pub async fn get(&self, model: &Model) -> Result<Arc<Detector>> {
        let number = model.version.number;
        if let Some((loaded, detector)) = self.loaded.lock().get(&model.id)
            && *loaded == number
        {
            return Ok(detector.clone());
        }
        let owner = Principal::system(model.org);
        let files = self.store.catalog().model_files(&owner, model.id, number).await?;
        let settings = model.version.settings.clone();
        let load = move |_: &mut _| Detector::load(&files.model, &files.scaler, &settings).map(Arc::new);
        let detector = self.threads.run(Lane::Live, load).await?;
        let mut loaded = self.loaded.lock();
        if loaded.len() >= KEPT {
            loaded.clear();
        }
        loaded.insert(model.id, (number, detector.clone()));
        Ok(detector)
    }
}
