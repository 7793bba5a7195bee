//! Connection of a host application: the MQTT client with what the host knows on this connection.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::address::NodeId;
use super::command;
use super::endpoint::SparkplugEndpoint;
use super::host::HostState;
use super::topic::state_topic;
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, foreign_address, is_equal};
use crate::collect::fault::DeviceFault;
use crate::collect::mqtt::client::{MqttClient, WantedFilter};
use crate::collect::mqtt::inbox::Inbox;
use crate::collect::mqtt::session::DepartureMessages;
use crate::collect::point::{DevicePoint, PointData, PointWrite};
use crate::domain::{Clock, Micros};

/// An open connection of a host. It is announced as online once it has subscribed.
pub struct SparkplugClient {
    mqtt: MqttClient,
    host_id: String,
    clock: Arc<dyn Clock>,
    /// Time in the host's state on this connection: will and birth must have the same.
    connected_at: Micros,
    is_announced: bool,
    state: Arc<Mutex<HostState>>,
}

impl SparkplugClient {
    /// Connects and logs in. Each step may take the endpoint's timeout.
    pub async fn connect(
        endpoint: &SparkplugEndpoint,
        context: &ConnectContext,
    ) -> Result<SparkplugClient, DeviceFault> {
        let connected_at = context.clock.now();
        let host_id = endpoint.host_id.clone();
        let departure = DepartureMessages {
            will: command::state(&host_id, false, connected_at),
            on_close: Box::new(move |now| command::state(&host_id, false, now)),
        };
        Ok(SparkplugClient {
            mqtt: MqttClient::connect_with(&endpoint.broker, Some(departure), context).await?,
            host_id: endpoint.host_id.clone(),
            clock: Arc::clone(&context.clock),
            connected_at,
            is_announced: false,
            state: Arc::default(),
        })
    }

    /// Messages received on this connection, of the host's own state among others.
    pub fn inbox(&self) -> &Arc<Inbox> {
        self.mqtt.inbox()
    }

    /// State of the host on this connection.
    pub fn state(&self) -> &Arc<Mutex<HostState>> {
        &self.state
    }

    /// The filters that the broker refused.
    pub fn refused(&self) -> Vec<String> {
        self.mqtt.refused()
    }

    /// Subscribes to these filters and to the host's own state, once for each subscriber, and then announces the host.
    pub async fn subscribe(
        &mut self,
        subscriber: u64,
        filters: &[String],
        is_acknowledged: bool,
    ) -> Result<(), DeviceFault> {
        let mut filters: Vec<WantedFilter> = filters.iter().map(|filter| WantedFilter::new(filter)).collect();
        filters.push(WantedFilter::new(&state_topic(&self.host_id)));
        self.mqtt.subscribe(subscriber, &filters, is_acknowledged).await?;
        if !self.is_announced {
            self.announce().await?;
            self.is_announced = true;
        }
        Ok(())
    }

    /// Says that the host is online: once after subscribing, and again after somebody published the opposite, because
    /// the will of the connection before this one may come late (Sparkplug 3.0, section 5.3).
    ///
    /// The acknowledgement is not awaited: nothing is read from the connection while the inbox is full.
    pub async fn announce(&mut self) -> Result<(), DeviceFault> {
        self.mqtt.post(command::state(&self.host_id, true, self.connected_at)).await
    }

    /// Asks an edge node for its births.
    pub async fn request_rebirth(&mut self, node: &NodeId) -> Result<(), DeviceFault> {
        self.mqtt.publish(command::rebirth(node, self.clock.now())).await
    }
}

#[async_trait]
impl DeviceEndpoint for SparkplugEndpoint {
    fn timeout(&self) -> Duration {
        self.broker.timeout
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(SparkplugClient::connect(self, context).await?))
    }
}

#[async_trait]
impl DeviceClient for SparkplugClient {
    fn is_open(&self) -> bool {
        self.mqtt.is_open()
    }

    fn has_sent(&self) -> bool {
        self.mqtt.has_sent
    }

    /// The login was answered, or there would be no client.
    fn has_answered(&self) -> bool {
        true
    }

    async fn read(&mut self, point: &DevicePoint) -> Result<PointData, DeviceFault> {
        let DevicePoint::Metric(..) = point else { return Err(foreign_address()) };
        let words =
            "An edge node cannot be asked for a value; values arrive when they are published.".to_owned();
        Err(DeviceFault::Unsupported { field: "register", words })
    }

    /// Sends a command. `Ok` means that it was sent: commands are not acknowledged, and the edge node publishes the new
    /// value if it has taken it.
    async fn write(&mut self, change: &PointWrite) -> Result<(), DeviceFault> {
        let PointWrite::Metric(address, content) = change else { return Err(foreign_address()) };
        self.mqtt.has_sent = false;
        let message = {
            let state = self.state.lock();
            let description = state.metric(address).map_err(|why| refused("register", &why))?;
            command::write(description, content, self.clock.now()).map_err(|why| refused("value", &why))?
        };
        self.mqtt.publish(message).await
    }

    async fn close(self: Box<Self>) {
        self.mqtt.close().await;
    }
}

fn refused(field: &'static str, why: &str) -> DeviceFault {
    DeviceFault::Unsupported { field, words: format!("{why}.") }
}
