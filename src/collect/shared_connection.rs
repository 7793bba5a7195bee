//! Mutex over the one connection to a device: its poller and one-off requests take turns, so that their frames never
//! mix and a device that allows a single connection serves both.

use std::any::Any;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use super::client::{ConnectContext, DeviceClient, DeviceEndpoint};
use super::fault::DeviceFault;
use super::status_cell::DeviceStatusCell;
use crate::domain::Micros;

/// One-off requests that may wait for one device; more are refused and not queued.
const MAX_WAITING_REQUESTS: usize = 16;

/// A device's connection, open or not.
pub struct SharedConnection {
    connection: Mutex<Option<OpenConnection>>,
    waiting: Semaphore,
    context: ConnectContext,
}

struct OpenConnection {
    endpoint: Arc<dyn DeviceEndpoint>,
    client: Box<dyn DeviceClient>,
}

/// Exclusive use of the connection. The lock is fair, so a poller of many blocks and other callers alternate.
pub struct SharedConnectionGuard<'a> {
    connection: MutexGuard<'a, Option<OpenConnection>>,
    context: &'a ConnectContext,
    closes_when_dropped: bool,
}

impl SharedConnection {
    /// A connection that is not open yet.
    pub fn new(context: ConnectContext) -> Self {
        Self { connection: Mutex::default(), waiting: Semaphore::new(MAX_WAITING_REQUESTS), context }
    }

    /// Waits until nobody else uses the connection.
    pub async fn lock(&self) -> SharedConnectionGuard<'_> {
        let connection = self.connection.lock().await;
        SharedConnectionGuard { connection, context: &self.context, closes_when_dropped: false }
    }

    /// Reserves a place in the queue; `None` when too many requests wait. Keep it for as long as the guard.
    pub fn queue_permit(&self) -> Option<SemaphorePermit<'_>> {
        self.waiting.try_acquire().ok()
    }
}

impl SharedConnectionGuard<'_> {
    /// Returns the connection to `endpoint` and opens it first if needed.
    pub async fn get_or_connect(
        &mut self,
        endpoint: &Arc<dyn DeviceEndpoint>,
    ) -> Result<&mut dyn DeviceClient, DeviceFault> {
        let is_usable = |open: &OpenConnection| open.client.is_open() && open.endpoint.is_same(&**endpoint);
        if !self.connection.as_ref().is_some_and(is_usable) {
            // Closed first: a device may allow one connection only.
            *self.connection = None;
            let client = endpoint.connect(self.context).await?;
            *self.connection = Some(OpenConnection { endpoint: Arc::clone(endpoint), client });
        }
        Ok(&mut *self.connection.as_mut().expect("it was opened above").client)
    }

    /// Returns the connection to `endpoint` as the client that endpoints of this type make, and opens it first if needed.
    pub async fn client<C: DeviceClient>(
        &mut self,
        endpoint: &Arc<impl DeviceEndpoint>,
    ) -> Result<&mut C, DeviceFault> {
        let endpoint: Arc<dyn DeviceEndpoint> = endpoint.clone();
        let client: &mut dyn Any = self.get_or_connect(&endpoint).await?;
        Ok(client.downcast_mut().expect("endpoints of one type make clients of one type"))
    }

    /// Returns the connection as the client that endpoints of one type make, if it is open, and opens none.
    pub fn open_client<C: DeviceClient>(&mut self) -> Option<&mut C> {
        let open = self.connection.as_mut().filter(|open| open.client.is_open())?;
        let client: &mut dyn Any = &mut *open.client;
        client.downcast_mut()
    }

    /// Counts a failure; a connection that failed is not used again.
    pub fn record_failure(&mut self, status: &DeviceStatusCell, at: Micros, fault: &DeviceFault) {
        status.record_fault(at, fault);
        if fault.is_connection_loss() {
            self.disconnect();
        }
    }

    /// Whether the open connection has answered before: if it is found closed now, it may just have been idle for too
    /// long.
    pub fn has_worked(&self) -> bool {
        self.connection.as_ref().is_some_and(|open| open.client.has_answered())
    }

    /// Closes the connection and, where the protocol has an orderly end, waits until the device has confirmed it.
    pub async fn close(&mut self) {
        if let Some(open) = self.connection.take() {
            open.client.close().await;
        }
    }

    /// Closes the connection at once.
    pub fn disconnect(&mut self) {
        *self.connection = None;
    }

    /// Closes the connection when this use of it ends.
    pub fn close_when_dropped(&mut self) {
        self.closes_when_dropped = true;
    }
}

impl Drop for SharedConnectionGuard<'_> {
    fn drop(&mut self) {
        if self.closes_when_dropped {
            self.disconnect();
        }
    }
}
