//! Hashing passwords: off the threads that serve sockets, a few at a time, and never a queue without end.

use tokio::sync::Semaphore;

use crate::auth::password;
use crate::domain::{Error, Result};

/// At once: each takes 19 MiB and a core for tens of milliseconds.
const RUNNING: usize = 2;
/// Running and waiting; a second's work.
const ADMITTED: usize = 32;

/// Where passwords are hashed.
pub(super) struct Passwords {
    admitted: Semaphore,
    running: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { admitted: Semaphore::new(ADMITTED), running: Semaphore::new(RUNNING) }
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
        let _admitted = self.admitted.try_acquire().map_err(|_| Error::busy("too many logins at once"))?;
        let closed = "neither semaphore is ever closed";
        let _running = self.running.acquire().await.expect(closed);
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| Error::internal("hashing a password was interrupted").because(e))
    }
}
