//! MQTT session types of the schema.

use async_graphql::{Object, SimpleObject};

use super::device::Device;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::mqtt;
use crate::domain::mqtt::status::SessionStatus;

/// The session of an MQTT client.
pub struct MqttSession(pub SessionStatus);

object! {
    #[Object]
    /// The session of an MQTT client: what it has subscribed to, and what waits for it.
    impl MqttSession(self) {
        /// Client id, unique for the owner.
        client_id: &str = &self.0.client_id;
        /// Its owner: `key:` and the row number of an API key, or `device:` and that of a device.
        owner: String = self.0.owner.to_string();
        /// Whether a client is connected.
        connected: bool = self.0.is_connected;
        /// Time at which the connection began, or ended if there is none; null when the end is not known.
        since: Option<DateTime> = self.0.since.map(DateTime);
        /// Subscriptions of the client, as they were granted.
        subscriptions: Vec<MqttSubscription> =
            self.0.subscriptions.iter().map(MqttSubscription::from).collect();
        /// Messages in memory that the client has not acknowledged. What an offline session is sent later is read from the
        /// log then, and not counted.
        queued: BigInt = BigInt::saturating(self.0.queued);
        /// How long the session outlives its connection, seconds.
        expiry_seconds: BigInt = BigInt(i64::from(self.0.expiry_s));
    }
    with ctx {
        /// Device that has authenticated with its certificate; null for the holder of a key.
        device: Option<Device> = Ok(rows::device(ctx, self.0.device())?.map(Device));
    }
}

/// A subscription of an MQTT client.
#[derive(SimpleObject)]
pub struct MqttSubscription {
    /// Topic filter, with `+` and `#` as wildcards.
    filter: String,
    /// Highest quality of service of what is delivered: 0, 1 or 2.
    qos: u8,
}

impl From<&mqtt::Subscription> for MqttSubscription {
    fn from(subscription: &mqtt::Subscription) -> Self {
        Self { filter: subscription.filter.clone(), qos: subscription.qos.number() }
    }
}

/// A page of MQTT sessions.
#[derive(SimpleObject)]
pub struct MqttSessionPage {
    /// Number of sessions in the whole list.
    pub total_count: i32,
    /// The sessions in order.
    pub nodes: Vec<MqttSession>,
}
