//! Memory-bounded LRU cache of loaded models. A model is read from the catalog when it is first needed and stays while
//! the budget allows.
//!
//! A caller holds a model for only one chunk of windows. So idle models can always be evicted, and models that do not
//! fit into memory together alternate: they run more slowly, but none is refused.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::inference_pool::{InferencePool, InferencePriority};
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::model::Model;
use crate::domain::{Error, ModelId, OrgId, Principal, Result};
use crate::infer::detector::Detector;
use crate::store::Store;

/// How long a loaded model waits for others to be evicted; one chunk of windows takes seconds at most.
const MEMORY_WAIT_TIMEOUT: Duration = Duration::from_secs(15);

/// Model id and version number.
type Key = (ModelId, i32);

/// The cache of loaded models, by model and version, with the budget of their memory.
pub struct DetectorCache {
    store: Arc<Store>,
    threads: Arc<InferencePool>,
    lru: Mutex<DetectorLru>,
    account: Arc<ModelMemoryBudget>,
    /// Limits concurrent loads: a model that is being loaded is not counted in `account` yet.
    load_slots: Semaphore,
}

/// A model in memory. Its bytes are released when the last user drops it.
#[derive(Debug)]
pub struct LoadedDetector {
    detector: Detector,
    _share: ModelMemoryPermit,
}

impl Deref for LoadedDetector {
    type Target = Detector;

    fn deref(&self) -> &Detector {
        &self.detector
    }
}

/// Bytes of all models in memory, including evicted ones that are still running.
#[derive(Debug)]
struct ModelMemoryBudget {
    max_bytes: usize,
    used_bytes: Mutex<usize>,
    /// Notified when bytes are released and when a running model becomes idle.
    freed: Notify,
}

#[derive(Debug)]
struct ModelMemoryPermit {
    account: Arc<ModelMemoryBudget>,
    bytes: usize,
}

impl ModelMemoryBudget {
    fn take(self: &Arc<Self>, bytes: usize) -> Option<ModelMemoryPermit> {
        let mut taken = self.used_bytes.lock();
        if taken.saturating_add(bytes) > self.max_bytes {
            return None;
        }
        *taken += bytes;
        Some(ModelMemoryPermit { account: self.clone(), bytes })
    }
}

impl Drop for ModelMemoryPermit {
    fn drop(&mut self) {
        *self.account.used_bytes.lock() -= self.bytes;
        self.account.freed.notify_waiters();
    }
}

/// A model in use: it stays in memory until the guard is dropped.
pub struct DetectorGuard {
    loaded: Option<Arc<LoadedDetector>>,
    account: Arc<ModelMemoryBudget>,
}

impl Deref for DetectorGuard {
    type Target = Detector;

    fn deref(&self) -> &Detector {
        self.loaded.as_ref().expect("it is taken out when this is dropped")
    }
}

impl Drop for DetectorGuard {
    fn drop(&mut self) {
        drop(self.loaded.take());
        // The model may be idle now, so a waiter may evict it.
        self.account.freed.notify_waiters();
    }
}

#[derive(Default)]
struct DetectorLru {
    models: HashMap<Key, LruEntry>,
    uses: u64,
}

struct LruEntry {
    loaded: Arc<LoadedDetector>,
    org: OrgId,
    /// The value of `uses` at the last use.
    used: u64,
}

impl DetectorLru {
    fn find(&mut self, key: Key) -> Option<Arc<LoadedDetector>> {
        self.uses += 1;
        let entry = self.models.get_mut(&key)?;
        entry.used = self.uses;
        Some(entry.loaded.clone())
    }

    /// Inserts a model and removes its other versions.
    fn put(&mut self, (id, number): Key, org: OrgId, loaded: Arc<LoadedDetector>) {
        self.uses += 1;
        self.models.retain(|(other, _), _| *other != id);
        self.models.insert((id, number), LruEntry { loaded, org, used: self.uses });
    }

    /// Evicts one idle model: the least recently used one of the organization whose models take the most memory, so
    /// that an organization with many or large models makes room with its own. Returns whether a model was evicted.
    fn evict_one(&mut self) -> bool {
        let mut bytes: HashMap<OrgId, usize> = HashMap::new();
        for entry in self.models.values() {
            *bytes.entry(entry.org).or_default() += entry.loaded.memory_bytes();
        }
        let idle = self.models.iter().filter(|(_, entry)| Arc::strong_count(&entry.loaded) == 1);
        let first = |(_, entry): &(&Key, &LruEntry)| {
            let of_org = bytes.get(&entry.org).copied().unwrap_or_default();
            (std::cmp::Reverse(of_org), entry.used)
        };
        let Some(key) = idle.min_by_key(first).map(|(key, _)| *key) else { return false };
        self.models.remove(&key).is_some()
    }
}

