//! Connection of a source to its server, which it shares with one-off requests.

use std::sync::Arc;

use super::client::OpcuaClient;
use super::endpoint::OpcuaEndpoint;
use super::operation_limits::OperationLimits;
use crate::collect::fault::DeviceFault;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::{Clock, Micros};

/// A source's access to its server, which counts faults in the device's status and closes a connection that is lost.
pub struct ServerLink {
    pub endpoint: Arc<OpcuaEndpoint>,
    pub connection: Arc<SharedConnection>,
    pub status: Arc<DeviceStatusCell>,
    pub clock: Arc<dyn Clock>,
    /// Distinguishes the subscriptions of a source from those of its predecessor on the same session.
    pub subscriber: u64,
}

impl ServerLink {
    /// Current time of the injected clock, which dates results and faults.
    pub fn now(&self) -> Micros {
        self.clock.now()
    }

    /// Connects unless connected, and deletes the subscriptions of an earlier source.
    pub async fn connect(&self) -> Result<OperationLimits, DeviceFault> {
        let mut connection = self.connection.lock().await;
        let connected = match connection.client::<OpcuaClient>(&self.endpoint).await {
            Ok(client) => client.claim_subscriptions(self.subscriber).await.map(|()| client.limits),
            Err(fault) => Err(fault),
        };
        connected.inspect_err(|fault| connection.record_failure(&self.status, self.now(), fault))
    }

    /// Deletes all subscriptions of the session.
    pub async fn delete_subscriptions(&self) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let deleted = match connection.client::<OpcuaClient>(&self.endpoint).await {
            Ok(client) => client.delete_subscriptions().await,
            Err(fault) => Err(fault),
        };
        deleted.inspect_err(|fault| connection.record_failure(&self.status, self.now(), fault))
    }

    /// Requests something that every server has.
    pub async fn probe(&self) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let probed = match connection.client::<OpcuaClient>(&self.endpoint).await {
            Ok(client) => client.probe().await,
            Err(fault) => Err(fault),
        };
        probed.inspect_err(|fault| connection.record_failure(&self.status, self.now(), fault))
    }
}
