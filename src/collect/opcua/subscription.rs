//! One subscription with its monitored items: created, extended, monitored, never repaired.

use std::sync::Arc;
use std::time::Duration;

use opcua::types::{
    MonitoredItemCreateRequest, MonitoringMode, MonitoringParameters, NodeId, ReadValueId, StatusCode,
    TimestampsToReturn,
};
use tokio::time::Instant;

use super::client::OpcuaClient;
use super::notification_queue::{LastNotification, NotificationSink};
use crate::collect::fault::DeviceFault;

/// Interval of the server's keep-alive messages when there are no values.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(3);
/// How long a server keeps a subscription without publish requests; it ends with its session anyway.
const LIFETIME: Duration = Duration::from_secs(60);
/// Upper bound for the silence of a subscription, whatever interval its server sets.
const MAX_SILENCE: Duration = Duration::from_secs(24 * 3600);
/// Values that a server queues for one item between two messages.
const ITEM_QUEUE_SIZE: u32 = 10;

/// A subscription that the server has made.
pub struct Subscription {
    id: u32,
    interval: Duration,
    last_notification: LastNotification,
    /// A subscription silent for longer is dead, whatever the connection looks like.
    pub max_silence: Duration,
}

/// Parameters of a new subscription.
#[derive(Debug, Clone, Copy)]
pub struct SubscriptionOptions {
    /// Number under which the values go to the session's notification queue.
    pub number: usize,
    /// Interval at which the server reports changes.
    pub interval: Duration,
    /// The most values of one message; 0 is no limit.
    pub max_notifications: u32,
}

impl Subscription {
    /// Creates a subscription without items.
    pub async fn create(
        client: &mut OpcuaClient,
        options: SubscriptionOptions,
    ) -> Result<Subscription, DeviceFault> {
        let SubscriptionOptions { number, interval, max_notifications } = options;
        let last_notification = LastNotification::new();
        let sink = NotificationSink {
            queue: Arc::clone(&client.session.notifications),
            subscription: number,
            last_notification: last_notification.clone(),
        };
        let (keep_alive, lifetime) = counts(interval);
        let library = Arc::clone(&client.session.library);
        let created =
            library.create_subscription(interval, lifetime, keep_alive, max_notifications, 0, true, sink);
        let id = client.session.request(created).await?;
        client.subscriptions.push(id);
        // As revised by the server, which may be slower than requested.
        let revised = library
            .subscription_state
            .lock()
            .get(id)
            .map(|created| created.publishing_interval().saturating_mul(created.max_keep_alive_count()));
        let max_silence = max_silence(revised, client.timeout());
        Ok(Subscription { id, interval, last_notification, max_silence })
    }

    /// Adds nodes in one call, each under its own index, which makes its handle. Returns the status with which the
    /// server created each item.
    pub async fn add_items(
        &self,
        client: &mut OpcuaClient,
        nodes: &[(usize, NodeId)],
    ) -> Result<Vec<StatusCode>, DeviceFault> {
        let items = nodes.iter().map(|(index, node)| item(node, *index, self.interval)).collect();
        let library = Arc::clone(&client.session.library);
        let created = library.create_monitored_items(self.id, TimestampsToReturn::Both, items);
        let created = client.session.request(created).await?;
        if created.len() != nodes.len() {
            return Err(client.malformed("the answer has not one result for each item"));
        }
        Ok(created.iter().map(|item| item.result.status_code).collect())
    }

    /// When the subscription counts as dead, unless it is heard from before.
    pub fn deadline(&self) -> Instant {
        self.last_notification.time() + self.max_silence
    }
}

/// Longest allowed silence, from the server's interval between two messages.
fn max_silence(between: Option<Duration>, timeout: Duration) -> Duration {
    between.unwrap_or(KEEP_ALIVE_INTERVAL).saturating_mul(2).saturating_add(timeout).min(MAX_SILENCE)
}

/// The handle is never 0, which the library takes for none.
fn item(node: &NodeId, place: usize, interval: Duration) -> MonitoredItemCreateRequest {
    let parameters = MonitoringParameters {
        client_handle: handle(place),
        sampling_interval: interval.as_secs_f64() * 1e3,
        queue_size: ITEM_QUEUE_SIZE,
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

/// The index in the list that a handle stands for.
pub fn index_of_handle(handle: u32) -> Option<usize> {
    usize::try_from(handle).ok()?.checked_sub(1)
}

/// Keep-alive and lifetime in intervals; the standard requires the second to be at least three times the first.
fn counts(interval: Duration) -> (u32, u32) {
    let intervals = |time: Duration| {
        let whole = (time.as_secs_f64() / interval.as_secs_f64().max(1e-3)).ceil();
        (whole as u32).max(1)
    };
    let keep_alive = intervals(KEEP_ALIVE_INTERVAL);
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
            let silence = max_silence(between, second);
            assert_eq!(silence, expected);
            assert!(Instant::now().checked_add(silence).is_some());
        }
    }

    #[test]
    fn a_handle_stands_for_a_place() {
        for index in [0, 1, 4999] {
            assert_eq!(index_of_handle(handle(index)), Some(index));
        }
        assert_eq!(index_of_handle(0), None);
    }
}
