//! The sensors of the messages of one second: ordered by index, then in the order of the messages.

use super::keys::MessageKey;

/// Messages of a group that a page needs.
#[derive(Debug, PartialEq, Eq)]
pub struct NeededMessages {
    /// In their order.
    pub keys: Vec<MessageKey>,
    /// Number of their sensors that come before the page.
    pub skip: u64,
}

/// Returns the messages that have any of the sensors from `skip` up to `skip + need`. Each message has its sensors
/// numbered from 1 without gaps.
pub fn needed(group: &[MessageKey], skip: u64, need: u64) -> NeededMessages {
    let end = skip.saturating_add(need);
    let most = group.iter().map(|key| key.sensors).max().unwrap_or_default();
    let mut is_needed = vec![false; group.len()];
    let mut position = 0;
    for index in 1..=most {
        if position >= end {
            break;
        }
        for (at, _) in group.iter().enumerate().filter(|(_, key)| key.sensors >= index) {
            is_needed[at] |= (skip..end).contains(&position);
            position += 1;
        }
    }
    let keys: Vec<MessageKey> =
        group.iter().zip(&is_needed).filter(|(_, is_needed)| **is_needed).map(|(key, _)| *key).collect();
    NeededMessages { skip: sensors_before(group, &is_needed, skip), keys }
}

/// Counts the sensors of needed messages among the first `skip` ones of the group.
fn sensors_before(group: &[MessageKey], is_needed: &[bool], skip: u64) -> u64 {
    let (mut position, mut before) = (0, 0);
    for index in 1.. {
        let of_index = group.iter().zip(is_needed).filter(|(key, _)| key.sensors >= index);
        let start = position;
        for (_, is_needed) in of_index {
            if position >= skip {
                return before;
            }
            before += u64::from(*is_needed);
            position += 1;
        }
        if position == start {
            break;
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(sensors: &[u32]) -> Vec<MessageKey> {
        let key =
            |(device, sensors): (i32, &u32)| MessageKey { device, ts: 0, sensors: *sensors, stored: None };
        (1..).zip(sensors).map(key).collect()
    }

    /// Every sensor of a group in order: device and index.
    fn sensors(group: &[MessageKey]) -> Vec<(u32, i32)> {
        let mut all: Vec<(u32, i32)> =
            group.iter().flat_map(|key| (1..=key.sensors).map(|index| (index, key.device))).collect();
        all.sort_by_key(|(index, _)| *index);
        all
    }

    #[test]
    fn only_messages_with_a_sensor_on_the_page_are_needed() {
        let group = group(&[2, 0, 1, 3]);
        // In order: 1 of devices 1, 3 and 4; 2 of devices 1 and 4; 3 of device 4.
        for (skip, need, devices, before) in [
            (0, 1, vec![1], 0),
            (0, 3, vec![1, 3, 4], 0),
            (1, 1, vec![3], 0),
            (2, 2, vec![1, 4], 1),
            (3, 1, vec![1], 1),
            (4, 100, vec![4], 1),
            (5, 1, vec![4], 2),
            (6, 5, vec![], 0),
            (0, 0, vec![], 0),
        ] {
            let found = needed(&group, skip, need);
            let found = (found.keys.iter().map(|key| key.device).collect::<Vec<_>>(), found.skip);
            assert_eq!(found, (devices, before), "{need} from {skip}");
        }
    }

    proptest! {
        #[test]
        fn a_page_of_the_needed_messages_is_the_page_of_all(
            counts in prop::collection::vec(0_u32..6, 0..12),
            skip in 0_usize..40,
            need in 1_usize..12,
        ) {
            let group = group(&counts);
            let expected: Vec<_> = sensors(&group).into_iter().skip(skip).take(need).collect();
            let found = needed(&group, skip as u64, need as u64);
            let page: Vec<_> = sensors(&found.keys).into_iter().skip(found.skip as usize).take(need).collect();
            prop_assert_eq!(page, expected);
        }
    }
}
