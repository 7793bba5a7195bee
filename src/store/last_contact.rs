//! Last contact of each device: when a reading of it last arrived, whatever the time of the reading. Shown as `last_seen` of devices that
//! no collector polls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;

use super::catalog::Catalog;
use super::latest_value_cache::LatestValueCache;
use crate::domain::{DeviceId, Micros};

/// Times of the last acknowledged write of each device's readings, imports of history aside.
#[derive(Debug, Default)]
pub(super) struct LastContacts {
    devices: RwLock<HashMap<DeviceId, AtomicI64>>,
}

impl LastContacts {
    /// Takes over what a store that opens knows. Times of arrival are not stored, so the newest reading of a device stands for them:
    /// it is not later than `now`.
    pub fn load(&self, latest_values: &LatestValueCache, catalog: &Catalog, now: Micros) {
        for (stream, newest) in latest_values.newest_times() {
            if let Some(stream) = catalog.streams.stream_write_info(stream) {
                self.record(&[stream.device], newest.min(now));
            }
        }
    }

    /// Notes that readings of these devices arrived.
    pub fn record(&self, devices: &[DeviceId], at: Micros) {
        let known = self.devices.read();
        let record = |device| known.get(device).map(|last| last.fetch_max(at.0, Ordering::Relaxed));
        let new: Vec<DeviceId> = devices.iter().filter(|device| record(*device).is_none()).copied().collect();
        drop(known);
        if new.is_empty() {
            return;
        }
        let mut known = self.devices.write();
        for device in new {
            known.entry(device).or_insert_with(|| AtomicI64::new(at.0)).fetch_max(at.0, Ordering::Relaxed);
        }
    }

    /// Returns when readings of a device arrived last.
    pub fn get(&self, device: DeviceId) -> Option<Micros> {
        Some(Micros(self.devices.read().get(&device)?.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_contact_of_each_device_is_kept() {
        let contacts = LastContacts::default();
        let at = |device| contacts.get(DeviceId(device)).map(|at| at.0);
        contacts.record(&[DeviceId(1), DeviceId(2)], Micros(5));
        // A clock that was set back.
        contacts.record(&[DeviceId(2), DeviceId(3)], Micros(4));
        assert_eq!([at(1), at(2), at(3), at(4)], [Some(5), Some(5), Some(4), None]);
        contacts.record(&[DeviceId(3)], Micros(9));
        assert_eq!(at(3), Some(9));
    }
}
