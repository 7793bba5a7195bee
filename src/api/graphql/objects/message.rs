//! Message types of the schema: messages, their sensors, and pages of them.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::device::Device;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::message;

/// A packet or document of a device, or what stands for its readings at one time.
pub struct Message(pub message::Message);

object! {
    #[Object]
    /// A packet or document of a device, or what stands for its readings at one time.
    impl Message(self) {
        /// UUID of the message, which OpenSynaptic calls packet_uuid.
        uuid: String = self.0.uuid().to_string();
        /// Time of its values.
        ts: DateTime = DateTime(self.0.ts);
        /// Time at which it arrived; of a derived message its own time.
        received_at: DateTime = DateTime(self.0.received_at());
        /// Status that the device gave itself; `ONLINE` for a derived message.
        status: &str = self.0.status();
        /// Whether it was derived from readings that came another way.
        derived: bool = self.0.content == message::MessageContent::Derived;
        /// Values of the message, by index.
        sensors: Vec<MessageSensor> = self.0.sensors.iter().cloned().map(MessageSensor::from).collect();
    }
    with ctx {
        /// Device of the message; null if the caller may not read it.
        device: Option<Device> = Ok(rows::device(ctx, self.0.device)?.map(Device));
    }
    resolvers {
        /// The message as JSON text: as it came, or for a derived one the fact of its readings.
        async fn payload(&self, ctx: &Context<'_>) -> Result<String> {
            let device = rows::device(ctx, self.0.device)?;
            let external_id = device.as_ref().map_or("", |device| device.aliases.external_id.as_str());
            Ok(self.0.fact_payload(external_id))
        }
    }
}

/// One value of a message.
#[derive(Debug, Clone, SimpleObject)]
pub struct MessageSensor {
    /// Place in the message, from 1.
    index: i32,
    /// Name of the sensor, which is that of its stream.
    sensor_id: String,
    /// Status that the device gave the sensor.
    status: String,
    /// Numeric value; null when there is none.
    value: Option<f64>,
    /// Unit; null when there is none.
    unit: Option<String>,
}

impl From<message::MessageSensor> for MessageSensor {
    fn from(sensor: message::MessageSensor) -> Self {
        Self {
            index: i32::try_from(sensor.index).unwrap_or(i32::MAX),
            sensor_id: sensor.id,
            status: sensor.status,
            value: sensor.value.as_ref().and_then(serde_json::Number::as_f64),
            unit: sensor.unit,
        }
    }
}

/// A page of messages.
#[derive(SimpleObject)]
pub struct MessagePage {
    /// Number of messages in the whole list.
    pub total_count: BigInt,
    /// The messages in order.
    pub nodes: Vec<Message>,
}
