//! Rows of many ids at once: a nested list asks once, however long it is. What is not seen is left out.

use std::sync::Arc;

use super::Catalog;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, Principal, StreamId};

impl Catalog {
    /// The devices seen of these.
    pub fn devices_by_id(&self, who: &Principal, ids: &[DeviceId]) -> Vec<Arc<Device>> {
        let sight = self.sight(who);
        let seen = ids.iter().filter_map(|id| sight.device(*id).ok());
        seen.map(|device| sight.redacted_device(device)).collect()
    }

    /// The streams seen of these.
    pub fn streams_by_id(&self, who: &Principal, ids: &[StreamId]) -> Vec<Arc<Stream>> {
        let sight = self.sight(who);
        ids.iter().filter_map(|id| sight.stream(*id).ok()).cloned().collect()
    }

    /// The groups seen of these.
    pub fn groups_by_id(&self, who: &Principal, ids: &[GroupId]) -> Vec<Arc<Group>> {
        let sight = self.sight(who);
        ids.iter().filter_map(|id| sight.group(*id).ok()).cloned().collect()
    }

    /// The streams seen of these devices, by id ascending within each.
    pub fn streams_of_devices(&self, who: &Principal, ids: &[DeviceId]) -> Vec<Arc<Stream>> {
        let sight = self.sight(who);
        let streams = ids.iter().flat_map(|id| sight.mirror.streams().ids_of(*id));
        streams.filter_map(|id| sight.stream(id).ok()).cloned().collect()
    }

    /// The streams seen in these groups, by id ascending within each.
    pub fn streams_of_groups(&self, who: &Principal, ids: &[GroupId]) -> Vec<Arc<Stream>> {
        let sight = self.sight(who);
        let groups = ids.iter().filter(|id| sight.group(**id).is_ok());
        let streams = groups.flat_map(|id| sight.members(*id));
        streams.filter_map(|id| sight.stream(id).ok()).cloned().collect()
    }
}
