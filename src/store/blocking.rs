//! Disk-bound work on the blocking pool, where waiting blocks no other task.

use crate::domain::{Error, Result};

/// Runs work on the blocking pool.
///
/// # Errors
/// The errors of the work; `Internal` with the message `ended_early` when it panicked or the process is ending.
pub async fn blocking<T: Send + 'static>(
    ended_early: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(ended_early).with_source(e))?
}
