//! Following live: readings, events and the states of devices, for as long as somebody may.
//!
//! Every feed ends with `Unauthenticated` as soon as what its reader stands on is gone: a key revoked or changed, a session
//! that has ended, a person who may not log in any more. How many feeds there are is bounded, by reader and in all.

pub mod cursor;
pub mod devices;
pub mod events;
mod gather;
mod seats;
pub mod standing;
pub mod values;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

pub use self::gather::MOST;
use self::seats::{Seat, Seats};
use super::App;
use crate::domain::{Principal, Result};

/// How much may be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSettings {
    /// Feeds at the same time, of everybody together.
    pub subscriptions: usize,
    /// Feeds that one key or one person may have at the same time.
    pub subscriptions_per_caller: usize,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self { subscriptions: 2000, subscriptions_per_caller: 500 }
    }
}

/// What feeds share.
pub(super) struct LiveParts {
    seats: Seats,
    ending: CancellationToken,
    /// Connections that say farewell when they end.
    connections: TaskTracker,
}

impl LiveParts {
    pub(super) fn new(settings: &LiveSettings) -> Self {
        let (ending, connections) = (CancellationToken::new(), TaskTracker::new());
        Self { seats: Seats::new(settings), ending, connections }
    }
}

impl App {
    /// A place for a feed of this principal.
    fn take_seat(&self, who: &Principal) -> Result<Seat> {
        self.live.seats.take(who, self.store.catalog().org_count() > 1)
    }

    /// Ends when connections that last have to end, because the server does.
    pub fn ending(&self) -> CancellationToken {
        self.live.ending.clone()
    }

    /// A connection that lasts holds this to its end: the server waits for it.
    pub fn connected(&self) -> TaskTrackerToken {
        self.live.connections.token()
    }

    /// Has connections that last end, and waits until they have.
    pub async fn end_connections(&self) {
        self.live.ending.cancel();
        self.live.connections.close();
        self.live.connections.wait().await;
    }
}
