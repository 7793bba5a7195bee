//! Broadcast channels, one per organization with subscribers: nobody lags because of other organizations.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::domain::OrgId;

/// Channels of one kind of news.
pub struct OrgChannels<T> {
    senders: Mutex<HashMap<OrgId, broadcast::Sender<T>>>,
    capacity: usize,
}

impl<T: Clone> OrgChannels<T> {
    /// Creates channels in which a subscriber may lag behind `capacity` pieces of news.
    pub fn new(capacity: usize) -> Self {
        Self { senders: Mutex::default(), capacity }
    }

    /// Sends news to the subscribers of an organization; without any, they are not made.
    pub fn send(&self, org: OrgId, news: impl FnOnce() -> T) {
        let mut senders = self.senders.lock();
        let Some(sender) = senders.get(&org) else { return };
        if sender.send(news()).is_err() {
            // The last subscriber is gone.
            senders.remove(&org);
        }
    }

    /// Receives all future news of an organization.
    pub fn subscribe(&self, org: OrgId) -> broadcast::Receiver<T> {
        let mut senders = self.senders.lock();
        senders.entry(org).or_insert_with(|| broadcast::Sender::new(self.capacity)).subscribe()
    }

    /// Number of organizations with subscribers.
    #[cfg(test)]
    pub fn subscribed_orgs(&self) -> usize {
        self.senders.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_reach_their_organization_alone_and_channels_end_with_their_subscribers() {
        let channels = OrgChannels::new(2);
        let (mut ours, mut theirs) = (channels.subscribe(OrgId(1)), channels.subscribe(OrgId(2)));
        (0..9).for_each(|n| channels.send(OrgId(2), || n));
        channels.send(OrgId(1), || 7);
        assert_eq!(ours.try_recv(), Ok(7));
        assert_eq!(theirs.try_recv(), Err(broadcast::error::TryRecvError::Lagged(7)));
        drop(ours);
        channels.send(OrgId(1), || 8);
        assert_eq!(channels.subscribed_orgs(), 1);
    }
}
