//! Feed of event changes: created, updated and deleted events.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use std::sync::Arc;

use super::credential::{CredentialWatch, LiveCredential};
use super::subscription_limits::SubscriptionPermit;
use crate::app::live::LiveFeeds;
use crate::domain::audit::Action;
use crate::domain::event::Event;
use crate::domain::subscription::EventSubscriptionFilter;
use crate::domain::{Error, EventId, Kind, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::catalog::notifier::EventNotification;

/// A change of an event that the subscriber may see. Created and updated events are read when they are sent, so after
/// several quick changes the last state is sent more than once.
#[derive(Debug, Clone, PartialEq)]
pub enum EventUpdate {
    Created(Event),
    Updated(Event),
    Deleted(EventId),
    /// The subscriber was too slow: some changes of its organization's events were skipped.
    Missed,
}

/// Changes of the event log since the subscription; it ends only with an error.
pub type EventFeed = BoxStream<'static, Result<EventUpdate>>;

impl LiveFeeds {
    /// Subscribes to the event log from now on: every change of an event that matches the filter, or matched it before
    /// the change.
    ///
    /// # Errors
    /// `Forbidden` without the scope; `Invalid` naming a device or a stream that the principal may not see; `Busy` or
    /// `Throttled` when there are too many feeds.
    pub fn event_feed(
        &self,
        credential: &LiveCredential,
        wanted: EventSubscriptionFilter,
    ) -> Result<EventFeed> {
        let who = credential.principal().clone();
        who.require(Scope::read(Resource::EventLog))?;
        self.store.catalog().streams.check_event_subscription(&who, &wanted)?;
        let feed = EventSubscription {
            _seat: self.acquire_subscription(&who)?,
            changes: self.store.catalog().events.subscribe_event_changes(&who),
            watch: credential.watch(),
            store: self.store.clone(),
            who,
            wanted,
        };
        let update = stream::try_unfold(feed, |mut feed| async move {
            let update = feed.next().await?;
            Ok(Some((update, feed)))
        });
        Ok(update.boxed())
    }
}

struct EventSubscription {
    who: Arc<Principal>,
    wanted: EventSubscriptionFilter,
    store: Arc<Store>,
    changes: broadcast::Receiver<EventNotification>,
    watch: CredentialWatch,
    _seat: SubscriptionPermit,
}

impl EventSubscription {
    async fn next(&mut self) -> Result<EventUpdate> {
        loop {
            let change = tokio::select! {
                biased;
                over = self.watch.expired() => return Err(over),
                change = self.changes.recv() => change,
            };
            let change = match change {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => return Ok(EventUpdate::Missed),
                Err(RecvError::Closed) => return Err(Error::unavailable("the server is shutting down")),
            };
            if change.matches(&self.wanted)
                && self.store.catalog().events.sees_event_notification(&self.who, &change)
                && let Some(update) = self.update(&change).await?
            {
                return Ok(update);
            }
        }
    }

    /// Returns nothing for an event that no longer exists: its deletion follows.
    async fn update(&self, change: &EventNotification) -> Result<Option<EventUpdate>> {
        let to_update = match change.action {
            Action::Create => EventUpdate::Created,
            Action::Delete => return Ok(Some(EventUpdate::Deleted(change.id))),
            Action::Update
            | Action::Revoke
            | Action::Login
            | Action::Logout
            | Action::Write
            | Action::Run
            | Action::Test => EventUpdate::Updated,
        };
        match self.store.catalog().events.event(&self.who, change.id).await {
            Ok(event) => Ok(Some(to_update(event))),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
