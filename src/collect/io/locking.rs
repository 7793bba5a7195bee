//! Places in line for the connection of a device, and for the registers of its controller.

use tokio::time::timeout;

use super::{DirectRequest, no_answer};
use crate::collect::shared_connection::SharedConnectionGuard;
use crate::collect::write_locks::{ControllerLock, WriteLocks};
use crate::domain::{Error, Result};

impl DirectRequest<'_> {
    pub(in crate::collect) fn queue_permit(&self) -> Result<impl Drop + '_> {
        self.connection.queue_permit().ok_or_else(|| Error::busy("Too many requests wait for this device."))
    }

    /// Waits for at most two timeouts: the poller's request and another caller's may each run into theirs first, after
    /// its pause.
    pub(in crate::collect) async fn lock_connection(&self) -> Result<SharedConnectionGuard<'_>> {
        self.in_time(self.connection.lock()).await.map(|connection| self.set_up(connection))
    }

    /// Waits as long for the connection, and for writes of other devices that are the same controller.
    pub(super) async fn lock_for_write(
        &self,
        locks: &WriteLocks,
    ) -> Result<(ControllerLock, SharedConnectionGuard<'_>)> {
        // The connection comes second, so that the poller does not wait for other devices.
        let both = async { (locks.lock(&self.device).await, self.connection.lock().await) };
        let (lock, connection) = self.in_time(both).await?;
        Ok((lock, self.set_up(connection)))
    }

    async fn in_time<T>(&self, locking: impl Future<Output = T>) -> Result<T> {
        let after = self.endpoint.timeout();
        let longest = 2 * (after + self.endpoint.usage().longest_pause());
        timeout(longest, locking).await.map_err(|_| no_answer(after.as_secs_f64()))
    }

    fn set_up<'c>(&self, mut connection: SharedConnectionGuard<'c>) -> SharedConnectionGuard<'c> {
        if self.endpoint.usage().close_after_poll {
            connection.close_when_dropped();
        }
        connection
    }
}
