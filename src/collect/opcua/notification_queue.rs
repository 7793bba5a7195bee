//! Bounded queue of notifications for the subscriptions of one connection. When it is full the connection is not read
//! until values are taken, and the server's own queues hold further values.

use opcua::client::{MonitoredItemMap, OnSubscriptionNotificationCore};
use opcua::types::{
    DataChangeNotification, DataValue, NotificationMessage, StatusChangeNotification, StatusCode,
};
use parking_lot::Mutex;
use std::mem::size_of;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::memory_size;

/// Values in the queue before reading the connection pauses.
const MAX_QUEUED_VALUES: usize = 100_000;
/// Memory of the values in the queue before reading pauses. The message that reaches the limit is queued too.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;

/// Queued values, each with the number of its poll group.
#[derive(Default)]
pub struct NotificationQueue {
    inner: Mutex<Inner>,
    arrived: Notify,
    drained: Notify,
}

#[derive(Default)]
struct Inner {
    values: Vec<ItemNotification>,
    /// Memory of the values.
    bytes: usize,
    /// Status with which the server ended a subscription.
    ended: Option<StatusCode>,
}

impl Inner {
    fn has_room(&self) -> bool {
        self.values.len() < MAX_QUEUED_VALUES && self.bytes < MAX_QUEUED_BYTES
    }
}

fn bytes(values: &[ItemNotification]) -> usize {
    values
        .iter()
        .map(|notification| size_of::<ItemNotification>() + memory_size::value_bytes(&notification.value))
        .sum()
}

/// One value of a monitored item.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemNotification {
    pub subscription: usize,
    /// The handle given with the item.
    pub handle: u32,
    pub value: DataValue,
}

impl NotificationQueue {
    /// Resolves when the queue holds something. May resolve once more after everything was taken.
    pub async fn wait_nonempty(&self) {
        if self.is_empty() {
            self.arrived.notified().await;
        }
    }

    fn is_empty(&self) -> bool {
        let inner = self.inner.lock();
        inner.values.is_empty() && inner.ended.is_none()
    }

    /// The subscriptions with queued values, each once.
    pub fn pending_subscriptions(&self) -> Vec<usize> {
        let mut found: Vec<usize> =
            self.inner.lock().values.iter().map(|notification| notification.subscription).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Status with which the server ended a subscription, if it did.
    pub fn end_status(&self) -> Option<StatusCode> {
        self.inner.lock().ended
    }

    /// Takes the values of one subscription, oldest first.
    pub fn take_for(&self, subscription: usize) -> Vec<ItemNotification> {
        let mut inner = self.inner.lock();
        let (mine, others) =
            inner.values.drain(..).partition(|notification| notification.subscription == subscription);
        inner.values = others;
        inner.bytes = bytes(&inner.values);
        drop(inner);
        self.drained.notify_waiters();
        mine
    }

    /// Removes everything.
    pub fn clear(&self) {
        *self.inner.lock() = Inner::default();
        self.drained.notify_waiters();
    }

    /// Resolves as soon as there is room for more.
    pub async fn wait_for_room(&self) {
        loop {
            let taken = self.drained.notified();
            if self.inner.lock().has_room() {
                return;
            }
            taken.await;
        }
    }

    /// Records the status with which a subscription ended, unless one is recorded.
    pub fn end(&self, status: StatusCode) {
        self.push(Vec::new(), Some(status));
    }

    fn push(&self, values: Vec<ItemNotification>, ended: Option<StatusCode>) {
        if values.is_empty() && ended.is_none() {
            return;
        }
        {
            let bytes = bytes(&values);
            let mut inner = self.inner.lock();
            inner.bytes += bytes;
            inner.values.extend(values);
            inner.ended = inner.ended.or(ended);
        }
        self.arrived.notify_one();
    }
}

/// Time of a subscription's latest notification: values, or a keep-alive.
#[derive(Clone)]
pub struct LastNotification(Arc<Mutex<Instant>>);

impl LastNotification {
    /// Begins with the current time, as if a notification had come with the subscription.
    pub fn new() -> Self {
        LastNotification(Arc::new(Mutex::new(Instant::now())))
    }

