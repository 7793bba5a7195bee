//! What subscriptions of one connection brought and nobody has taken yet. Bounded: past its bound the connection is
//! read no further until somebody takes, and the server's own queues hold what comes.

use opcua::client::{MonitoredItemMap, OnSubscriptionNotificationCore};
use opcua::types::{
    DataChangeNotification, DataValue, NotificationMessage, StatusChangeNotification, StatusCode,
};
use parking_lot::Mutex;
use std::mem::size_of;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::weight;

/// Values kept before the connection is read no further.
const ROOM: usize = 100_000;
/// And their memory. The message with which it is reached is kept too.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Values that came, by the subscription's number here.
#[derive(Default)]
pub struct Intake {
    inner: Mutex<Inner>,
    came: Notify,
    taken: Notify,
}

#[derive(Default)]
struct Inner {
    values: Vec<Came>,
    /// Memory of the values.
    bytes: usize,
    /// The server ended a subscription, and why.
    ended: Option<StatusCode>,
}

impl Inner {
    fn has_room(&self) -> bool {
        self.values.len() < ROOM && self.bytes < MAX_BYTES
    }
}

fn bytes(values: &[Came]) -> usize {
    values.iter().map(|came| size_of::<Came>() + weight::of_value(&came.value)).sum()
}

/// One value of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Came {
    pub subscription: usize,
    /// As it was given with the item.
    pub handle: u32,
    pub value: DataValue,
}

impl Intake {
    /// Resolves when something has come. May resolve once more after all was taken.
    pub async fn any(&self) {
        if self.is_empty() {
            self.came.notified().await;
        }
    }

    fn is_empty(&self) -> bool {
        let inner = self.inner.lock();
        inner.values.is_empty() && inner.ended.is_none()
    }

    /// The subscriptions that something came for, each once.
    pub fn subscriptions(&self) -> Vec<usize> {
        let mut found: Vec<usize> = self.inner.lock().values.iter().map(|came| came.subscription).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Why the server ended a subscription, if it did.
    pub fn ended(&self) -> Option<StatusCode> {
        self.inner.lock().ended
    }

    /// What came for one subscription, oldest first.
    pub fn take(&self, subscription: usize) -> Vec<Came> {
        let mut inner = self.inner.lock();
        let (mine, others) = inner.values.drain(..).partition(|came| came.subscription == subscription);
        inner.values = others;
        inner.bytes = bytes(&inner.values);
        drop(inner);
        self.taken.notify_waiters();
        mine
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.inner.lock() = Inner::default();
        self.taken.notify_waiters();
    }

    /// Resolves while there is room for more.
    pub async fn room(&self) {
        loop {
            let taken = self.taken.notified();
            if self.inner.lock().has_room() {
                return;
            }
            taken.await;
        }
    }

    fn put(&self, values: Vec<Came>, ended: Option<StatusCode>) {
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
        self.came.notify_one();
    }
}

/// When a subscription was heard of last: values, or the server's word that there are none.
#[derive(Clone)]
pub struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    pub fn new() -> Self {
        Pulse(Arc::new(Mutex::new(Instant::now())))
    }

    pub fn last(&self) -> Instant {
        *self.0.lock()
    }
}

/// Puts what one subscription brings into the intake.
pub struct Mouth {
    pub intake: Arc<Intake>,
    pub subscription: usize,
    pub pulse: Pulse,
}

impl OnSubscriptionNotificationCore for Mouth {
    fn on_subscription_notification(&mut self, message: NotificationMessage, _: MonitoredItemMap<'_>) {
        *self.pulse.0.lock() = Instant::now();
        let (mut values, mut ended) = (Vec::new(), None);
        for data in message.notification_data.unwrap_or_default() {
            if let Some(change) = data.inner_as::<StatusChangeNotification>() {
                ended = Some(change.status).filter(|status| !status.is_good());
            } else if let Some(changes) = data.into_inner_as::<DataChangeNotification>() {
                let items = changes.monitored_items.unwrap_or_default().into_iter();
                let subscription = self.subscription;
                values.extend(items.map(|item| Came {
                    subscription,
                    handle: item.client_handle,
                    value: item.value,
                }));
            }
        }
        self.intake.put(values, ended);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use opcua::types::Variant;

    use super::*;

    fn came(subscription: usize, handle: u32) -> Came {
        Came { subscription, handle, value: DataValue::new_now(Variant::Int32(1)) }
    }

    #[tokio::test]
    async fn what_comes_is_taken_by_its_subscription_in_order() {
        let intake = Intake::default();
        assert!(intake.any().now_or_never().is_none());
        let values = vec![came(1, 5), came(0, 6), came(1, 7)];
        intake.put(values.clone(), None);
        intake.any().await;
        assert_eq!(intake.subscriptions(), [0, 1]);
        assert_eq!(intake.take(1), [values[0].clone(), values[2].clone()]);
        assert_eq!(intake.subscriptions(), [0]);
        assert_eq!(intake.take(0), [values[1].clone()]);
        assert_eq!(intake.take(0), []);
    }

    #[tokio::test]
    async fn a_full_intake_waits_until_somebody_takes() {
        let intake = Arc::new(Intake::default());
        intake.put(vec![came(0, 1); ROOM], None);
        assert!(intake.room().now_or_never().is_none());
        let waiting = tokio::spawn({
            let intake = intake.clone();
            async move { intake.room().await }
        });
        tokio::task::yield_now().await;
        assert_eq!(intake.take(0).len(), ROOM);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn large_values_fill_it_as_many_do() {
        let intake = Intake::default();
        let large = || Came { value: DataValue::new_now("x".repeat(1024 * 1024)), ..came(0, 1) };
        let put = (0..ROOM).take_while(|_| {
            intake.put(vec![large()], None);
            intake.room().now_or_never().is_some()
        });
        assert!(put.count() <= 16, "a megabyte each");
        intake.put(vec![came(1, 1)], None);
        assert!(intake.take(1).len() == 1 && intake.room().now_or_never().is_none());
        intake.take(0);
        assert!(intake.room().now_or_never().is_some());
    }

    #[test]
    fn the_end_of_a_subscription_is_said_once_and_stays() {
        let intake = Intake::default();
        intake.put(Vec::new(), Some(StatusCode::BadTimeout));
        assert_eq!(intake.any().now_or_never(), Some(()));
        intake.put(Vec::new(), Some(StatusCode::BadShutdown));
        assert_eq!(intake.ended(), Some(StatusCode::BadTimeout));
    }
}
