//! Channels of documents of devices, one for each organization, in the account of queues: nobody lags because of another
//! organization, and documents that a slow subscriber has not read hold a bounded amount of memory.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::device_document::DeviceNotice;
use super::queue_account::{QueueAccount, QueueCharge};
use crate::domain::OrgId;
use crate::store::org_channels::OrgChannels;

/// Documents that a slow subscriber may lag behind; then it is sent the retained ones again.
const CAPACITY: usize = 1024;

/// A document on its way, or the sign that one was left out.
#[derive(Clone)]
pub(super) enum Notice {
    Document(Arc<ChargedNotice>),
    /// The organization's queues had no room for it.
    Missed,
}

/// A document that counts in the account as long as a subscriber has not read it.
pub(super) struct ChargedNotice {
    pub notice: DeviceNotice,
    _charge: QueueCharge,
}

pub(super) struct NoticeChannels {
    channels: OrgChannels<Notice>,
    queues: Arc<QueueAccount>,
}

impl NoticeChannels {
    /// Creates the channels, whose documents count in `queues`.
    pub fn new(queues: Arc<QueueAccount>) -> Self {
        Self { channels: OrgChannels::new(CAPACITY), queues }
    }

    /// Notifies the subscribers of the document's organization; there may be none.
    pub fn send(&self, notice: DeviceNotice) {
        let org = notice.org;
        self.channels.send(org, || {
            if !self.queues.has_room(org) {
                return Notice::Missed;
            }
            let bytes = notice.topic.len() + notice.payload.len();
            let charge = QueueCharge::new(&self.queues, org, bytes);
            Notice::Document(Arc::new(ChargedNotice { notice, _charge: charge }))
        });
    }

    /// Receives the documents of an organization from now on; a receiver more than `CAPACITY` behind loses the oldest.
    pub fn subscribe(&self, org: OrgId) -> broadcast::Receiver<Notice> {
        self.channels.subscribe(org)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::app::mqtt::queue_account::MAX_BYTES;
    use crate::domain::DeviceId;
    use crate::domain::mqtt::Qos;

    fn notice(org: i32, bytes: usize) -> DeviceNotice {
        let (topic, payload) = ("t".into(), Bytes::from(vec![0; bytes]));
        DeviceNotice { org: OrgId(org), device: DeviceId(1), topic, payload, qos: Qos::AtMostOnce }
    }

    /// Security review 9: another organization's flood cost 197 of 200 documents.
    #[test]
    fn a_flood_of_documents_pushes_out_none_of_another_organization() {
        let channels = NoticeChannels::new(Arc::default());
        let (mut ours, _theirs) = (channels.subscribe(OrgId(1)), channels.subscribe(OrgId(2)));
        for _ in 0..200 {
            channels.send(notice(1, 1));
            (0..20).for_each(|_| channels.send(notice(2, 1)));
        }
        let received = std::iter::from_fn(|| ours.try_recv().ok());
        assert_eq!(received.filter(|notice| matches!(notice, Notice::Document(_))).count(), 200);
    }

    /// Security review 5 and 7: a ring of 1,024 documents of 300 kB was in nobody's account.
    #[test]
    fn documents_that_nobody_reads_are_left_out_when_the_account_is_full() {
        let queues = Arc::new(QueueAccount::default());
        let channels = NoticeChannels::new(queues.clone());
        let mut slow = channels.subscribe(OrgId(1));
        (0..100).for_each(|_| channels.send(notice(1, MAX_BYTES / 64)));
        assert!(!queues.has_room(OrgId(1)) && !queues.is_over(OrgId(1)), "it stays within its share");
        let received: Vec<_> = std::iter::from_fn(|| slow.try_recv().ok()).collect();
        let missed = received.iter().filter(|notice| matches!(notice, Notice::Missed)).count();
        assert!((1..100).contains(&missed), "{missed} of {}", received.len());
        drop(received);
        assert!(queues.has_room(OrgId(1)), "what is read is given back");
    }
}