impl DetectorCache {
    /// Creates a cache that holds at most `most` bytes of models.
    pub fn new(store: Arc<Store>, threads: Arc<InferencePool>, most: usize) -> Self {
        let account = Arc::new(ModelMemoryBudget {
            max_bytes: most,
            used_bytes: Mutex::default(),
            freed: Notify::new(),
        });
        let load_slots = Semaphore::new(threads.count());
        Self { store, threads, lru: Mutex::default(), account, load_slots }
    }

    /// Returns the use of the budget of loaded models.
    pub fn usage(&self) -> MemoryUsage {
        let used_bytes = *self.account.used_bytes.lock();
        MemoryUsage { budget: "models", used_bytes, limit_bytes: self.account.max_bytes }
    }

    /// Checks that a model would fit into the budget when it is the only one loaded.
    ///
    /// # Errors
    /// `TooLarge` naming `model` and the setting.
    pub fn check_size(&self, detector: &Detector) -> Result<()> {
        let (bytes, most) = (detector.memory_bytes(), self.account.max_bytes);
        if bytes <= most {
            return Ok(());
        }
        let megabytes = |bytes: usize| bytes as f64 / 1e6;
        Err(Error::too_large(format!(
            "model: it takes {:.1} MB of memory when it is loaded; all models together may take {:.1} MB (ai.loaded_bytes)",
            megabytes(bytes),
            megabytes(most)
        )))
    }

    /// Returns the current version of a model, loading it if necessary. Callers must drop the guard soon. `model` must
    /// name all of its sources, whatever the principal may see.
    ///
    /// # Errors
    /// The errors of `Detector::load`. A model that was valid when it was uploaded loads again, unless this build supports fewer
    /// operators or has lower limits. `Busy` when running models leave no room.
    pub async fn get(&self, model: &Model) -> Result<DetectorGuard> {
        let key = (model.id, model.version.number);
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let stopping = |_| Error::unavailable("the server is stopping");
        let _turn = self.load_slots.acquire().await.map_err(stopping)?;
        // Another task may have loaded it meanwhile.
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let owner = Principal::system(model.org);
        let files = self.store.catalog().models.model_files(&owner, model.id, model.version.number).await?;
        let settings = model.version.settings.clone();
        let load = move |_: &mut _| Detector::load(&files.model, &files.scaler, &settings);
        let detector = self.threads.run(InferencePriority::Live, load).await?;
        self.check_size(&detector)?;
        let share = self.reserve(detector.memory_bytes()).await?;
        let loaded = Arc::new(LoadedDetector { detector, _share: share });
        self.lru.lock().put(key, model.org, loaded.clone());
        Ok(self.held(loaded))
    }

    fn find(&self, key: Key) -> Option<DetectorGuard> {
        let found = self.lru.lock().find(key)?;
        Some(self.held(found))
    }

    fn held(&self, loaded: Arc<LoadedDetector>) -> DetectorGuard {
        DetectorGuard { loaded: Some(loaded), account: self.account.clone() }
    }

    /// Reserves memory, waiting until enough other models are evicted.
    async fn reserve(&self, bytes: usize) -> Result<ModelMemoryPermit> {
        let deadline = Instant::now() + MEMORY_WAIT_TIMEOUT;
        loop {
            let mut freed = std::pin::pin!(self.account.freed.notified());
            // Enabled before the check, so that a release in between is not missed.
            freed.as_mut().enable();
            if let Some(share) = self.try_reserve(bytes) {
                return Ok(share);
            }
            let waited = tokio::time::timeout_at(deadline, freed).await;
            waited.map_err(|_| {
                Error::busy("the models that are running leave no room for this one (ai.loaded_bytes)")
            })?;
        }
    }

    fn try_reserve(&self, bytes: usize) -> Option<ModelMemoryPermit> {
        let mut kept = self.lru.lock();
        loop {
            if let Some(share) = self.account.take(bytes) {
                return Some(share);
            }
            if !kept.evict_one() {
                return None;
            }
        }
    }
}

#[cfg(test)]
#[path = "detector_cache_tests.rs"]
mod tests;
