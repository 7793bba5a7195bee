//! Last contact of each device: when a reading of it last arrived, whatever the time of the reading, and whether its sender's clock is
//! ahead. Shown as `last_seen` and `clock_offset` of devices that no collector polls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;
use tokio::sync::watch;

use super::catalog::StreamCatalog;
use super::latest_value_cache::LatestValueCache;
use super::sender_clock::SenderClock;
use crate::domain::arrival::AheadBound;
use crate::domain::{DeviceId, Micros};

/// Acknowledged writes of one device's readings, imports of history aside.
#[derive(Debug, Default)]
struct DeviceContact {
    /// Time of the last one, microseconds.
    last: AtomicI64,
    clock: SenderClock,
}

impl DeviceContact {
    /// Returns whether the sender's clock is found ahead, or right again.
    fn record(&self, newest: Micros, at: Micros, bound: AheadBound) -> bool {
        self.last.fetch_max(at.0, Ordering::Relaxed);
        self.clock.observe(newest, at, bound)
    }
}

/// Last contacts of all devices.
#[derive(Debug)]
pub(super) struct LastContacts {
    devices: RwLock<HashMap<DeviceId, DeviceContact>>,
    bound: AheadBound,
    /// Notified when a sender's clock is found ahead, or right again.
    clocks_changed: watch::Sender<()>,
}

impl LastContacts {
    /// No contacts. A clock that is ahead by less than `bound` is right.
    pub fn new(bound: AheadBound) -> LastContacts {
        LastContacts { devices: RwLock::default(), bound, clocks_changed: watch::Sender::new(()) }
    }

    /// Takes over what a store that opens knows. Times of arrival are not stored, so the newest reading of a device stands for them:
    /// it is not later than `now`.
    pub fn load(&self, latest_values: &LatestValueCache, catalog: &StreamCatalog, now: Micros) {
        for (stream, newest) in latest_values.newest_times() {
            if let Some(stream) = catalog.stream_write_info(stream) {
                let at = newest.min(now);
                self.record(&[(stream.device, at)], at);
            }
        }
    }

    /// Notes that readings of these devices arrived, each with the time of its newest one.
    pub fn record(&self, devices: &[(DeviceId, Micros)], at: Micros) {
        let (mut new, mut is_clock_changed) = (Vec::new(), false);
        let known = self.devices.read();
        for (device, newest) in devices {
            match known.get(device) {
                Some(contact) => is_clock_changed |= contact.record(*newest, at, self.bound),
                None => new.push((*device, *newest)),
            }
        }
        drop(known);
        if !new.is_empty() {
            let mut known = self.devices.write();
            for (device, newest) in new {
                is_clock_changed |= known.entry(device).or_default().record(newest, at, self.bound);
            }
        }
        if is_clock_changed {
            self.clocks_changed.send_replace(());
        }
    }

    /// Returns when readings of a device arrived last.
    pub fn get(&self, device: DeviceId) -> Option<Micros> {
        Some(Micros(self.devices.read().get(&device)?.last.load(Ordering::Relaxed)))
    }

    /// Returns how far the clock of a device's senders is ahead, seconds; `None` unless it is.
    pub fn clock_offset_s(&self, device: DeviceId) -> Option<f64> {
        self.devices.read().get(&device)?.clock.offset_s()
    }

    /// Notifies of clocks that are found ahead, or right again.
    pub fn clock_changes(&self) -> watch::Receiver<()> {
        self.clocks_changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_contact_of_each_device_is_kept() {
        let contacts = LastContacts::new(AheadBound::default());
        let at = |device| contacts.get(DeviceId(device)).map(|at| at.0);
        let devices = |ids: [i32; 2]| ids.map(|id| (DeviceId(id), Micros(1)));
        contacts.record(&devices([1, 2]), Micros(5));
        // A clock that was set back.
        contacts.record(&devices([2, 3]), Micros(4));
        assert_eq!([at(1), at(2), at(3), at(4)], [Some(5), Some(5), Some(4), None]);
        contacts.record(&devices([3, 3]), Micros(9));
        assert_eq!(at(3), Some(9));
    }

    #[test]
    fn a_clock_that_is_found_ahead_is_told_once() {
        let contacts = LastContacts::new(AheadBound::default());
        let mut changes = contacts.clock_changes();
        let mut is_told = |newest_s: i64| {
            contacts.record(&[(DeviceId(1), Micros(newest_s * 1_000_000))], Micros(0));
            let is_told = changes.has_changed().unwrap();
            changes.mark_unchanged();
            is_told
        };
        assert_eq!([60, 61, 3600, 0].map(&mut is_told), [false, true, false, false]);
        assert_eq!([1, 2].map(|id| contacts.clock_offset_s(DeviceId(id))), [Some(3600.0), None]);
    }
}
