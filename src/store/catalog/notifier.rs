//! Change notifications of the catalog: that something changed, and which event.

use tokio::sync::{broadcast, watch};

use super::Catalog;
use super::visibility::VisibleCatalog;
use crate::domain::audit::Action;
use crate::domain::event::Event;
use crate::domain::subscription::{EventAttributes, EventSubscriptionFilter};
use crate::domain::{EventId, OrgId};
use crate::store::org_channels::OrgChannels;

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

    pub(super) fn is_seen(&self, visible: &VisibleCatalog) -> bool {
        visible.sees_event_of(self.org, self.attributes.device, self.attributes.stream)
    }
}

/// Sends change notifications, always after the change is visible, so that subscribers find it.
pub(super) struct ChangeNotifier {
    all: watch::Sender<()>,
    events: OrgChannels<EventNotification>,
}

impl Default for ChangeNotifier {
    fn default() -> Self {
        Self { all: watch::Sender::new(()), events: OrgChannels::new(EVENT_CHANNEL_CAPACITY) }
    }
}

impl ChangeNotifier {
    /// Notifies that the mirror changed.
    pub(super) fn notify(&self) {
        self.all.send_replace(());
    }

    pub(super) fn notify_event(&self, action: Action, event: &Event, before: Option<EventAttributes>) {
        let Event { id, org, spec, .. } = event;
        let change = || EventNotification { action, id: *id, org: *org, attributes: spec.into(), before };
        self.events.send(*org, change);
    }

    pub(super) fn subscribe_events(&self, org: OrgId) -> broadcast::Receiver<EventNotification> {
        self.events.subscribe(org)
    }

    /// Number of organizations with event subscribers.
    #[cfg(test)]
    pub(super) fn subscribed_orgs(&self) -> usize {
        self.events.subscribed_orgs()
    }
}

impl Catalog {
    /// Signals every change except those of events, once committed. Changes in quick succession may be merged.
    pub fn subscribe_changes(&self) -> watch::Receiver<()> {
        self.core.notifier.all.subscribe()
    }
}
