//! Change notifications of the catalog: that something changed, and which event.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};

use super::Catalog;
use crate::domain::audit::Action;
use crate::domain::event::Event;
use crate::domain::key::Key;
use crate::domain::subscription::{EventAttributes, EventSubscriptionFilter};
use crate::domain::{EventId, KeyId, OrgId, Principal};

/// Event changes of its organization that a slow subscriber may lag behind. Each is small: only an event's attributes
/// are held.
const EVENT_CHANNEL_CAPACITY: usize = 1024;

/// A created, changed or deleted event.
#[derive(Debug, Clone)]
pub struct EventNotification {
    pub action: Action,
    pub id: EventId,
    org: OrgId,
    attributes: EventAttributes,
    /// Former attributes of a changed event.
    before: Option<EventAttributes>,
}

impl EventNotification {
    /// Whether the event passes the filter, now or before the change.
    pub fn matches(&self, wanted: &EventSubscriptionFilter) -> bool {
        self.before.iter().chain([&self.attributes]).any(|marks| wanted.matches(marks))
    }
}

/// Sends change notifications, always after the change is visible, so that subscribers find it.
pub(super) struct ChangeNotifier {
    all: watch::Sender<()>,
    /// One channel per organization with subscribers, so that no subscriber lags because of other organizations.
    events: Mutex<HashMap<OrgId, broadcast::Sender<EventNotification>>>,
}

impl Default for ChangeNotifier {
    fn default() -> Self {
        Self { all: watch::Sender::new(()), events: Mutex::default() }
    }
}

impl ChangeNotifier {
    /// Notifies that the mirror changed.
    pub(super) fn notify(&self) {
        self.all.send_replace(());
    }

    pub(super) fn notify_event(&self, action: Action, event: &Event, before: Option<EventAttributes>) {
        let Event { id, org, spec, .. } = event;
        let mut followed = self.events.lock();
        let Some(sender) = followed.get(org) else { return };
        let change = EventNotification { action, id: *id, org: *org, attributes: spec.into(), before };
        if sender.send(change).is_err() {
            // The last subscriber is gone.
            followed.remove(org);
        }
    }

    /// Number of organizations with event subscribers.
    #[cfg(test)]
    pub(super) fn subscribed_orgs(&self) -> usize {
        self.events.lock().len()
    }

    fn subscribe_events(&self, org: OrgId) -> broadcast::Receiver<EventNotification> {
        let mut followed = self.events.lock();
        followed.entry(org).or_insert_with(|| broadcast::Sender::new(EVENT_CHANNEL_CAPACITY)).subscribe()
    }
}

impl Catalog {
    /// Signals every change except those of events, once committed. Changes in quick succession may be merged.
    pub fn subscribe_changes(&self) -> watch::Receiver<()> {
        self.notifier.all.subscribe()
    }

    /// Receives every future change of an event of the principal's organization; a subscriber that lags too far is
    /// told how many were lost.
    pub fn subscribe_event_changes(&self, who: &Principal) -> broadcast::Receiver<EventNotification> {
        self.notifier.subscribe_events(who.org)
    }

    /// Whether the changed event is visible to the principal.
    pub fn sees_event_notification(&self, who: &Principal, change: &EventNotification) -> bool {
        self.visible_to(who).sees_event_of(change.org, change.attributes.device, change.attributes.stream)
    }

    /// The current state of a key, for re-validating a credential. Like `key_by_prefix` it takes no principal.
    pub fn current_key(&self, id: KeyId) -> Option<Arc<Key>> {
        self.mirror.read().keys.get(id).cloned()
    }
}
