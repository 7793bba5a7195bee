//! MQTT among the collected protocols.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::address::{InvalidTopicPath, TopicPath};
use super::client::MqttClient;
use super::endpoint::{MqttEndpoint, PayloadFormat, SubscriptionSettings};
use super::source::MqttSource;
use super::sparkplug::address::{InvalidMetricAddress, MetricAddress};
use super::sparkplug::endpoint::SparkplugEndpoint;
use super::sparkplug::source::SparkplugSource;
use super::wire::OutgoingMessage;
use crate::collect::address::{DeviceAddress, invalid_register_message};
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, foreign_address, is_equal};
use crate::collect::fault::DeviceFault;
use crate::collect::point::{DevicePoint, PointData, PointWrite};
use crate::collect::protocol::{DeviceProtocol, SourceContext};
use crate::collect::source::{DeviceSource, GroupedSource};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::Stream;
use crate::domain::{FieldError, Result};

/// MQTT 3.1.1 as a client of a broker.
pub struct Mqtt;

impl DeviceProtocol for Mqtt {
    fn protocol(&self) -> Protocol {
        Protocol::Mqtt
    }

    fn source(&'static self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        Ok(match PayloadFormat::from_metadata(&device.metadata)? {
            PayloadFormat::Plain => Box::new(GroupedSource::new(MqttSource::new(device, context)?)),
            PayloadFormat::Sparkplug => Box::new(GroupedSource::new(SparkplugSource::new(device, context)?)),
        })
    }

    /// A device without a host is a gateway, whose values are sent to this server.
    fn is_polled(&self, device: &DeviceSpec, _: &[Arc<Stream>]) -> bool {
        !device.host.is_empty()
    }

    fn check_polling(&self, device: &DeviceSpec) -> Result<()> {
        SubscriptionSettings::from_metadata(&device.metadata).map(drop)
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(match PayloadFormat::from_metadata(&device.metadata)? {
            PayloadFormat::Plain => Arc::new(MqttEndpoint::from_spec(device)?),
            PayloadFormat::Sparkplug => Arc::new(SparkplugEndpoint::from_spec(device)?),
        })
    }

    /// The format of the payloads is the device's, which is unknown here: an address of either kind is accepted.
    fn check_path(&self, path: &str) -> Result<(), FieldError> {
        if path.parse::<MetricAddress>().is_ok() {
            return Ok(());
        }
        let topic = path.parse::<TopicPath>().map(drop);
        topic.map_err(|wrong| FieldError::new("path", invalid_register_message(path, wrong)))
    }

    /// A device with an unknown format has no addresses; its settings are refused elsewhere.
    fn parse_address(&self, device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        let format = PayloadFormat::from_metadata(&device.metadata).map_err(|error| error.full_message())?;
        match format {
            PayloadFormat::Plain => {
                let topic = text.parse().map(DeviceAddress::Topic);
                topic.map_err(|wrong: InvalidTopicPath| invalid_register_message(text, wrong))
            }
            PayloadFormat::Sparkplug => {
                let metric = text.parse().map(DeviceAddress::Metric);
                metric.map_err(|wrong: InvalidMetricAddress| invalid_register_message(text, wrong))
            }
        }
    }
}

#[async_trait]
impl DeviceEndpoint for MqttEndpoint {
    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(MqttClient::connect(self, context).await?))
    }
}

#[async_trait]
impl DeviceClient for MqttClient {
    fn is_open(&self) -> bool {
        MqttClient::is_open(self)
    }

    fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// The login was answered, or there would be no client.
    fn has_answered(&self) -> bool {
        true
    }

    async fn read(&mut self, point: &DevicePoint) -> Result<PointData, DeviceFault> {
        let DevicePoint::Topic(..) = point else { return Err(foreign_address()) };
        let words = "A broker cannot be asked for a value; values arrive when they are published.".to_owned();
        Err(DeviceFault::Unsupported { field: "register", words })
    }

    /// Publishes the value, as text without quotes.
    async fn write(&mut self, change: &PointWrite) -> Result<(), DeviceFault> {
        let PointWrite::Topic(path, value) = change else { return Err(foreign_address()) };
        let topic = path.written_topic().ok_or_else(foreign_address)?;
        let (topic, payload) = (topic.to_owned(), value.to_string().into_bytes());
        self.publish(OutgoingMessage { topic, payload, is_acknowledged: true, is_retained: false }).await
    }

    async fn close(self: Box<Self>) {
        MqttClient::close(*self).await;
    }
}
