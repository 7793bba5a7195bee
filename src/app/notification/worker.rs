//! Makes the deliveries that are due, each at least once. When a failed one is tried again, and how often, is in
//! `domain/notification/delivery.rs`.
//!
//! Which delivery is due is read from the catalog, so deliveries survive a restart. Attempts run beside each other within
//! [`DeliverySlots`]; what became of one is written after it. When that cannot be written the delivery keeps its slot and
//! the writing is tried again, because a delivery that is due in the catalog would be made at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::delivery_slots::DeliverySlots;
use super::message::Notification;
use super::transport::ATTEMPT_TIMEOUT;
use crate::app::alert::alerts::shown_alert;
use crate::app::notification::Notifications;
use crate::domain::document::DocumentKind;
use crate::domain::notification::{ChannelKind, Delivery, DeliveryFailure};
use crate::domain::{Kind, Principal, Result};
use crate::store::catalog::DueDeliveries;

/// Time between two looks for deliveries that are due.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// Time between two counts of those that wait.
const COUNT_INTERVAL: Duration = Duration::from_secs(5);
/// Time after a failure of the catalog until it is asked again.
const CATALOG_RETRY: Duration = Duration::from_secs(5);

impl Notifications {
    /// Makes deliveries until the server stops; those under way are ended within the time of an attempt.
    pub async fn run_notifications(self: Arc<Self>, stop: CancellationToken) {
        let (mut slots, mut tasks) = (DeliverySlots::default(), JoinSet::new());
        let mut look = interval(LOOK_INTERVAL);
        let mut count = interval(COUNT_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        count.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => {
                    if let Err(error) = self.start_due(&mut slots, &mut tasks, &stop).await {
                        tracing::warn!(error = error.full_message(), "deliveries of notifications were not read");
                        tokio::select! { () = stop.cancelled() => break, () = sleep(CATALOG_RETRY) => {} }
                    }
                }
                _ = count.tick() => {
                    // A count that fails is the next one's to tell: looking for deliveries reports the catalog.
                    if let Ok(pending) = self.store.catalog().events.count_pending_deliveries().await {
                        self.counters.set_pending(pending);
                    }
                }
                Some(ended) = tasks.join_next() => {
                    if let Ok(id) = ended {
                        slots.release(id);
                    }
                    // Others may have waited for its slot.
                    look.reset_immediately();
                }
            }
            self.counters.set_running(slots.running_count());
        }
        let end = Instant::now() + ATTEMPT_TIMEOUT;
        while let Ok(Some(_)) = timeout_at(end, tasks.join_next()).await {}
    }

    /// Starts every delivery that is due and has a slot.
    async fn start_due(
        self: &Arc<Self>,
        slots: &mut DeliverySlots,
        tasks: &mut JoinSet<Uuid>,
        stop: &CancellationToken,
    ) -> Result<()> {
        while slots.free_slots() > 0 {
            let wanted = DueDeliveries {
                now: self.clock.now(),
                not_of_orgs: slots.full_orgs(),
                not_by_channels: slots.full_channels(),
                not_these: slots.ids(),
                limit: slots.free_slots(),
            };
            let due = self.store.catalog().events.due_deliveries(&wanted).await?;
            let admitted: Vec<_> = due.into_iter().filter(|delivery| slots.take(delivery)).collect();
            if admitted.is_empty() {
                break;
            }
            for delivery in admitted {
                let (worker, stop) = (Arc::clone(self), stop.clone());
                tasks.spawn(async move {
                    let id = delivery.id;
                    worker.attempt(delivery, &stop).await;
                    id
                });
            }
        }
        Ok(())
    }

    /// Makes one attempt and stores what became of it.
    async fn attempt(self: &Arc<Self>, delivery: Delivery, stop: &CancellationToken) {
        let (worker, copy) = (Arc::clone(self), delivery.clone());
        // A panic ends its own task only: it counts as a failed attempt, else the delivery would be made for ever.
        let made = tokio::spawn(async move { worker.deliver(&copy).await }).await;
        let failed = || (None, Err(DeliveryFailure::temporary("the attempt failed inside the server")));
        let (kind, result) = made.unwrap_or_else(|_| failed());
        let after = delivery.after_attempt(result, self.clock.now());
        if let Some(kind) = kind {
            self.counters.count(kind, after.status);
        }
        while let Err(error) = self.store.catalog().events.store_delivery(&after).await {
            let error = error.full_message();
            tracing::warn!(error, delivery = %after.id, "what became of a delivery was not stored; it is tried again");
            tokio::select! { () = stop.cancelled() => return, () = sleep(CATALOG_RETRY) => {} }
        }
    }

    /// Sends the notification once; the kind of its channel is known while the channel is there.
    async fn deliver(&self, delivery: &Delivery) -> (Option<ChannelKind>, Result<(), DeliveryFailure>) {
        let (catalog, who) = (self.store.catalog(), Principal::system(delivery.org));
        let channel =
            catalog.documents.document(&who, DocumentKind::NotificationChannel, delivery.channel).ok();
        let Some(spec) = channel.as_ref().and_then(|channel| channel.notification_channel()) else {
            return (None, Err(DeliveryFailure::permanent("the channel was deleted")));
        };
        let kind = Some(spec.config.kind());
        if !spec.enabled {
            return (kind, Err(DeliveryFailure::permanent("the channel is not enabled")));
        }
        let event = catalog.events.event_of_delivery(delivery).await;
        let notification = match event.and_then(|event| shown_alert(catalog, &who, event)) {
            Ok(alert) => Notification::of_alert(delivery.id, delivery.notice, &alert),
            Err(error) if error.kind == Kind::NotFound => {
                return (kind, Err(DeliveryFailure::permanent("the alert was deleted")));
            }
            Err(_) => return (kind, Err(DeliveryFailure::temporary("the alert could not be read"))),
        };
        (kind, self.send(&spec.config, notification).await)
    }
}
