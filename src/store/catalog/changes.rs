//! Telling whoever follows that the catalog has changed: that it has, and of events which.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};

use super::Catalog;
use crate::domain::audit::Action;
use crate::domain::event::Event;
use crate::domain::key::Key;
use crate::domain::live::{EventMarks, WantedEvents};
use crate::domain::{EventId, KeyId, OrgId, Principal};

/// Changes of events of its organization that a slow follower may be behind. Small: of an event only its marks are held.
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
    /// Of each organization by itself: a follower is never behind because of what others change. Only of those that
    /// somebody follows.
    events: Mutex<HashMap<OrgId, broadcast::Sender<EventChange>>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { all: watch::Sender::new(()), events: Mutex::default() }
    }
}

impl Changes {
    /// Something of the mirror is different now.
    pub(super) fn tell(&self) {
        self.all.send_replace(());
    }

    pub(super) fn tell_event(&self, action: Action, event: &Event, before: Option<EventMarks>) {
        let Event { id, org, spec, .. } = event;
        let mut followed = self.events.lock();
        let Some(sender) = followed.get(org) else { return };
        let change = EventChange { action, id: *id, org: *org, marks: spec.into(), before };
        if sender.send(change).is_err() {
            // The last follower is gone.
            followed.remove(org);
        }
    }

    /// Of how many organizations events are followed.
    #[cfg(test)]
    pub(super) fn followed(&self) -> usize {
        self.events.lock().len()
    }

    fn events_of(&self, org: OrgId) -> broadcast::Receiver<EventChange> {
        let mut followed = self.events.lock();
        followed.entry(org).or_insert_with(|| broadcast::Sender::new(EVENTS)).subscribe()
    }
}

impl Catalog {
    /// Tells of every change of anything but events, once it is made. Changes that come together may be told as one.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.all.subscribe()
    }

    /// Tells of every change of an event of the principal's organization from now on; who is too far behind is told how many
    /// were lost.
    pub fn event_changes(&self, who: &Principal) -> broadcast::Receiver<EventChange> {
        self.changes.events_of(who.org)
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
