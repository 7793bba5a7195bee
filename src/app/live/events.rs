//! Events as they are created, changed and deleted.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use std::sync::Arc;

use super::seats::Seat;
use super::standing::{Standing, Watch};
use crate::app::App;
use crate::domain::audit::Action;
use crate::domain::event::Event;
use crate::domain::live::WantedEvents;
use crate::domain::{Error, EventId, Kind, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::catalog::changes::EventChange;

/// What happened to an event that the reader sees. A created or changed one is as it stands when it is told, so that of
/// changes one after the other the last is told twice.
#[derive(Debug, Clone, PartialEq)]
pub enum EventNews {
    Created(Event),
    Updated(Event),
    Deleted(EventId),
    /// The reader was too slow: changes of events of its organization went by untold.
    Missed,
}

pub type EventFeed = BoxStream<'static, Result<EventNews>>;

impl App {
    /// Follows the event log from now on: every change of an event that is wanted, or was before it was changed.
    ///
    /// # Errors
    /// `Forbidden` without the scope; `Invalid` naming a device or a stream that is not seen; `Busy` or `Throttled` when there are too many feeds.
    pub fn event_feed(&self, standing: &Standing, wanted: WantedEvents) -> Result<EventFeed> {
        let who = standing.principal().clone();
        who.require(Scope::read(Resource::EventLog))?;
        self.store.catalog().check_wanted_events(&who, &wanted)?;
        let feed = Feed {
            _seat: self.take_seat(&who)?,
            changes: self.store.catalog().event_changes(&who),
            watch: standing.watch(),
            store: self.store.clone(),
            who,
            wanted,
        };
        let news = stream::try_unfold(feed, |mut feed| async move {
            let news = feed.next().await?;
            Ok(Some((news, feed)))
        });
        Ok(news.boxed())
    }
}

struct Feed {
    who: Arc<Principal>,
    wanted: WantedEvents,
    store: Arc<Store>,
    changes: broadcast::Receiver<EventChange>,
    watch: Watch,
    _seat: Seat,
}

impl Feed {
    async fn next(&mut self) -> Result<EventNews> {
        loop {
            let change = tokio::select! {
                biased;
                over = self.watch.ended() => return Err(over),
                change = self.changes.recv() => change,
            };
            let change = match change {
                Ok(change) => change,
                Err(RecvError::Lagged(_)) => return Ok(EventNews::Missed),
                Err(RecvError::Closed) => return Err(Error::unavailable("the server is shutting down")),
            };
            if change.concerns(&self.wanted)
                && self.store.catalog().sees_change(&self.who, &change)
                && let Some(news) = self.news(&change).await?
            {
                return Ok(news);
            }
        }
    }

    /// Nothing of an event that is gone by now: its deletion is told next.
    async fn news(&self, change: &EventChange) -> Result<Option<EventNews>> {
        let told = match change.action {
            Action::Create => EventNews::Created,
            Action::Delete => return Ok(Some(EventNews::Deleted(change.id))),
            Action::Update
            | Action::Revoke
            | Action::Login
            | Action::Logout
            | Action::Write
            | Action::Run => EventNews::Updated,
        };
        match self.store.catalog().event(&self.who, change.id).await {
            Ok(event) => Ok(Some(told(event))),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
