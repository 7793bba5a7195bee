//! Hashing passwords: off the threads that serve sockets, a few at a time, and never a queue without end.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::auth::password;
use crate::domain::{Error, Result};

/// At once: each takes 19 MiB and a core for tens of milliseconds.
const RUNNING: usize = 2;
/// Running and waiting; a second's work.
const ADMITTED: usize = 32;

/// Where passwords are hashed.
pub(super) struct Passwords {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { admitted: places(ADMITTED), running: places(RUNNING) }
    }
}

impl Passwords {
    /// The stored form of a password; see `auth::password::hash`. `Busy` when too many wait.
    pub(super) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || password::hash(&password)).await?
    }

    /// Whether a password is the one behind a hash. With no hash it is not, after the same time. `Busy` as above.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let check = move || {
            let is_right = password::verify(&password, hash.as_deref().unwrap_or(password::OF_NOBODY));
            is_right && hash.is_some()
        };
        self.run(check).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let admitted = self.admitted.clone().try_acquire_owned();
        let admitted = admitted.map_err(|_| Error::busy("too many logins at once"))?;
        let running = self.running.clone().acquire_owned().await.expect("this semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            // Whoever asked may leave: the hash is computed to its end, and so long it counts.
            let _places = (admitted, running);
            work()
        });
        done.await.map_err(|e| Error::internal("hashing a password was interrupted").because(e))
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
        let passwords = Arc::new(Passwords::default());
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..4 * RUNNING {
            let (passwords, now, most) = (passwords.clone(), now.clone(), most.clone());
            let asked = tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(100));
                    now.fetch_sub(1, Ordering::SeqCst);
                };
                passwords.run(work).await
            });
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Hangs up in the middle.
            asked.abort();
        }
        let places = passwords.running.acquire_many(RUNNING as u32).await.expect("all of them come back");
        drop(places);
        assert_eq!(most.load(Ordering::SeqCst), RUNNING);
        assert_eq!(passwords.admitted.available_permits(), ADMITTED);
    }

    #[tokio::test]
    async fn no_more_wait_than_are_admitted() {
        let passwords = Passwords::default();
        let _admitted = passwords.admitted.acquire_many(ADMITTED as u32).await.expect("free");
        let refused = passwords.verify("secret".to_owned(), None).await.expect_err("no place");
        assert_eq!(refused.kind, Kind::Busy);
    }
}
