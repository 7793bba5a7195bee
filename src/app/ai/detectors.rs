//! Models as they are run: read from the catalog when they are needed, and kept while there is room for their bytes.
//!
//! Whoever runs a model holds it for as long as one part of its windows takes, no longer. So those that are not running can
//! always leave memory, and models that do not fit together take turns: slower than if they did, and none is refused.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::threads::{Lane, Threads};
use crate::domain::model::Model;
use crate::domain::{Error, ModelId, OrgId, Principal, Result};
use crate::infer::detector::Detector;
use crate::store::Store;

/// How long a model that has been read waits for others to leave memory: parts of windows take seconds at most.
const PATIENCE: Duration = Duration::from_secs(15);

/// A version of a model.
type Key = (ModelId, i32);

pub struct Detectors {
    store: Arc<Store>,
    threads: Arc<Threads>,
    kept: Mutex<Kept>,
    account: Arc<Account>,
    /// Turns at reading: what is being read is not in the account yet.
    turns: Semaphore,
}

/// A model in memory. What it takes is given back when the last who runs it lets go.
#[derive(Debug)]
pub struct Loaded {
    detector: Detector,
    _share: Share,
}

impl Deref for Loaded {
    type Target = Detector;

    fn deref(&self) -> &Detector {
        &self.detector
    }
}

/// Bytes of all models in memory, also of those that are kept no longer but still run.
#[derive(Debug)]
struct Account {
    most: usize,
    taken: Mutex<usize>,
    /// Told whenever some are given back, and when a model that runs is done.
    freed: Notify,
}

#[derive(Debug)]
struct Share {
    account: Arc<Account>,
    bytes: usize,
}

impl Account {
    fn take(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let mut taken = self.taken.lock();
        if taken.saturating_add(bytes) > self.most {
            return None;
        }
        *taken += bytes;
        Some(Share { account: self.clone(), bytes })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.account.taken.lock() -= self.bytes;
        self.account.freed.notify_waiters();
    }
}

/// A model that somebody runs: it stays in memory until this is dropped.
pub struct Held {
    loaded: Option<Arc<Loaded>>,
    account: Arc<Account>,
}

impl Deref for Held {
    type Target = Detector;

    fn deref(&self) -> &Detector {
        self.loaded.as_ref().expect("it is taken out when this is dropped")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.loaded.take());
        // Who waits for room may now have it of this one.
        self.account.freed.notify_waiters();
    }
}

#[derive(Default)]
struct Kept {
    models: HashMap<Key, Entry>,
    uses: u64,
}

struct Entry {
    loaded: Arc<Loaded>,
    org: OrgId,
    /// The number of its last use.
    used: u64,
}

impl Kept {
    fn find(&mut self, key: Key) -> Option<Arc<Loaded>> {
        self.uses += 1;
        let entry = self.models.get_mut(&key)?;
        entry.used = self.uses;
        Some(entry.loaded.clone())
    }

    /// Keeps a model, in the place of its other versions.
    fn put(&mut self, (id, number): Key, org: OrgId, loaded: Arc<Loaded>) {
        self.uses += 1;
        self.models.retain(|(other, _), _| *other != id);
        self.models.insert((id, number), Entry { loaded, org, used: self.uses });
    }

    /// Lets go of one that nobody runs: of the organization whose models take most, the one not used for longest. Whoever
    /// has many or large models makes room with their own.
    fn forget_one(&mut self) -> bool {
        let mut bytes: HashMap<OrgId, usize> = HashMap::new();
        for entry in self.models.values() {
            *bytes.entry(entry.org).or_default() += entry.loaded.bytes();
        }
        let idle = self.models.iter().filter(|(_, entry)| Arc::strong_count(&entry.loaded) == 1);
        let first = |(_, entry): &(&Key, &Entry)| {
            let of_org = bytes.get(&entry.org).copied().unwrap_or_default();
            (std::cmp::Reverse(of_org), entry.used)
        };
        let Some(key) = idle.min_by_key(first).map(|(key, _)| *key) else { return false };
        self.models.remove(&key).is_some()
    }
}

impl Detectors {
    /// At most `most` bytes of models in memory.
    pub fn new(store: Arc<Store>, threads: Arc<Threads>, most: usize) -> Self {
        let account = Arc::new(Account { most, taken: Mutex::default(), freed: Notify::new() });
        let turns = Semaphore::new(threads.count());
        Self { store, threads, kept: Mutex::default(), account, turns }
    }

    /// Fails for a model that is too large to be in memory even alone.
    ///
    /// # Errors
    /// `TooLarge` naming `model` and the setting.
    pub fn check_size(&self, detector: &Detector) -> Result<()> {
        let (bytes, most) = (detector.bytes(), self.account.most);
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

    /// The current version of a model, ready to be run, to be let go soon. `model` names all of its sources, whoever asks.
    ///
    /// # Errors
    /// As `Detector::load`; what was right at its upload still is, unless this build reads less or may hold less. `Busy`
    /// when models that run leave no room.
    pub async fn get(&self, model: &Model) -> Result<Held> {
        let key = (model.id, model.version.number);
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let stopping = |_| Error::unavailable("the server is stopping");
        let _turn = self.turns.acquire().await.map_err(stopping)?;
        // Somebody else may have read it meanwhile.
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        let owner = Principal::system(model.org);
        let files = self.store.catalog().model_files(&owner, model.id, model.version.number).await?;
        let settings = model.version.settings.clone();
        let load = move |_: &mut _| Detector::load(&files.model, &files.scaler, &settings);
        let detector = self.threads.run(Lane::Live, load).await?;
        self.check_size(&detector)?;
        let share = self.room(detector.bytes()).await?;
        let loaded = Arc::new(Loaded { detector, _share: share });
        self.kept.lock().put(key, model.org, loaded.clone());
        Ok(self.held(loaded))
    }

    fn find(&self, key: Key) -> Option<Held> {
        let found = self.kept.lock().find(key)?;
        Some(self.held(found))
    }

    fn held(&self, loaded: Arc<Loaded>) -> Held {
        Held { loaded: Some(loaded), account: self.account.clone() }
    }

    /// Room for so many bytes, once enough other models have left.
    async fn room(&self, bytes: usize) -> Result<Share> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut freed = std::pin::pin!(self.account.freed.notified());
            // Before looking: what is given back meanwhile counts.
            freed.as_mut().enable();
            if let Some(share) = self.make_room(bytes) {
                return Ok(share);
            }
            let waited = tokio::time::timeout_at(deadline, freed).await;
            waited.map_err(|_| {
                Error::busy("the models that are running leave no room for this one (ai.loaded_bytes)")
            })?;
        }
    }

    fn make_room(&self, bytes: usize) -> Option<Share> {
        let mut kept = self.kept.lock();
        loop {
            if let Some(share) = self.account.take(bytes) {
                return Some(share);
            }
            if !kept.forget_one() {
                return None;
            }
        }
    }
}

#[cfg(test)]
#[path = "detectors_tests.rs"]
mod tests;
