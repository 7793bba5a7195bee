//! Batch look-ups by many ids: a nested list needs one call, however long it is. Rows that are not visible are left
//! out.

use std::sync::Arc;

use super::Catalog;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, Principal, StreamId};

impl Catalog {
    /// The visible devices among these.
    pub fn devices_by_id(&self, who: &Principal, ids: &[DeviceId]) -> Vec<Arc<Device>> {
        let sight = self.visible_to(who);
        let seen = ids.iter().filter_map(|id| sight.device(*id).ok());
        seen.map(|device| sight.redact_device(device)).collect()
    }

    /// The visible streams among these.
    pub fn streams_by_id(&self, who: &Principal, ids: &[StreamId]) -> Vec<Arc<Stream>> {
        let sight = self.visible_to(who);
        ids.iter().filter_map(|id| sight.stream(*id).ok()).cloned().collect()
    }

    /// The visible groups among these.
    pub fn groups_by_id(&self, who: &Principal, ids: &[GroupId]) -> Vec<Arc<Group>> {
        let sight = self.visible_to(who);
        ids.iter().filter_map(|id| sight.group(*id).ok()).cloned().collect()
    }

    /// The visible streams of these devices, by id ascending within each.
    pub fn streams_of_devices(&self, who: &Principal, ids: &[DeviceId]) -> Vec<Arc<Stream>> {
        let sight = self.visible_to(who);
        let streams = ids.iter().flat_map(|id| sight.mirror.streams().ids_of(*id));
        streams.filter_map(|id| sight.stream(id).ok()).cloned().collect()
    }

    /// The visible streams in these groups, by id ascending within each.
    pub fn streams_of_groups(&self, who: &Principal, ids: &[GroupId]) -> Vec<Arc<Stream>> {
        let sight = self.visible_to(who);
        let groups = ids.iter().filter(|id| sight.group(**id).is_ok());
        let streams = groups.flat_map(|id| sight.members(*id));
        streams.filter_map(|id| sight.stream(id).ok()).cloned().collect()
    }
}
