//! End of a connection, known before any request that fails with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a connection has ended. It is set before its requests get their errors, so that nobody who got one sends another
/// request over the connection.
#[derive(Debug, Clone, Default)]
pub struct EndFlag(Arc<AtomicBool>);

impl EndFlag {
    /// Marks the connection as ended, in all clones and for good.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the connection has ended; its requests may still wait for their errors.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
