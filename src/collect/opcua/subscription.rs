//! One subscription with its items: made whole, watched, never repaired.

use std::sync::Arc;
use std::time::Duration;

use opcua::types::{
    MonitoredItemCreateRequest, MonitoringMode, MonitoringParameters, NodeId, ReadValueId, StatusCode,
    TimestampsToReturn,
};
use tokio::time::Instant;

use super::client::Client;
use super::intake::{Mouth, Pulse};
use crate::collect::fault::Fault;

/// How often a server with nothing to say says so.
const KEEP_ALIVE: Duration = Duration::from_secs(3);
/// How long a server keeps a subscription that nobody asks after; it goes with its session anyway.
const LIFETIME: Duration = Duration::from_secs(60);
/// Nobody waits longer for a word of a subscription, whatever time its server takes.
const MAX_SILENCE: Duration = Duration::from_secs(24 * 3600);
/// Values that a server keeps of one item between two messages.
const QUEUE: u32 = 10;

/// A subscription that the server has made.
pub struct Subscription {
    /// For each item whether the server watches it.
    pub items: Vec<StatusCode>,
    pulse: Pulse,
    /// Longer than this without a word, and it is dead whatever the connection looks like.
    pub silence: Duration,
}

impl Subscription {
    /// Asks the server to tell of these nodes at every interval in which they change. What comes goes to the session's
    /// intake under `number`, with the node's place in the list as its handle.
    pub async fn make(
        client: &mut Client,
        number: usize,
        interval: Duration,
        nodes: &[NodeId],
        timeout: Duration,
    ) -> Result<Subscription, Fault> {
        let pulse = Pulse::new();
        let mouth =
            Mouth { intake: Arc::clone(&client.session.intake), subscription: number, pulse: pulse.clone() };
        let (keep_alive, lifetime) = counts(interval);
        let library = Arc::clone(&client.session.library);
        let made = library.create_subscription(interval, lifetime, keep_alive, 0, 0, true, mouth);
        let id = client.session.ask(made).await?;
        client.subscriptions.push(id);
        // As the server made it, which may be slower than wished.
        let revised = library
            .subscription_state
            .lock()
            .get(id)
            .map(|made| made.publishing_interval().saturating_mul(made.max_keep_alive_count()));
        let silence = silence(revised, timeout);
        let mut items = Vec::with_capacity(nodes.len());
        for (at, part) in nodes.chunks(client.limits.subscribe).enumerate() {
            let first = at * client.limits.subscribe;
            let wanted =
                part.iter().enumerate().map(|(place, node)| item(node, first + place, interval)).collect();
            let created = library.create_monitored_items(id, TimestampsToReturn::Both, wanted);
            let created = client.session.ask(created).await?;
            if created.len() != part.len() {
                return Err(client.malformed("the answer has not one result for each item"));
            }
            items.extend(created.iter().map(|item| item.result.status_code));
        }
        Ok(Subscription { items, pulse, silence })
    }

    /// When it is dead unless it is heard of before.
    pub fn deadline(&self) -> Instant {
        self.pulse.last() + self.silence
    }
}

/// How long a subscription may be silent, by what the server says between two words.
fn silence(between: Option<Duration>, timeout: Duration) -> Duration {
    between.unwrap_or(KEEP_ALIVE).saturating_mul(2).saturating_add(timeout).min(MAX_SILENCE)
}

/// The handle is never 0, which the library takes for none.
fn item(node: &NodeId, place: usize, interval: Duration) -> MonitoredItemCreateRequest {
    let parameters = MonitoringParameters {
        client_handle: handle(place),
        sampling_interval: interval.as_secs_f64() * 1e3,
        queue_size: QUEUE,
        discard_oldest: true,
        ..MonitoringParameters::default()
    };
    MonitoredItemCreateRequest::new(
        ReadValueId::new_value(node.clone()),
        MonitoringMode::Reporting,
        parameters,
    )
}

fn handle(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(u32::MAX)
}

/// The place in the list that a handle stands for.
pub fn place(handle: u32) -> Option<usize> {
    usize::try_from(handle).ok()?.checked_sub(1)
}

/// Keep-alive and lifetime in intervals; the standard wants the second to be three times the first at least.
fn counts(interval: Duration) -> (u32, u32) {
    let intervals = |time: Duration| {
        let whole = (time.as_secs_f64() / interval.as_secs_f64().max(1e-3)).ceil();
        (whole as u32).max(1)
    };
    let keep_alive = intervals(KEEP_ALIVE);
    (keep_alive, intervals(LIFETIME).max(keep_alive.saturating_mul(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_the_interval() {
        for (interval_ms, expected) in
            [(100, (30, 600)), (1000, (3, 60)), (2000, (2, 30)), (60_000, (1, 3)), (0, (3000, 60_000))]
        {
            assert_eq!(counts(Duration::from_millis(interval_ms)), expected, "{interval_ms} ms");
        }
    }

    #[test]
    fn no_server_makes_a_silence_that_never_ends() {
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
        for (between, expected) in
            [(Some(second), 3 * second), (None, 7 * second), (Some(Duration::MAX), day), (Some(day), day)]
        {
            let silence = silence(between, second);
            assert_eq!(silence, expected);
            assert!(Instant::now().checked_add(silence).is_some());
        }
    }

    #[test]
    fn a_handle_stands_for_a_place() {
        for given in [0, 1, 4999] {
            assert_eq!(place(handle(given)), Some(given));
        }
        assert_eq!(place(0), None);
    }
}
