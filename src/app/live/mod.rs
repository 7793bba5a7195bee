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

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

pub use self::coalescer::MAX_MESSAGE_READINGS;
pub(super) use self::subscription_limits::SubscriptionLimiter;
pub use self::subscription_limits::SubscriptionPermit;
use super::App;
use crate::domain::{Principal, Result};

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

/// State shared by the feeds.
pub(super) struct FeedState {
    subscriptions: SubscriptionLimiter,
    ending: CancellationToken,
    /// Connections that send a closing message when they end.
    connections: TaskTracker,
}

impl FeedState {
    pub(super) fn new(settings: &LiveSettings) -> Self {
        let LiveSettings { subscriptions, subscriptions_per_caller } = *settings;
        Self {
            subscriptions: SubscriptionLimiter::new(
                "live.subscriptions",
                subscriptions,
                subscriptions_per_caller,
            ),
            ending: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }
}

impl App {
    /// Reserves a feed for this principal.
    ///
    /// # Errors
    /// `Throttled` when the caller or its organization has too many; `Busy` when the server has.
    pub fn acquire_subscription(&self, who: &Principal) -> Result<SubscriptionPermit> {
        self.live.subscriptions.acquire(who, self.store.catalog().org_count() > 1)
    }

    /// Returns the token that is cancelled when long-lived connections must close because the server stops.
    pub fn ending(&self) -> CancellationToken {
        self.live.ending.clone()
    }

    /// Returns a token that a long-lived connection holds until it has closed: the server waits for it.
    pub fn connected(&self) -> TaskTrackerToken {
        self.live.connections.token()
    }

    /// Closes all long-lived connections and waits until they have closed.
    pub async fn end_connections(&self) {
        self.live.ending.cancel();
        self.live.connections.close();
        self.live.connections.wait().await;
    }
}
