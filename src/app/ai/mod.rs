//! Anomaly detection: uploads and changes models over streams, and runs them live and over history.
//!
//! The life of one model. A person uploads its file and its scaler and names the streams it reads, its sources. Both files are
//! loaded as a trial, and one transaction stores them, with the device and the stream of the scores where these are new
//! (`upload.rs`). The supervisor finds the model in the catalog and starts its task (`live/supervisor.rs`, `live/runner.rs`),
//! which begins with the present when the model is enabled, and after a restart with the position it has reached. The dispatcher
//! hands the task the readings of its sources as they are committed (`live/dispatcher.rs`); they become samples
//! (`window_feed.rs`), and each complete window gets a score on the threads of the inference pool (`inference_pool.rs`). The
//! score is written to the model's stream first. Scores above the threshold open an event, which a later one closes, each in one
//! transaction with the model's position (`live/anomaly.rs`, `live/progress_store.rs`). A job scores the windows of late
//! readings again (`live/rescore.rs`). Meanwhile people have past ranges scored (`range_scoring.rs`), set the threshold by such
//! scores (`calibrate.rs`), look at windows (`inspect.rs`, `reconstruction.rs`), and upload a new version or make an older one
//! current. A deleted model leaves its device, its stream and the scores; the task stops, and an open event is closed.

mod anomaly_collector;
mod batch_scoring;
pub mod calibrate;
mod detector_cache;
mod inference_pool;
pub mod inspect;
pub mod live;
pub mod query_models;
mod range_scoring;
pub mod reconstruction;
pub mod upload;
mod window_feed;

use std::sync::Arc;

use tokio::sync::Semaphore;

use self::detector_cache::DetectorCache;
use self::inference_pool::InferencePool;
use self::live::ModelStatuses;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::job::JobRunner;
use crate::domain::model::{Model, ModelFiles, ModelSettings, ModelVersion};
use crate::domain::{Clock, DeviceId, ModelId, Principal, Resource, Result, Scope};
use crate::query::Engine;
use crate::store::Store;

pub use self::live::{ModelState, ModelStatus};

/// Dependencies for running models, shared by everything that runs them.
#[derive(Clone)]
pub struct ModelRuntime {
    pub(super) store: Arc<Store>,
    pub(super) inference_pool: Arc<InferencePool>,
    pub(super) detectors: Arc<DetectorCache>,
    /// Status of the live models.
    statuses: Arc<ModelStatuses>,
    pub(super) jobs: Arc<JobRunner>,
    /// Limits concurrent replays of stored readings, so that a start with many models leaves room for other queries.
    pub(super) reads: Arc<Semaphore>,
}

/// Default memory budget for models, bytes: enough for some thousands of usual models, or two of the largest.
pub const LOADED_BYTES: usize = 256_000_000;

/// Maximum jobs of models that run at the same time; the others are queued.
const MAX_RUNNING_JOBS: usize = 2;
/// Models that may read stored readings at the same time.
const MAX_CONCURRENT_READS: usize = 2;

impl ModelRuntime {
    /// Creates the parts; loaded models take at most `loaded_bytes`.
    pub fn new(store: Arc<Store>, loaded_bytes: usize) -> Self {
        let threads = Arc::new(InferencePool::new());
        let detectors = Arc::new(DetectorCache::new(store.clone(), threads.clone(), loaded_bytes));
        let jobs = Arc::new(JobRunner::new(store.clone(), MAX_RUNNING_JOBS));
        Self {
            store,
            inference_pool: threads,
            detectors,
            statuses: Arc::default(),
            jobs,
            reads: Arc::new(Semaphore::new(MAX_CONCURRENT_READS)),
        }
    }
}

/// Anomaly models: uploaded, changed, and run live and over history.
pub struct ModelService {
    store: Arc<Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    states: CollectorStates,
    pub(super) ai: ModelRuntime,
}

impl ModelService {
    /// `ai` must be what `parts.engine` runs models with.
    pub(super) fn new(parts: &CoreParts, ai: ModelRuntime) -> Self {
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            ai,
        }
    }

    /// Returns the models the principal sees, by id.
    pub fn models(&self, principal: &Principal) -> Result<Vec<Arc<Model>>> {
        principal.require(Scope::read(Resource::System))?;
        Ok(self.store.catalog().models.models(principal))
    }

    /// Returns a model; `NotFound` when it is absent or on a device that the principal does not see.
    pub fn model(&self, principal: &Principal, id: ModelId) -> Result<Arc<Model>> {
        principal.require(Scope::read(Resource::System))?;
        self.store.catalog().models.model(principal, id)
    }

    /// Returns the models of these devices that the principal sees.
    pub fn models_of_devices(&self, principal: &Principal, devices: &[DeviceId]) -> Result<Vec<Arc<Model>>> {
        principal.require(Scope::read(Resource::System))?;
        Ok(self.store.catalog().models.models_of_devices(principal, devices))
    }

    /// Returns the model for a principal that may change it.
    pub fn model_to_change(&self, principal: &Principal, id: ModelId) -> Result<Arc<Model>> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().models.model_for_update(principal, id)
    }

    /// Returns the live status of a model that the caller has already been given.
    pub fn status_of_model(&self, model: &Model) -> ModelStatus {
        self.ai.statuses.status(model, self.clock.now())
    }

    /// Returns the retained versions, the newest first.
    pub async fn model_versions(&self, principal: &Principal, id: ModelId) -> Result<Vec<ModelVersion>> {
        principal.require(Scope::read(Resource::System))?;
        self.store.catalog().models.model_versions(principal, id).await
    }

    /// Returns the files of a version as they were uploaded.
    pub async fn model_files(&self, principal: &Principal, id: ModelId, version: i32) -> Result<ModelFiles> {
        principal.require(Scope::read(Resource::System))?;
        self.store.catalog().models.model_files(principal, id, version).await
    }

    /// Changes whether a model is enabled and the settings of its current version. `change` gets both as they are
    /// stored at that moment.
    pub async fn update_model(
        &self,
        principal: &Principal,
        id: ModelId,
        change: impl FnOnce(&mut bool, &mut ModelSettings) + Send,
    ) -> Result<Arc<Model>> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().models.update_model(principal, id, change).await
    }

    /// Makes an older version current again: the given one, or the previous one.
    pub async fn roll_back_model(
        &self,
        principal: &Principal,
        id: ModelId,
        version: Option<i32>,
    ) -> Result<Arc<Model>> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().models.roll_back_model(principal, id, version).await
    }

    /// Deletes a model with its versions. Its device, stream and scores stay.
    pub async fn delete_model(&self, principal: &Principal, id: ModelId) -> Result<()> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().models.delete_model(principal, id).await
    }
}
