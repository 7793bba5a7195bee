//! The plant as an MQTT broker (3.1.1, QoS 0 and 1): a device to try things on, to anybody without a login.
//!
//! It publishes every quantity of the plant four times a second as a retained message `plant/MACHINE/QUANTITY`, whose
//! payload is `{"value": …, "unit": "…", "time": "…"}`. A number published to `plant/MACHINE/QUANTITY/set` changes a
//! setting. Clients may publish and subscribe to everything else among themselves. Sessions outlast connections, but
//! not the process.

mod broker;
mod connection;
mod topics;

#[cfg(test)]
mod broker_tests;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use super::accept::accept;
use super::plant::Plant;
use broker::Broker;

/// Default port of MQTT without TLS.
pub const DEFAULT_PORT: u16 = 1883;
/// Interval of the plant's messages.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(250);

pub use topics::value_path;

/// The broker with its sessions and retained messages, which outlast its outages.
pub struct MqttBroker {
    state: Arc<Mutex<Broker>>,
    plant: Arc<Mutex<Plant>>,
}

/// Lists the topics for people: one line each, with access and unit.
pub fn topic_lines() -> Vec<String> {
    topics::lines()
}

impl MqttBroker {
    /// Creates a broker without sessions; `plant` gives the values to publish and takes the settings that clients send.
    pub fn new(plant: Arc<Mutex<Plant>>) -> MqttBroker {
        MqttBroker { state: Arc::default(), plant }
    }

    /// Serves every connection and publishes the plant's values, for ever.
    pub async fn serve(&self, listener: TcpListener) {
        let converse = |stream| {
            let (state, plant) = (Arc::clone(&self.state), Arc::clone(&self.plant));
            connection::converse(stream, state, plant)
        };
        tokio::join!(accept(listener, converse), self.publish_plant());
    }

    async fn publish_plant(&self) {
        let mut ticks = interval(PUBLISH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let messages = topics::messages(&self.plant.lock());
            let mut broker = self.state.lock();
            messages.into_iter().for_each(|(topic, payload)| broker.publish(&topic, payload.into(), true));
        }
    }
}