    /// Time of receipt, from which the longest allowed silence counts (`Subscription::deadline`).
    pub fn time(&self) -> Instant {
        *self.0.lock()
    }
}

/// Puts the notifications of one subscription into the queue.
pub struct NotificationSink {
    pub queue: Arc<NotificationQueue>,
    pub subscription: usize,
    pub last_notification: LastNotification,
}

impl OnSubscriptionNotificationCore for NotificationSink {
    fn on_subscription_notification(&mut self, message: NotificationMessage, _: MonitoredItemMap<'_>) {
        *self.last_notification.0.lock() = Instant::now();
        let (mut values, mut ended) = (Vec::new(), None);
        for data in message.notification_data.unwrap_or_default() {
            if let Some(change) = data.inner_as::<StatusChangeNotification>() {
                ended = Some(change.status).filter(|status| !status.is_good());
            } else if let Some(changes) = data.into_inner_as::<DataChangeNotification>() {
                let items = changes.monitored_items.unwrap_or_default().into_iter();
                let subscription = self.subscription;
                values.extend(items.map(|item| ItemNotification {
                    subscription,
                    handle: item.client_handle,
                    value: item.value,
                }));
            }
        }
        self.queue.push(values, ended);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use opcua::types::Variant;

    use super::*;

    fn came(subscription: usize, handle: u32) -> ItemNotification {
        ItemNotification { subscription, handle, value: DataValue::new_now(Variant::Int32(1)) }
    }

    #[tokio::test]
    async fn what_comes_is_taken_by_its_subscription_in_order() {
        let intake = NotificationQueue::default();
        assert!(intake.wait_nonempty().now_or_never().is_none());
        let values = vec![came(1, 5), came(0, 6), came(1, 7)];
        intake.push(values.clone(), None);
        intake.wait_nonempty().await;
        assert_eq!(intake.pending_subscriptions(), [0, 1]);
        assert_eq!(intake.take_for(1), [values[0].clone(), values[2].clone()]);
        assert_eq!(intake.pending_subscriptions(), [0]);
        assert_eq!(intake.take_for(0), [values[1].clone()]);
        assert_eq!(intake.take_for(0), []);
    }

    #[tokio::test]
    async fn a_full_intake_waits_until_somebody_takes() {
        let intake = Arc::new(NotificationQueue::default());
        intake.push(vec![came(0, 1); MAX_QUEUED_VALUES], None);
        assert!(intake.wait_for_room().now_or_never().is_none());
        let waiting = tokio::spawn({
            let intake = intake.clone();
            async move { intake.wait_for_room().await }
        });
        tokio::task::yield_now().await;
        assert_eq!(intake.take_for(0).len(), MAX_QUEUED_VALUES);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn large_values_fill_it_as_many_do() {
        let intake = NotificationQueue::default();
        let large = || ItemNotification { value: DataValue::new_now("x".repeat(1024 * 1024)), ..came(0, 1) };
        let put = (0..MAX_QUEUED_VALUES).take_while(|_| {
            intake.push(vec![large()], None);
            intake.wait_for_room().now_or_never().is_some()
        });
        assert!(put.count() <= 16, "a megabyte each");
        intake.push(vec![came(1, 1)], None);
        assert!(intake.take_for(1).len() == 1 && intake.wait_for_room().now_or_never().is_none());
        intake.take_for(0);
        assert!(intake.wait_for_room().now_or_never().is_some());
    }

    #[test]
    fn the_end_of_a_subscription_is_said_once_and_stays() {
        let intake = NotificationQueue::default();
        intake.push(Vec::new(), Some(StatusCode::BadTimeout));
        assert_eq!(intake.wait_nonempty().now_or_never(), Some(()));
        intake.push(Vec::new(), Some(StatusCode::BadShutdown));
        assert_eq!(intake.end_status(), Some(StatusCode::BadTimeout));
    }
}
