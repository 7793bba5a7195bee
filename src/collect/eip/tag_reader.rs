//! Reads tags of one controller over the connection that its poller shares with direct requests.

use std::sync::Arc;

use tokio::time::Instant;

use super::client::{EipClient, TagOutcome};
use super::endpoint::EipEndpoint;
use super::tag::TagPath;
use crate::collect::fault::DeviceFault;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::{Clock, Micros};

/// Reader of one controller.
pub(super) struct TagReader {
    pub endpoint: Arc<EipEndpoint>,
    pub connection: Arc<SharedConnection>,
    pub status: Arc<DeviceStatusCell>,
    pub clock: Arc<dyn Clock>,
}

impl TagReader {
    /// Connects unless connected.
    ///
    /// # Errors
    /// The controller cannot be connected to.
    pub async fn open(&self) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let connected = connection.client::<EipClient>(&self.endpoint).await.map(drop);
        connected.inspect_err(|fault| self.status.record_fault(self.clock.now(), fault))
    }

    /// Reads tags in one message, and says when they came. A connection that had worked and is found closed is reopened once on the
    /// spot: controllers close sessions that are idle for longer than two minutes, which is no loss of the source.
    ///
    /// # Errors
    /// The fault of the message as a whole. One that concerns a tag is in its place of the list.
    pub async fn read(&self, paths: &[&TagPath]) -> Result<(Micros, Vec<TagOutcome>), DeviceFault> {
        let had_worked = self.connection.lock().await.has_worked();
        match self.read_once(paths).await {
            Err(DeviceFault::Closed { .. }) if had_worked => {
                self.read_once(paths).await.inspect(|_| self.status.record_reconnect())
            }
            read => read,
        }
    }

    async fn read_once(&self, paths: &[&TagPath]) -> Result<(Micros, Vec<TagOutcome>), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let started = Instant::now();
        let read = match connection.client::<EipClient>(&self.endpoint).await {
            Ok(client) => client.read_tags(paths).await,
            Err(fault) => Err(fault),
        };
        let now = self.clock.now();
        match &read {
            Ok(_) => self.status.record_response(now, started.elapsed()),
            Err(fault) => connection.record_failure(&self.status, now, fault),
        }
        read.map(|outcomes| (now, outcomes))
    }
}
