//! Telling whoever follows that the catalog has changed: that it has, and of events which.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use super::Catalog;
use crate::domain::audit::Action;
use crate::domain::event::Event;
use crate::domain::key::Key;
use crate::domain::live::{EventMarks, WantedEvents};
use crate::domain::{EventId, KeyId, OrgId, Principal};

/// Changes of events that a slow follower may be behind. Small: of an event only its marks are held.
const EVENTS: usize = 1024;

/// An event that was created, changed or deleted, and whose it is.
#[derive(Debug, Clone)]
pub struct EventChange {
    pub action: Action,
    pub id: EventId,
    org: OrgId,
    marks: EventMarks,
    /// Of an event that was changed, what they were before.
    before: Option<EventMarks>,
}

impl EventChange {
    /// Whether the event is wanted, or was before it was changed.
    pub fn concerns(&self, wanted: &WantedEvents) -> bool {
        self.before.iter().chain([&self.marks]).any(|marks| wanted.takes(marks))
    }
}

/// Where changes are told. After the change, so that whoever hears of it finds it.
pub(super) struct Changes {
    all: watch::Sender<()>,
    events: broadcast::Sender<EventChange>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { all: watch::Sender::new(()), events: broadcast::Sender::new(EVENTS) }
    }
}

impl Changes {
    /// Something of the mirror is different now.
    pub(super) fn tell(&self) {
        self.all.send_replace(());
    }

    pub(super) fn tell_event(&self, action: Action, event: &Event, before: Option<EventMarks>) {
        let Event { id, org, spec, .. } = event;
        let change = EventChange { action, id: *id, org: *org, marks: spec.into(), before };
        // Nobody may be listening.
        let _ = self.events.send(change);
    }
}

impl Catalog {
    /// Tells of every change of anything but events, once it is made. Changes that come together may be told as one.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.all.subscribe()
    }

    /// Tells of every change of an event from now on; who is too far behind is told how many were lost.
    pub fn event_changes(&self) -> broadcast::Receiver<EventChange> {
        self.changes.events.subscribe()
    }

    /// Whether somebody sees the event that changed.
    pub fn sees_change(&self, who: &Principal, change: &EventChange) -> bool {
        self.sight(who).sees_event_of(change.org, change.marks.device, change.marks.stream)
    }

    /// Authentication's own look-up, as `key_by_prefix`: a key as it is now.
    pub fn key_as_it_is(&self, id: KeyId) -> Option<Arc<Key>> {
        self.mirror.read().keys.get(id).cloned()
    }
}
