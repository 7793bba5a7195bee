//! How many deliveries are made at once: in all, for an organization, and by a channel. A channel whose receiver hangs
//! fills its own slots only, and an organization with many such channels its own only.

use std::collections::HashMap;
use std::hash::Hash;

use uuid::Uuid;

use crate::domain::OrgId;
use crate::domain::notification::Delivery;

/// Most deliveries at once.
pub(super) const MAX_RUNNING: usize = 256;
/// Most of them of one organization.
pub(super) const MAX_PER_ORG: usize = 32;
/// Most of them by one channel: small, so that a receiver gets alerts roughly in the order in which they fired.
pub(super) const MAX_PER_CHANNEL: usize = 2;

/// The deliveries that are being made.
#[derive(Debug, Default)]
pub(super) struct DeliverySlots {
    running: HashMap<Uuid, (OrgId, Uuid)>,
    of_org: HashMap<OrgId, usize>,
    of_channel: HashMap<Uuid, usize>,
}

impl DeliverySlots {
    /// Takes a slot for a delivery; false when there is none for it, or it is being made already.
    pub(super) fn take(&mut self, delivery: &Delivery) -> bool {
        let Delivery { id, org, channel, .. } = delivery;
        let count = |counts: Option<&usize>| counts.copied().unwrap_or(0);
        let has_room = self.free_slots() > 0
            && count(self.of_org.get(org)) < MAX_PER_ORG
            && count(self.of_channel.get(channel)) < MAX_PER_CHANNEL
            && !self.running.contains_key(id);
        if has_room {
            self.running.insert(*id, (*org, *channel));
            *self.of_org.entry(*org).or_default() += 1;
            *self.of_channel.entry(*channel).or_default() += 1;
        }
        has_room
    }

    /// Gives the slot of a delivery back.
    pub(super) fn release(&mut self, id: Uuid) {
        if let Some((org, channel)) = self.running.remove(&id) {
            decrement(&mut self.of_org, org);
            decrement(&mut self.of_channel, channel);
        }
    }

    /// Number of free slots.
    pub(super) fn free_slots(&self) -> usize {
        MAX_RUNNING.saturating_sub(self.running.len())
    }

    pub(super) fn running_count(&self) -> usize {
        self.running.len()
    }

    /// Ids of the deliveries that are being made.
    pub(super) fn ids(&self) -> Vec<Uuid> {
        self.running.keys().copied().collect()
    }

    /// Organizations without a free slot.
    pub(super) fn full_orgs(&self) -> Vec<OrgId> {
        keys_at_limit(&self.of_org, MAX_PER_ORG)
    }

    /// Channels without a free slot.
    pub(super) fn full_channels(&self) -> Vec<Uuid> {
        keys_at_limit(&self.of_channel, MAX_PER_CHANNEL)
    }
}

fn keys_at_limit<K: Copy>(counts: &HashMap<K, usize>, most: usize) -> Vec<K> {
    counts.iter().filter(|(_, count)| **count >= most).map(|(key, _)| *key).collect()
}

fn decrement<K: Copy + Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notification::{AlertNotice, DeliveryStatus};
    use crate::domain::{EventId, Micros};

    fn delivery(org: i32, channel: u128) -> Delivery {
        Delivery {
            id: Uuid::new_v4(),
            org: OrgId(org),
            alert: EventId(1),
            notice: AlertNotice::Fired,
            channel: Uuid::from_u128(channel),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(Micros(0)),
            error: None,
            sent_at: None,
            created_at: Micros(0),
        }
    }

    #[test]
    fn no_channel_and_no_organization_takes_the_slots_of_others() {
        let mut slots = DeliverySlots::default();
        let first = delivery(1, 1);
        assert!(slots.take(&first) && !slots.take(&first), "one delivery is made once");
        assert!(slots.take(&delivery(1, 1)) && !slots.take(&delivery(1, 1)));
        assert_eq!(slots.full_channels(), [Uuid::from_u128(1)]);
        for channel in 2..=31 {
            assert!(slots.take(&delivery(1, channel)), "{channel}");
        }
        assert!(!slots.take(&delivery(1, 99)), "the organization has its share");
        assert_eq!(slots.full_orgs(), [OrgId(1)]);
        assert!(slots.take(&delivery(2, 100)));
        assert_eq!(
            (slots.running_count(), slots.free_slots(), slots.ids().len()),
            (33, MAX_RUNNING - 33, 33)
        );
        slots.release(first.id);
        slots.release(first.id);
        assert!(slots.full_orgs().is_empty() && slots.full_channels().is_empty());
        assert!(slots.take(&delivery(1, 1)));
    }

    #[test]
    fn all_together_are_bounded_and_nothing_is_left_behind() {
        let mut slots = DeliverySlots::default();
        let all: Vec<_> = (0..300).map(|n| delivery(n, n.unsigned_abs().into())).collect();
        let taken: Vec<_> = all.iter().filter(|one| slots.take(one)).collect();
        assert_eq!((taken.len(), slots.free_slots()), (MAX_RUNNING, 0));
        taken.iter().for_each(|one| slots.release(one.id));
        assert_eq!((slots.running_count(), slots.of_org.len(), slots.of_channel.len()), (0, 0, 0));
    }
}
