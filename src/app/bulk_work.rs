//! Work of a request that may take long: large work has threads of its own, so that no short request waits for it.

use arrow::array::RecordBatch;

use crate::domain::Result;
use crate::query::byte_size;
use crate::store::throttle;

/// Returns the bytes of a batch's values when written out, by which its encoding is small or not.
pub fn batch_bytes(batch: &RecordBatch) -> usize {
    byte_size::of_batch(batch)
}

/// Runs work on the calling thread when it is small, else at a lower priority on the threads for large work.
///
/// # Errors
/// `Unavailable` when the threads cannot be started; `Internal` when the work panicked there.
pub async fn run<T: Send + 'static>(is_small: bool, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    if is_small { Ok(work()) } else { throttle::run_bulk(work).await }
}
