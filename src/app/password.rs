//! Password hashing on blocking threads, with limits on running and waiting hashes.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::auth::password;
use crate::domain::{Error, Result};

/// Concurrent hashes: each takes 19 MiB and a core for tens of milliseconds.
const MAX_RUNNING_HASHES: usize = 2;
/// Running and waiting hashes: about a second's work.
const MAX_ADMITTED_HASHES: usize = 32;

/// Limits concurrent password hashes.
pub(super) struct PasswordWorkers {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for PasswordWorkers {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { admitted: places(MAX_ADMITTED_HASHES), running: places(MAX_RUNNING_HASHES) }
    }
}

impl PasswordWorkers {
    /// Returns the stored form of a password; see `auth::password::hash`. `Busy` when too many wait.
    pub(super) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || password::hash(&password)).await?
    }

    /// Returns whether a password matches a hash. Without a hash it does not, after the same time. `Busy` when too
    /// many wait.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let check = move || {
            let is_right = password::verify(&password, hash.as_deref().unwrap_or(password::DUMMY_HASH));
            is_right && hash.is_some()
        };
        self.run(check).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let admitted = self.admitted.clone().try_acquire_owned();
        let admitted = admitted.map_err(|_| Error::busy("too many logins at once"))?;
        let running = self.running.clone().acquire_owned().await.expect("this semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            // The caller may be dropped, but the hash is computed to its end and counts until then.
            let _places = (admitted, running);
            work()
        });
        done.await.map_err(|e| Error::internal("hashing a password was interrupted").with_source(e))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::domain::Kind;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_leaves_does_not_let_more_run() {
        let passwords = Arc::new(PasswordWorkers::default());
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..4 * MAX_RUNNING_HASHES {
            let (passwords, now, most) = (passwords.clone(), now.clone(), most.clone());
            let checking = tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(100));
                    now.fetch_sub(1, Ordering::SeqCst);
                };
                passwords.run(work).await
            });
            tokio::time::sleep(Duration::from_millis(20)).await;
            // The caller disconnects in the middle.
            checking.abort();
        }
        let places =
            passwords.running.acquire_many(MAX_RUNNING_HASHES as u32).await.expect("all of them come back");
        drop(places);
        assert_eq!(most.load(Ordering::SeqCst), MAX_RUNNING_HASHES);
        assert_eq!(passwords.admitted.available_permits(), MAX_ADMITTED_HASHES);
    }

    #[tokio::test]
    async fn no_more_wait_than_are_admitted() {
        let passwords = PasswordWorkers::default();
        let _admitted = passwords.admitted.acquire_many(MAX_ADMITTED_HASHES as u32).await.expect("free");
        let refused = passwords.verify("secret".to_owned(), None).await.expect_err("no place");
        assert_eq!(refused.kind, Kind::Busy);
    }
}
