//! Signals that interrupt a collector: its device changed, or the server stops.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Signals to a running collector from outside.
#[derive(Debug, Clone)]
pub struct CollectorSignal {
    /// Ticks when the device or one of its streams changed; closed when the device is deleted.
    changes: watch::Receiver<()>,
    stop: CancellationToken,
}

/// The wait ended early: the device changed or the server stops.
#[derive(Debug, PartialEq, Eq)]
pub struct Interruption;

impl CollectorSignal {
    /// Combines the changes of one device with the stop of the server, which all its collectors share.
    pub fn new(changes: watch::Receiver<()>, stop: CancellationToken) -> Self {
        Self { changes, stop }
    }

    /// Marks all changes so far as seen; the caller is about to reload the device.
    pub fn acknowledge(&mut self) {
        self.changes.mark_unchanged();
    }

    /// Whether the server stops or the device is deleted, so that no further signal will come.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled() || self.changes.has_changed().is_err()
    }

    /// Whether there is a signal that was not acknowledged yet.
    pub fn is_pending(&self) -> bool {
        self.stop.is_cancelled() || self.changes.has_changed().unwrap_or(true)
    }

    /// Resolves as soon as `is_pending` holds.
    pub async fn pending(&mut self) {
        if self.is_pending() {
            return;
        }
        tokio::select! {
            () = self.stop.cancelled() => {}
            changed = self.changes.changed() => {
                if changed.is_ok() {
                    self.changes.mark_changed();
                }
            }
        }
    }

    /// Awaits `work` unless a signal comes first; then `work` is dropped.
    pub async fn unless_pending<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Interruption> {
        tokio::select! {
            biased;
            () = self.pending() => Err(Interruption),
            done = work => Ok(done),
        }
    }

    /// Awaits `work` unless the server stops first. For work that a mere change must not interrupt.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Interruption> {
        self.stop.run_until_cancelled(work).await.ok_or(Interruption)
    }
}
