//! Live feeds: readings, events and device states, for as long as the subscriber is authorized.
//!
//! Every feed ends with `Unauthenticated` as soon as its credential is no longer valid: the key was revoked or
//! changed, the session ended, or the user may not log in any more. The number of feeds is limited per caller and in
//! total.

mod coalescer;
pub mod credential;
pub mod cursor;
pub mod devices;
pub mod events;
mod subscription_limits;
pub mod values;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

pub use self::coalescer::MAX_MESSAGE_READINGS;
pub(super) use self::subscription_limits::SubscriptionLimiter;
pub use self::subscription_limits::SubscriptionPermit;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use crate::domain::{Clock, Principal, Result};
use crate::query::Engine;
use crate::store::Store;

/// Limits of live feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSettings {
    /// Maximum concurrent feeds in total.
    pub subscriptions: usize,
    /// Maximum concurrent feeds of one key or user.
    pub subscriptions_per_caller: usize,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self { subscriptions: 2000, subscriptions_per_caller: 500 }
    }
}

/// Live feeds, and the long-lived connections that show them.
pub struct LiveFeeds {
    store: Arc<Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    states: CollectorStates,
    subscriptions: SubscriptionLimiter,
    ending: CancellationToken,
    /// Connections that send a closing message when they end.
    connections: TaskTracker,
}

impl LiveFeeds {
    pub(super) fn new(parts: &CoreParts, settings: &LiveSettings) -> Self {
        let LiveSettings { subscriptions, subscriptions_per_caller } = *settings;
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            subscriptions: SubscriptionLimiter::new(
                "live.subscriptions",
                subscriptions,
                subscriptions_per_caller,
            ),
            ending: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }

    /// Reserves a feed for this principal.
    ///
    /// # Errors
    /// `Throttled` when the caller or its organization has too many; `Busy` when the server has.
    pub fn acquire_subscription(&self, who: &Principal) -> Result<SubscriptionPermit> {
        self.subscriptions.acquire(who, self.store.catalog().orgs.org_count() > 1)
    }

    /// Returns the token that is cancelled when long-lived connections must close because the server stops.
    pub fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Returns a token that a long-lived connection holds until it has closed: the server waits for it.
    pub fn connected(&self) -> TaskTrackerToken {
        self.connections.token()
    }

    /// Closes all long-lived connections and waits until they have closed.
    pub async fn end_connections(&self) {
        self.ending.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}
