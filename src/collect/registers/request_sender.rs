//! Sender of the read requests of a poller to its device, over the connection that it shares with one-off requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::plan::ReadBlock;
use crate::collect::client::{DeviceEndpoint, RangeOutcomes};
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::SourceContext;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::{Clock, Micros};

/// Time and outcome of a request: the outcomes of its blocks, the device's refusal of all of it, or how it was lost.
pub(super) type SentRequest = (Micros, Result<RangeOutcomes, DeviceFault>);

pub(super) struct RequestSender {
    endpoint: Arc<dyn DeviceEndpoint>,
    connection: Arc<SharedConnection>,
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

impl RequestSender {
    /// Takes connection, status and clock of the context; opens no connection yet.
    pub fn new(endpoint: Arc<dyn DeviceEndpoint>, context: SourceContext) -> RequestSender {
        let SourceContext { connection, status, clock, .. } = context;
        RequestSender { endpoint, connection, status, clock }
    }

    /// Whether both senders reach one device with equal settings, so that what is learned of it stays true.
    pub fn is_same_endpoint(&self, other: &RequestSender) -> bool {
        self.endpoint.is_same(&*other.endpoint)
    }

    /// Time limit of a request.
    pub fn timeout(&self) -> Duration {
        self.endpoint.timeout()
    }

    /// Pauses of the device, and whether its connection is closed after each poll.
    pub fn usage(&self) -> ConnectionUsage {
        self.endpoint.usage()
    }

    /// Current time of the injected clock, which dates results and faults.
    pub fn now(&self) -> Micros {
        self.clock.now()
    }

    /// Connects unless connected.
    pub async fn connect(&self) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let connected = connection.get_or_connect(&self.endpoint).await.map(drop);
        connected.inspect_err(|fault| self.record_fault(fault))
    }

    /// Closes the shared connection, for one-off requests too; the next request opens another.
    pub async fn disconnect(&self) {
        self.connection.lock().await.disconnect();
    }

    /// Sends a request, and again over a new connection if one that had worked is found closed: many devices close idle
    /// connections, some after each answer, which is no loss of the device.
    ///
    /// # Errors
    /// The device cannot be connected to, or its answers cannot be told apart.
    pub async fn send_reopening(&self, request: &[ReadBlock]) -> Result<SentRequest, DeviceFault> {
        let had_worked = self.connection.lock().await.has_worked();
        let sent = self.send(request).await?;
        if !(had_worked && matches!(sent.1, Err(DeviceFault::Closed { .. }))) {
            return Ok(sent);
        }
        let again = self.send(request).await?;
        if again.1.is_ok() {
            self.status.record_reconnect();
        }
        Ok(again)
    }

    /// Sends a request and counts it. After a loss the connection is closed.
    ///
    /// # Errors
    /// The device cannot be connected to, or bytes arrived that answer no request: that is the connection's fault, and no
    /// register's.
    pub async fn send(&self, request: &[ReadBlock]) -> Result<SentRequest, DeviceFault> {
        let mut connection = self.connection.lock().await;
        let client =
            connection.get_or_connect(&self.endpoint).await.inspect_err(|fault| self.record_fault(fault))?;
        let started = Instant::now();
        let outcome = match request {
            [block] => client.read_registers(block.span).await.map(|data| vec![Ok(data)]),
            blocks => {
                let spans: Vec<_> = blocks.iter().map(|block| block.span).collect();
                client.read_scattered(&spans).await
            }
        };
        let now = self.now();
        match &outcome {
            Ok(outcomes) => {
                self.status.record_response(now, started.elapsed());
                for fault in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
                    self.status.record_fault(now, fault);
                }
            }
            Err(fault) => connection.record_failure(&self.status, now, fault),
        }
        match outcome {
            Err(fault @ DeviceFault::Unsolicited { .. }) => Err(fault),
            outcome => Ok((now, outcome)),
        }
    }

    fn record_fault(&self, fault: &DeviceFault) {
        self.status.record_fault(self.now(), fault);
    }
}
