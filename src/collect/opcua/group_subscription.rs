//! Subscriptions of one poll group, and which of its nodes are to be tried again. The caller passes the time.

use std::collections::BTreeSet;
use std::time::Duration;

use opcua::types::StatusCode;
use tokio::time::Instant;

use super::status;
use super::subscription::Subscription;

/// Nodes that the server does not monitor are tried again: they may appear while it runs.
pub const RESUBSCRIBE_DELAY: Duration = Duration::from_secs(30);

/// The subscriptions of one group.
pub struct GroupSubscription {
    pub subscriptions: Vec<Subscription>,
    /// When to try the nodes again that are not monitored.
    pub retry_at: Option<Instant>,
    /// Members that the server refused to monitor.
    pub unmonitored: Vec<usize>,
    /// Members that had a value from these subscriptions.
    reporting: BTreeSet<usize>,
    /// Whether they are to be created anew, because a node is another one than that which is monitored.
    is_outdated: bool,
}

impl GroupSubscription {
    /// Subscriptions that were just created.
    pub fn new(
        subscriptions: Vec<Subscription>,
        unmonitored: Vec<usize>,
        retry_at: Option<Instant>,
    ) -> GroupSubscription {
        GroupSubscription {
            subscriptions,
            retry_at,
            unmonitored,
            reporting: BTreeSet::new(),
            is_outdated: false,
        }
    }

    /// The subscription that counts as dead first.
    pub fn first_dead(&self) -> Option<&Subscription> {
        self.subscriptions.iter().min_by_key(|subscription| subscription.deadline())
    }

    /// When the first subscription counts as dead, or nodes are tried again.
    pub fn due(&self) -> Option<Instant> {
        let dead = self.first_dead().map(Subscription::deadline);
        dead.into_iter().chain(self.retry_at).min()
    }

    /// The subscription that takes nodes which are tried again; `None` where everything is to be created anew.
    pub fn extensible(&self) -> Option<&Subscription> {
        self.subscriptions.last().filter(|_| !self.is_outdated && !self.unmonitored.is_empty())
    }

    /// Notes the status of a value. A node that had values and is unknown now may come back as another one, which a server
    /// need not report. A server that monitors what it does not know from the beginning does report it.
    pub fn note(&mut self, member: usize, status: StatusCode, now: Instant) {
        if status::is_unknown_node(status) {
            if self.reporting.contains(&member) && !self.is_outdated {
                let soon = now + RESUBSCRIBE_DELAY;
                self.is_outdated = true;
                self.retry_at = Some(self.retry_at.map_or(soon, |at| at.min(soon)));
            }
        } else if !status.is_bad() {
            self.reporting.insert(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_vanishes_is_subscribed_to_again() {
        let now = Instant::now();
        for (statuses, is_retried) in [
            (&[StatusCode::Good, StatusCode::BadNodeIdUnknown][..], true),
            (&[StatusCode::UncertainLastUsableValue, StatusCode::BadNodeIdInvalid][..], true),
            (&[StatusCode::BadNodeIdUnknown, StatusCode::BadNodeIdUnknown][..], false),
            (&[StatusCode::Good, StatusCode::BadSensorFailure][..], false),
            (&[StatusCode::Good, StatusCode::Good][..], false),
        ] {
            let mut group = GroupSubscription::new(Vec::new(), vec![1], None);
            statuses.iter().for_each(|status| group.note(0, *status, now));
            let due = is_retried.then(|| now + RESUBSCRIBE_DELAY);
            assert_eq!((group.retry_at, group.due()), (due, due), "{statuses:?}");
            assert_eq!(group.is_outdated, is_retried, "{statuses:?}");
            assert!(group.extensible().is_none(), "it has no subscription");
        }
    }
}
