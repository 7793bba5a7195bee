//! Look-ups of many streams: by their ids, or by their devices or groups. Rows that are not visible are left out.

use std::sync::Arc;

use super::StreamCatalog;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, Principal, StreamId};

impl StreamCatalog {
    /// The visible streams among these.
    pub fn streams_by_id(&self, who: &Principal, ids: &[StreamId]) -> Vec<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        ids.iter().filter_map(|id| visible.stream(*id).ok()).cloned().collect()
    }

    /// The visible streams of these devices, by id ascending within each.
    pub fn streams_of_devices(&self, who: &Principal, ids: &[DeviceId]) -> Vec<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let streams = ids.iter().flat_map(|id| visible.mirror.streams().ids_of(*id));
        streams.filter_map(|id| visible.stream(id).ok()).cloned().collect()
    }

    /// The visible streams in these groups, by id ascending within each.
    pub fn streams_of_groups(&self, who: &Principal, ids: &[GroupId]) -> Vec<Arc<Stream>> {
        let visible = self.core.visible_to(who);
        let groups = ids.iter().filter(|id| visible.group(**id).is_ok());
        let streams = groups.flat_map(|id| visible.mirror.members(*id));
        streams.filter_map(|id| visible.stream(id).ok()).cloned().collect()
    }
}
