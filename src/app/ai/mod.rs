//! Anomaly detection: models over streams. Uploading them, changing them, running them live and over history.

pub mod calibrate;
mod detectors;
mod feed;
mod history;
pub mod inspect;
mod judge;
pub mod live;
mod past;
pub mod scoring;
mod threads;
pub mod upload;

use std::sync::Arc;

use tokio::sync::Semaphore;

use self::detectors::Detectors;
use self::live::Board;
use self::threads::Threads;
use super::App;
use super::job::Jobs;
use crate::domain::model::{Model, ModelFiles, ModelSettings, ModelVersion};
use crate::domain::{DeviceId, ModelId, Principal, Resource, Result, Scope};
use crate::store::Store;

pub use self::live::{ModelState, ModelStatus};

/// What running models needs, shared by everything that runs them.
#[derive(Clone)]
pub struct AiParts {
    pub(super) store: Arc<Store>,
    pub(super) threads: Arc<Threads>,
    pub(super) detectors: Arc<Detectors>,
    /// What the live models say of themselves.
    board: Arc<Board>,
    pub(super) jobs: Arc<Jobs>,
    /// Turns at reading what is stored: a start with many models leaves the queries of others their places.
    pub(super) reads: Arc<Semaphore>,
}

/// Bytes of models in memory unless something else is configured: some thousands of usual ones, two of the largest.
pub const LOADED_BYTES: usize = 256_000_000;

/// Models that read what is stored at a moment.
const READING: usize = 2;

impl AiParts {
    /// Models in memory take at most `loaded_bytes`.
    pub fn new(store: Arc<Store>, loaded_bytes: usize) -> Self {
        let threads = Arc::new(Threads::new());
        let detectors = Arc::new(Detectors::new(store.clone(), threads.clone(), loaded_bytes));
        Self {
            store,
            threads,
            detectors,
            board: Arc::default(),
            jobs: Arc::default(),
            reads: Arc::new(Semaphore::new(READING)),
        }
    }
}

impl App {
    /// The models the principal sees, by id.
    pub fn models(&self, principal: &Principal) -> Result<Vec<Arc<Model>>> {
        principal.require(Scope::read(Resource::System))?;
        Ok(self.store.catalog().models(principal))
    }

    pub fn model(&self, principal: &Principal, id: ModelId) -> Result<Arc<Model>> {
        principal.require(Scope::read(Resource::System))?;
        self.store.catalog().model(principal, id)
    }

    /// The models of these devices, as far as the principal sees them.
    pub fn models_of_devices(&self, principal: &Principal, devices: &[DeviceId]) -> Result<Vec<Arc<Model>>> {
        principal.require(Scope::read(Resource::System))?;
        Ok(self.store.catalog().models_of_devices(principal, devices))
    }

    /// The model, for a principal that may change it.
    pub fn model_to_change(&self, principal: &Principal, id: ModelId) -> Result<Arc<Model>> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().model_to_change(principal, id)
    }

    /// What the pipeline says of a model that the caller has been given.
    pub fn status_of_model(&self, model: &Model) -> ModelStatus {
        self.ai.board.status(model, self.clock.now())
    }

    /// The versions that are kept, the newest first.
    pub async fn model_versions(&self, principal: &Principal, id: ModelId) -> Result<Vec<ModelVersion>> {
        principal.require(Scope::read(Resource::System))?;
        self.store.catalog().model_versions(principal, id).await
    }

    /// The files of a version, as they were uploaded.
    pub async fn model_files(&self, principal: &Principal, id: ModelId, version: i32) -> Result<ModelFiles> {
        principal.require(Scope::read(Resource::System))?;
        self.store.catalog().model_files(principal, id, version).await
    }

    /// Changes whether a model is enabled and the settings of its current version, as they stand at that moment.
    pub async fn update_model(
        &self,
        principal: &Principal,
        id: ModelId,
        change: impl FnOnce(&mut bool, &mut ModelSettings) + Send,
    ) -> Result<Arc<Model>> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().update_model(principal, id, change).await
    }

    /// Makes an older version current again: the one named, or the one before.
    pub async fn roll_back_model(
        &self,
        principal: &Principal,
        id: ModelId,
        version: Option<i32>,
    ) -> Result<Arc<Model>> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().roll_back_model(principal, id, version).await
    }

    /// Deletes a model with its versions; device, stream and scores stay.
    pub async fn delete_model(&self, principal: &Principal, id: ModelId) -> Result<()> {
        principal.require(Scope::write(Resource::System))?;
        self.store.catalog().delete_model(principal, id).await
    }
}
